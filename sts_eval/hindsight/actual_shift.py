"""How far every dimension moves on the training set's questions: under demonstrations, and under the tuning.

    predicted_j = E_x (h_j(x) - h_j(demonstrations, x))²        both by the untuned model
    actual_j    = E_x (h_j(x; tuned) - h_j(x; untuned))²        both without demonstrations

It is read once for all that compare the two or need the second: the overlap of their top lists, and the oracles.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sts_eval.data.prompt import Turn
from sts_eval.data.training_set import TrainingSet
from sts_eval.errors import UserError
from sts_eval.model.hook import find_hook
from sts_eval.model.reader import Reader
from sts_eval.progress import Progress, silent
from sts_eval.study.cost import Cost, counting
from sts_eval.study.draws import draw_training_rows
from sts_eval.study.extractor import Extractor
from sts_eval.study.reading import Context, Listener, Reading, Row, RunningSums, Tokens

Floats = NDArray[np.float64]

SHOWN, TUNED = "demonstrations", "tuned"


class NothingMovedError(UserError):
    """The tuned model's activations at the hook are the untuned one's: all that was tuned lies above it."""


@dataclass(frozen=True)
class Movement:
    """Every dimension of one space, each array of shape (d,). A question counts once, with the mean over its tokens."""

    predicted: Floats  # mean squared change under demonstrations
    actual: Floats  # mean squared change under the tuning
    frequency: Floats  # share of tokens on which it is above zero, in the untuned model without demonstrations
    magnitude: Floats  # mean absolute value there


@dataclass(frozen=True)
class Shifts:
    """How far the SAE's features and the residual stream's own dimensions moved."""

    seed: int  # the prediction's, which drew the demonstrations and the questions
    turns: Sequence[Turn]  # the questions
    features: Movement
    residual: Movement
    cost: Cost  # of the actual shift; the reading behind demonstrations is not in it


class MovementListener(Listener):
    """Movement of the residual stream's dimensions and of the features."""

    encodes = True

    def __init__(self) -> None:
        self.residual, self.features = RunningSums(), RunningSums()

    def hear(self, row: Row) -> None:
        """Add residuals."""
        self.residual.add(row.weights, self._terms(row))

    def hear_features(self, tokens: Tokens) -> None:
        """Add features."""
        self.features.add(tokens.weights, self._terms(tokens))

    @staticmethod
    def _terms(tokens: Tokens) -> Iterator[Tensor]:
        alone, shown, tuned = (one.float() for one in (tokens.alone, tokens.others[SHOWN], tokens.others[TUNED]))
        yield (shown - alone).square()
        yield (tuned - alone).square()
        yield (alone > 0).float()
        yield alone.abs()


def read_shifts(
    extractor: Extractor, tuned: Any, training_set: TrainingSet, *, seed: int, progress: Progress = silent
) -> Shifts:
    """Read the questions that step 1 of the prediction compared, by both models.

    The tuned model has its adapter attached and is on the same device. The seed is the prediction's, which draws the
    demonstrations and the questions.

    Raises:
        UserError: The set is too small.
        NothingMovedError: The tuned model's activations are the untuned one's.
    """
    drawn = draw_training_rows(extractor, training_set, seed)
    shown = Context.of(SHOWN, extractor, drawn.shown, drawn.turns)
    alone = shown.alone(drawn.turns)
    after = alone.read_by(reader_of(tuned, extractor), TUNED)
    moved = MovementListener()
    reading = Reading(extractor, drawn.turns, alone, [shown, after], grouped_by=shown)
    hearing = ([moved], []) if extractor.settings.sink_tokens == "keep" else ([], [moved])
    with counting(extractor.reader.model, tuned) as cost:
        reading.play(hearing[0], partial(progress, "overlap"), clean=hearing[1])
    features, residual = Movement(*moved.features.means()), Movement(*moved.residual.means())
    if not (features.actual.any() and residual.actual.any()):
        raise NothingMovedError(
            "the tuned model's activations are those of the untuned one", "Check that its adapter is attached"
        )
    return Shifts(seed, list(drawn.turns.values()), features, residual, cost - shown.cost)


def reader_of(tuned: Any, extractor: Extractor) -> Reader:
    """Reads the tuned model at the extractor's hook."""
    return Reader(tuned, find_hook(tuned, extractor.reader.hook.name))
