"""How far every dimension moves on the training set's questions: under demonstrations, and under the tuning.

    predicted_j = E_x (h_j(x) - h_j(demonstrations, x))²        both by the untuned model
    actual_j    = E_x (h_j(x; tuned) - h_j(x; untuned))²        both without demonstrations

It is read once for all that compare the two or need the second: the overlap of their top lists, and the oracles.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sts_eval.data.prompt import Turn
from sts_eval.data.sampling import shuffled, within_budget
from sts_eval.data.training_set import TrainingSet
from sts_eval.errors import UserError
from sts_eval.model.hook import find_hook
from sts_eval.model.reader import Reader
from sts_eval.progress import Progress, silent
from sts_eval.study.activations import question_weights
from sts_eval.study.cost import Spent
from sts_eval.study.extractor import Extractor, Shown

Floats = NDArray[np.float64]


class NothingMovedError(UserError):
    """The tuned model's activations at the hook are the untuned one's: all that was tuned lies above it."""


@dataclass(frozen=True)
class Movement:
    """Every dimension of one space, each array of shape (d,). A question counts once, with the mean over its tokens.

    Attributes:
        predicted: Mean squared change under demonstrations.
        actual: Mean squared change under the tuning.
        frequency: Share of tokens on which it is above zero, in the untuned model without demonstrations.
        magnitude: Mean absolute value there.
    """

    predicted: Floats
    actual: Floats
    frequency: Floats
    magnitude: Floats


@dataclass(frozen=True)
class Shifts:
    """What moved, and how far.

    Attributes:
        seed: The prediction's, which drew the demonstrations and the questions.
        turns: The questions.
        features: The SAE's features.
        residual: The residual stream's own dimensions.
        spent: What the actual shift took; the reading behind demonstrations is not in it.
    """

    seed: int
    turns: Sequence[Turn]
    features: Movement
    residual: Movement
    spent: Spent


def read_shifts(
    extractor: Extractor, tuned: Any, training_set: TrainingSet, *, seed: int, progress: Progress = silent
) -> Shifts:
    """Read the questions that step 1 of the prediction compared, by both models.

    Args:
        extractor: The untuned model with its SAE.
        tuned: The tuned model, adapter attached, on the same device.
        training_set: What it was tuned on.
        seed: The prediction's seed: it draws the demonstrations and the questions.
        progress: Called with (stage, done, total) as questions are read.

    Raises:
        UserError: The set is too small.
        NothingMovedError: The tuned model's activations are the untuned one's.
    """
    settings, prompter, examples = extractor.settings, extractor.prompter, training_set.examples
    if len(examples) <= settings.shots:
        raise UserError(f"{training_set.source} has {len(examples)} rows, too few for a question", "Give more rows")
    order = shuffled(len(examples), seed, "training set")
    drawn, rest = order[: settings.shots], order[settings.shots :]
    budget = settings.shift_tokens
    chosen = within_budget(examples, rest, budget, lambda example: prompter.length(example.question))
    turns = [prompter.turn(examples[index].question, suffix=training_set.suffix) for index in chosen]
    demonstrations = prompter.demonstrations([examples[index] for index in drawn], suffix=training_set.suffix)
    after = on_tuned(extractor, tuned)
    shown, shown_after = Shown.of(demonstrations), Shown.of(demonstrations)  # keys and values are each model's own
    counts = [demonstrations.fitting(turn, extractor.context) for turn in turns]
    features, residual, spent = _Sums(), _Sums(), Spent()
    done = 0
    for row in extractor.rows(turns, counts):
        together, none = [turns[index] for index in row], [0] * len(row)
        weights = question_weights(together)
        prompted = extractor.read(shown, together, [counts[index] for index in row])
        with booked(extractor.reader, after.reader) as here:
            alone = extractor.read(shown, together, none)
            moved = after.read(shown_after, together, none)
            residual.add(weights, alone, prompted, moved)
            encode = extractor.autoencoder.encode
            for (block, a), (_, b), (_, c) in zip(encode(alone), encode(prompted), encode(moved), strict=True):
                features.add(weights[block], a, b, c)
        spent += here
        done += len(row)
        progress("overlap", done, len(turns))
    return Shifts(seed, turns, features.movement(), residual.movement(), spent)


def on_tuned(extractor: Extractor, tuned: Any) -> Extractor:
    """The same extractor reading the tuned model, at the same hook."""
    return dataclasses.replace(extractor, reader=Reader(tuned, find_hook(tuned, extractor.reader.hook.name)))


@contextmanager
def booked(*readers: Reader) -> Iterator[Spent]:
    """What is spent inside, by all of these readers; complete when the block ends."""
    spent = Spent()
    tokens, passes = sum(one.tokens for one in readers), sum(one.passes for one in readers)
    start = time.perf_counter()
    yield spent
    spent.seconds = time.perf_counter() - start
    spent.tokens = sum(one.tokens for one in readers) - tokens
    spent.passes = sum(one.passes for one in readers) - passes


class _Sums:
    """Running sums over tokens in float64, every question weighing one."""

    def __init__(self) -> None:
        self._weight = 0.0
        self._sums: Tensor | None = None

    def add(self, weights: Tensor, alone: Tensor, prompted: Tensor, moved: Tensor) -> None:
        """Add tokens with weights (n,) and their activations (n, d) in the three readings."""
        weights = weights.to(alone.device)
        alone, prompted, moved = (reading.float() for reading in (alone, prompted, moved))
        terms = (prompted - alone).square(), (moved - alone).square(), (alone > 0).float(), alone.abs()
        sums = torch.stack([weights @ term for term in terms]).double().cpu()
        self._sums = sums if self._sums is None else self._sums + sums
        self._weight += float(weights.sum())

    def movement(self) -> Movement:
        """The means.

        Raises:
            NothingMovedError: No dimension changed under the tuning.
        """
        if self._sums is None:
            raise ValueError("nothing was added")
        means = Movement(*np.asarray((self._sums / self._weight).numpy(), dtype=np.float64))
        if not means.actual.any():
            raise NothingMovedError(
                "the tuned model's activations are those of the untuned one", "Check that its adapter is attached"
            )
        return means
