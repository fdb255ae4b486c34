"""What the fine-tunings of all seeds have in common, and whether it can be trained with. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sts_eval.data.prompt import Prompter
from sts_eval.data.reward import Verifier, verifier_of
from sts_eval.data.rows import Split, split_rows
from sts_eval.data.training_set import TrainingSet
from sts_eval.errors import UserError
from sts_eval.experiment import GRPOSettings, ModelSpec, TuneSettings


@dataclass(frozen=True)
class Rewarded:
    """What answers are rewarded for."""

    dials: GRPOSettings
    verifier: Verifier


if TYPE_CHECKING:
    from sts_eval.tuning.features import FeaturePlan


@dataclass(frozen=True)
class Setup:
    """What all seeds have in common."""

    model: ModelSpec
    training_set: TrainingSet
    settings: TuneSettings
    prompter: Prompter  # its tokenizer pads the rows, and is saved beside the weights
    context: int  # longest row that the model reads, in tokens
    rewarded: Rewarded | None = None  # for the method grpo
    features: FeaturePlan | None = None  # for the method features

    def split(self, seed: int) -> Split:
        """The rows of a seed.

        Raises:
            UserError: The set has a single row, or the answers to a step's questions cannot be shared out.
        """
        rows = split_rows(self.prompter, self.training_set, self.settings, seed, self.context)
        if self.rewarded is not None:
            _check_groups(self, self.rewarded, rows)
        return rows


def rewarded_by(training_set: TrainingSet, settings: TuneSettings) -> Rewarded | None:
    """The reward of a tuning, tried on solutions of the training set; None for other methods than grpo.

    Raises:
        UserError: There is no such reward, it fails on a solution, or rows have no answer to compare with.
    """
    if settings.grpo is None:
        return None
    return Rewarded(settings.grpo, verifier_of(training_set, settings.grpo.reward))


def _check_groups(setup: Setup, rewarded: Rewarded, rows: Split) -> None:
    """Check that a step's batch is whole groups of answers, of which there are enough, and that they fit.

    Raises:
        UserError: They are not, or do not.
    """
    dials, batch = rewarded.dials, setup.settings.batch
    if batch % dials.num_generations:
        fitting = max(1, batch // dials.num_generations) * dials.num_generations
        raise UserError(
            f"a batch of {batch} answers cannot be cut into groups of {dials.num_generations} to one question",
            f"Set tune.batch to a multiple of tune.grpo.num_generations, such as {fitting}",
        )
    questions = batch // dials.num_generations
    if len(rows.train_numbers) < questions:
        raise UserError(
            f"{len(rows.train_numbers)} rows to train on are fewer than the {questions} questions of one step (batch "
            f"{batch} / num_generations {dials.num_generations})",
            f"Lower tune.batch to at most {len(rows.train_numbers) * dials.num_generations}, or give more rows",
        )
    room = setup.context - dials.max_completion_tokens
    for number in (*rows.train_numbers, *rows.held_out_numbers):
        length = len(setup.prompter.turn(rewarded.verifier.rows[number].question, suffix=setup.training_set.suffix).ids)
        if length >= room:
            raise UserError(
                f"the question of row {number} (counted from 0) has {length} tokens, which with an answer of "
                f"{dials.max_completion_tokens} exceed the model's context of {setup.context}",
                "Lower tune.grpo.max_completion_tokens, or leave long questions out",
            )
