"""The method once more, as literally and as slowly as it can be written down.

Every prompt goes through the whole model on its own, every token through the whole SAE, and sums
are Python loops. Nothing is shared with the package but the draws of a seed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from sts_eval.data.sampling import shuffled

Pair = tuple[str, str]


class DomainNumbers(NamedTuple):
    """Scores of one question."""

    act: float
    icl: float
    notebook: float


class Literal:
    """Section 1 of the method with plain `Question: ...\\nAnswer:` prompts.

    Args:
        model: A causal language model.
        tokenizer: Its tokenizer.
        sae: A sae-lens SAE.
        hook_name: `blocks.L.hook_resid_post` or `_pre`, with a block behind it.
        bos: Whether a prompt opens with the tokenizer's BOS.
        suffix: Standing instruction behind each training question.
    """

    def __init__(
        self, model: Any, tokenizer: Any, sae: Any, hook_name: str, *, bos: bool = True, suffix: str = ""
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.sae = sae
        layer, side = re.fullmatch(r"blocks\.(\d+)\.hook_resid_(pre|post)", hook_name).groups()
        # hidden_states[0] is what enters block 0; the last entry has the final norm applied.
        self.index = int(layer) + (side == "post")
        self.bos = [tokenizer.bos_token_id] if bos else []
        self.suffix = suffix

    def features(self, shown: Sequence[Pair], question: str, suffix: str = "") -> NDArray[np.float64]:
        """h of each token of the question behind demonstrations. Shape (n_tokens, d_sae)."""
        before = "".join(f"Question: {asked}{suffix}\nAnswer: {solved}\n\n" for asked, solved in shown)
        prefix = self.bos + self.tokenizer(before, add_special_tokens=False).input_ids
        text = f"Question: {question}{suffix}\nAnswer:"
        turn = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        first, last = len("Question: "), len("Question: ") + len(question)
        with torch.no_grad():
            states = self.model(torch.tensor([prefix + turn.input_ids]), output_hidden_states=True).hidden_states
            rows = [
                self.sae.encode(states[self.index][0, len(prefix) + position]).double().numpy()
                for position, (left, right) in enumerate(turn.offset_mapping)
                if right > first and left < last
            ]
        return np.array(rows)

    def n_tokens(self, question: str) -> int:
        """Tokens of a question's text."""
        return len(self.tokenizer(question, add_special_tokens=False).input_ids)

    def _until(self, questions: Sequence[str], order: Sequence[int], budget: int) -> list[int]:
        chosen: list[int] = []
        while len(chosen) < len(order) and sum(self.n_tokens(questions[i]) for i in chosen) < budget:
            chosen.append(order[len(chosen)])
        return chosen

    def shift(
        self, examples: Sequence[Pair], *, shots: int, budget: int, seed: int
    ) -> tuple[list[float], list[list[NDArray[np.float64]]]]:
        """E_x ‖h_j(x) − h_j(demonstrations, x)‖² of every feature, and both activations of every question."""
        order = shuffled(len(examples), seed, "training set")
        shown = [examples[index] for index in order[:shots]]
        chosen = self._until([question for question, _ in examples], order[shots:], budget)
        d_sae = self.sae.cfg.d_sae
        total = [0.0] * d_sae
        both = []
        for index in chosen:
            question = examples[index][0]
            alone = self.features([], question, self.suffix)
            after = self.features(shown, question, self.suffix)
            both.append([alone, after])
            for j in range(d_sae):
                for token in range(len(alone)):
                    change = float(alone[token, j]) - float(after[token, j])
                    total[j] += change * change / len(alone)
        return [value / len(chosen) for value in total], both

    def domain(
        self,
        name: str,
        questions: Sequence[str],
        demonstrations: Sequence[Pair],
        *,
        dims: Sequence[int],
        shots: int,
        budget: int,
        seed: int,
    ) -> dict[int, DomainNumbers]:
        """STS_act, STS_ICL and the notebook's quantity of each question that the seed draws."""
        drawn = shuffled(len(demonstrations), seed, "demonstrations", name)[:shots]
        shown = [demonstrations[index] for index in drawn]
        order = shuffled(len(questions), seed, "questions", name)
        numbers = {}
        for index in self._until(questions, order, budget):
            alone, after = self.features([], questions[index]), self.features(shown, questions[index])
            act = icl = squares = 0.0
            for token in range(len(alone)):
                for j in dims:
                    act += float(alone[token, j])
                    icl += (float(after[token, j]) - float(alone[token, j])) ** 2
                    squares += float(alone[token, j]) ** 2
            n = len(alone)
            numbers[index] = DomainNumbers(act / n, icl / n, squares / (n * len(dims)))
        return numbers


def top(score: Sequence[float], n: int) -> list[int]:
    """TopN_j, the earlier feature first where two are equal."""
    return sorted(range(len(score)), key=lambda j: (-score[j], j))[:n]
