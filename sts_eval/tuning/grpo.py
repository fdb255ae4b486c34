"""Reinforcement learning on sampled answers: `trl.GRPOTrainer` with a LoRA adapter (GRPO, arXiv 2402.03300).

Answers are sampled as everywhere in this package (`model/generation.py`), so prompts, ends of answers and the limit of
their length are those of predictions. In a group of G answers to one question with rewards r_1, …, r_G the advantage
of an answer is A_i = (r_i − mean r) / (sd r + 1e-4), and the loss has the divergence from the untuned model, weighted
with beta.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from scipy import stats
from torch.nn.functional import kl_div
from trl.models.utils import unwrap_model_for_generation
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from sts_eval.data.prompt import Turn
from sts_eval.data.rows import Split
from sts_eval.model.generation import Answer, generated_answers
from sts_eval.records.tuning import Reinforcement
from sts_eval.tuning.setup import Rewarded, Setup

DIVERGED = 2  # of the answers to a held-out row, how many the divergence is read on
SAMPLING_SEED = 0  # draws the answers to held-out rows, before and after alike

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Sampled:
    """Answers to the held-out rows."""

    answers: Sequence[Sequence[Answer]]  # by row
    rewards: Floats  # shape (n_rows, n_answers)

    @property
    def cut(self) -> float:
        """Share that ran into the limit."""
        return float(np.mean([not answer.ended for own in self.answers for answer in own]))


@dataclass(frozen=True)
class Reinforced:
    """Training on the rewards of answers that are sampled as it goes."""

    setup: Setup
    rewarded: Rewarded
    rows: Split
    per_device: int  # answers at once in a training pass; as many questions are answered at once
    sampled: list[_Sampled] = field(default_factory=list)  # each time that the loss was measured

    def trainer(self, network: Any, arguments: dict[str, Any], adapter: Any) -> Any:
        """A trainer that samples and rewards."""
        dials = self.rewarded.dials
        config = GRPOConfig(
            **arguments,
            num_generations=dials.num_generations,
            max_completion_length=dials.max_completion_tokens,
            beta=dials.beta,
            temperature=dials.temperature,
            loss_type=dials.loss_type,
        )
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="You are using 'rollout_func'")  # that it may change
            rewards: Any = self._reward
            return GRPOTrainer(
                model=network,
                args=config,
                reward_funcs=rewards,
                train_dataset=Dataset.from_dict({"prompt": [str(number) for number in self.rows.train_numbers]}),
                processing_class=self.setup.prompter.tokenizer,
                peft_config=adapter,
                rollout_func=self._answer,
            )

    def loss(self, trainer: Any) -> float:
        """The loss on held-out solutions; answers to the same rows are sampled and kept."""
        network = trainer.accelerator.unwrap_model(trainer.model)
        network.eval()
        self.sampled.append(self._sample(network))
        return float(np.mean([_solution_loss(network, row.input_ids, row.labels) for row in self.rows.held_out]))

    def reinforcement(self, trainer: Any) -> Reinforcement:
        """What the answers to held-out rows were worth before and after, and how far the model has moved."""
        before, after = self.sampled[0], self.sampled[-1]
        network = trainer.accelerator.unwrap_model(trainer.model)
        by_row = np.array(
            [
                np.mean([self._divergence(network, number, answer.ids) for answer in own[:DIVERGED]])
                for number, own in zip(self.rows.held_out_numbers, after.answers, strict=True)
            ]
        )
        rows = [self.rewarded.verifier.rows[number] for number in self.rows.held_out_numbers]
        logged = [entry for entry in trainer.state.log_history if "reward" in entry]
        changes = (after.rewards - before.rewards).mean(axis=1)
        return Reinforcement(
            answers=self.rewarded.dials.num_generations,
            reward_before=float(before.rewards.mean()),
            reward_after=float(after.rewards.mean()),
            reward_change_se=standard_error(changes),
            solutions_reward=float(np.mean(self.rewarded.verifier.reward(rows, [row.solution for row in rows]))),
            kl=float(by_row.mean()),
            kl_se=standard_error(by_row),
            cut_before=before.cut,
            cut_after=after.cut,
            cut_training=float(np.mean([entry["cut"] for entry in logged])),
            reward_first=float(logged[0]["reward"]),
            reward_last=float(logged[-1]["reward"]),
            silent=float(np.mean([entry["frac_reward_zero_std"] for entry in logged])),
        )

    def _turn(self, number: int) -> Turn:
        return self.setup.prompter.turn(
            self.rewarded.verifier.rows[number].question, suffix=self.setup.training_set.suffix
        )

    def _generated(self, network: Any, turns: Sequence[Turn], seed: int | None) -> list[Answer]:
        dials = self.rewarded.dials
        return generated_answers(
            network,
            self.setup.prompter,
            turns,
            longest=dials.max_completion_tokens,
            temperature=dials.temperature,
            seed=seed,
            batch=self.per_device * dials.num_generations,
        )

    def _answer(self, prompts: Sequence[str], trainer: Any) -> dict[str, Any]:
        """Answers as trl takes them; a prompt is the number of a row."""
        turns = [self._turn(int(prompt)) for prompt in prompts]
        recomputing = trainer.args.gradient_checkpointing_kwargs
        with unwrap_model_for_generation(
            trainer.model_wrapped, trainer.accelerator, gradient_checkpointing_kwargs=recomputing
        ) as network:
            answers = self._generated(network, turns, None)
        prefix = self._prefix
        return {
            "prompt_ids": [[*prefix, *turn.ids] for turn in turns],
            "completion_ids": [list(answer.ids) for answer in answers],
            "logprobs": None,
            "answer": answers,
        }

    def _reward(
        self, prompts: Sequence[str], answer: Sequence[Answer], log_metric: Any, **_further: Any
    ) -> list[float]:
        log_metric("cut", float(np.mean([not one.ended for one in answer])))
        return self.rewarded.verifier.reward(
            [self.rewarded.verifier.rows[int(prompt)] for prompt in prompts], [one.text for one in answer]
        )

    @property
    def _prefix(self) -> tuple[int, ...]:
        return self.setup.prompter.demonstrations([]).prefixes[0]

    def _sample(self, network: Any) -> _Sampled:
        """Answers to the held-out rows; what training draws is left as it is."""
        n = self.rewarded.dials.num_generations
        numbers = [number for number in self.rows.held_out_numbers for _ in range(n)]
        answers = self._generated(network, [self._turn(number) for number in numbers], SAMPLING_SEED)
        rewards = self.rewarded.verifier.reward(
            [self.rewarded.verifier.rows[number] for number in numbers], [answer.text for answer in answers]
        )
        by_row = [answers[start : start + n] for start in range(0, len(answers), n)]
        return _Sampled(by_row, np.array(rewards).reshape(len(by_row), n))

    def _divergence(self, network: Any, number: int, answer: Sequence[int]) -> float:
        """KL(tuned ‖ untuned) over an answer's tokens, each behind those before it, nats per token."""
        ids = [*self._prefix, *self._turn(number).ids, *answer]
        tuned = _distributions(network, ids, len(answer), self.rewarded.dials.temperature)
        with network.disable_adapter():
            untuned = _distributions(network, ids, len(answer), self.rewarded.dials.temperature)
        return divergence(tuned, untuned)


def divergence(tuned: torch.Tensor, untuned: torch.Tensor) -> float:
    """Mean over tokens of KL(tuned ‖ untuned), in nats, from log-probabilities of shape (n_tokens, vocabulary)."""
    return float(kl_div(untuned, tuned, log_target=True, reduction="none").sum(dim=1).mean())


def standard_error(by_row: Floats) -> float | None:
    """Standard error of a mean over rows; None for a single row."""
    return float(stats.sem(by_row)) if len(by_row) > 1 else None


@torch.no_grad()
def _solution_loss(network: Any, ids: Sequence[int], labels: Sequence[int]) -> float:
    found = network(
        input_ids=torch.tensor([list(ids)], device=network.device),
        labels=torch.tensor([list(labels)], device=network.device),
    )
    return float(found.loss)


@torch.no_grad()
def _distributions(network: Any, ids: Sequence[int], last: int, temperature: float) -> torch.Tensor:
    """Log-probabilities of what follows each position before one of the last tokens, shape (last, vocabulary)."""
    logits = network(input_ids=torch.tensor([list(ids)], device=network.device)).logits[0, -last - 1 : -1]
    return torch.log_softmax(logits.float() / temperature, dim=-1)
