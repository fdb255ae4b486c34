"""From training examples to token rows whose loss covers the solution only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sts_eval.data.prompt import Prompter
from sts_eval.data.sampling import shuffled
from sts_eval.data.training_set import Example, TrainingSet
from sts_eval.errors import UserError
from sts_eval.experiment import TuneSettings

IGNORED = -100
"""Label of a token that no loss is computed for, as PyTorch's cross entropy takes it."""

HELD_OUT_SHARE = 0.1
"""Largest share of a small training set that is held out."""


class TokenRow(NamedTuple):
    """One example as the trainer takes it: ids, and labels that are -100 up to the solution."""

    input_ids: list[int]
    labels: list[int]

    def last(self, n: int) -> TokenRow:
        """The last n tokens, so that the end of the solution stays."""
        return TokenRow(self.input_ids[-n:], self.labels[-n:])


@dataclass(frozen=True)
class Split:
    """What one seed trains on, and what no seed sees.

    Attributes:
        train: Rows in the order that the seed draws.
        held_out: The same rows for every seed.
        cut: How many training rows lost tokens on the left.
        train_numbers: Which rows of the training set `train` holds.
        held_out_numbers: The same of `held_out`.
    """

    train: Sequence[TokenRow]
    held_out: Sequence[TokenRow]
    cut: int
    train_numbers: Sequence[int]
    held_out_numbers: Sequence[int]


def token_row(prompter: Prompter, example: Example, *, suffix: str) -> TokenRow:
    """Tokenise an example.

    Raises:
        UserError: The chat template does not open a finished conversation as it opens an answer.
    """
    asked, solution = prompter.worked(example, suffix=suffix)
    return TokenRow(asked + solution, [IGNORED] * len(asked) + solution)


def held_out_rows(data: TrainingSet, settings: TuneSettings) -> tuple[list[int], list[int]]:
    """Numbers of the rows that no seed sees, which are the same for every seed, and of the others.

    Raises:
        UserError: The set has a single row.
    """
    n = len(data.examples)
    if n <= 1:
        raise UserError(f"{data.source} has {n} rows, too few to train on", "Give more rows")
    order = shuffled(n, 0, "held out")
    kept_back = min(settings.held_out, max(1, int(n * HELD_OUT_SHARE)))
    return order[:kept_back], order[kept_back:]


def split_rows(prompter: Prompter, data: TrainingSet, settings: TuneSettings, seed: int, context: int) -> Split:
    """Draw the rows of one seed.

    The held-out rows do not depend on the seed, so that losses of different seeds compare.

    Raises:
        UserError: The set has a single row.
    """
    held_out, rest = held_out_rows(data, settings)
    drawn = [rest[index] for index in shuffled(len(rest), seed, "fine-tuning")][: settings.max_rows]
    limit = min(settings.max_tokens, context)

    def row(number: int) -> TokenRow:
        return token_row(prompter, data.examples[number], suffix=data.suffix)

    train, cut = [], 0
    for whole in map(row, drawn):
        train.append(whole.last(limit))
        cut += len(whole.input_ids) > limit
    return Split(train, [row(number).last(limit) for number in held_out], cut, drawn, held_out)
