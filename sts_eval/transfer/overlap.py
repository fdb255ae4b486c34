"""Are the dimensions that demonstrations move the ones that tuning moves?

    predicted_j = E_x (h_j(x) - h_j(demonstrations, x))²        both by the untuned model
    actual_j    = E_x (h_j(x; tuned) - h_j(x; untuned))²        both without demonstrations

over the same questions x of the training set, in SAE features and in the residual stream's own dimensions
(the paper's figures 1a and 2). Very active dimensions move under anything, so the overlap of the two top lists
stands beside a null of dimensions that are as active. Activity is matched within a factor of √2.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from torch import Tensor

from sts_eval.data.sampling import shuffled, within_budget
from sts_eval.data.training_set import TrainingSet
from sts_eval.errors import UserError
from sts_eval.features.hook import find_hook
from sts_eval.features.reading import Reader
from sts_eval.predictors.instrument import Instrument, Shown
from sts_eval.progress import Progress, silent
from sts_eval.records.overlap import Overlap, OverlapAt, SpaceOverlap
from sts_eval.records.record import now

SIZES = (50, 100, 200)

BINS_PER_OCTAVE = 2

Floats = NDArray[np.float64]
Activity = Literal["firing frequency", "mean magnitude"]


class NothingMovedError(UserError):
    """The tuned model's activations at the hook are the untuned one's: all that was tuned lies above it."""


def measure_overlap(
    instrument: Instrument,
    tuned: Any,
    training_set: TrainingSet,
    *,
    seed: int,
    tuning_seed: int,
    progress: Progress = silent,
) -> Overlap:
    """Compare predicted with actual shifts on the questions that step 1 of the prediction compared.

    Args:
        instrument: The untuned model with its SAE.
        tuned: The tuned model, adapter attached, on the same device.
        training_set: What it was tuned on.
        seed: The prediction's seed: it draws the demonstrations and the questions.
        tuning_seed: The tuned model's, for the record.
        progress: Called with (stage, done, total) as questions are read.

    Raises:
        UserError: The set is too small.
        NothingMovedError: The tuned model's activations are the untuned one's.
    """
    settings, prompter, examples = instrument.settings, instrument.prompter, training_set.examples
    if len(examples) <= settings.shots:
        raise UserError(f"{training_set.source} has {len(examples)} rows, too few for a question", "Give more rows")
    order = shuffled(len(examples), seed, "training set")
    drawn, rest = order[: settings.shots], order[settings.shots :]
    budget = settings.shift_tokens
    chosen = within_budget(examples, rest, budget, lambda example: prompter.length(example.question))
    turns = [prompter.turn(examples[index].question, suffix=training_set.suffix) for index in chosen]
    demonstrations = prompter.demonstrations([examples[index] for index in drawn], suffix=training_set.suffix)
    after = dataclasses.replace(instrument, reader=Reader(tuned, find_hook(tuned, instrument.reader.hook.name)))
    shown, shown_after = Shown.of(demonstrations), Shown.of(demonstrations)  # keys and values are each model's own
    counts = [demonstrations.fitting(turn, instrument.context) for turn in turns]
    features, residual = _Sums(), _Sums()
    done = 0
    for row in instrument.rows(turns, counts):
        together, none = [turns[index] for index in row], [0] * len(row)
        weights = torch.cat([torch.full((len(turn.span),), 1 / len(turn.span)) for turn in together])
        alone = instrument.read(shown, together, none)
        prompted = instrument.read(shown, together, [counts[index] for index in row])
        moved = after.read(shown_after, together, none)
        residual.add(weights, alone, prompted, moved)
        encode = instrument.autoencoder.encode
        for (block, a), (_, b), (_, c) in zip(encode(alone), encode(prompted), encode(moved), strict=True):
            features.add(weights[block], a, b, c)
        done += len(row)
        progress("overlap", done, len(turns))
    return Overlap(
        created=now(),
        seed=seed,
        tuning_seed=tuning_seed,
        n_questions=len(turns),
        n_tokens=sum(len(turn.span) for turn in turns),
        spaces=(
            _space("sae", features.predicted, features.actual, features.frequency, "firing frequency"),
            _space("residual", residual.predicted, residual.actual, residual.magnitude, "mean magnitude"),
        ),
    )


def overlap_at(n: int, predicted: Floats, actual: Floats, activity: Floats) -> OverlapAt:
    """Overlap of the two top lists, and its exact distribution under the null.

    Under the null the predicted list is replaced by random dimensions, as many from each band of activity as
    it has there. The overlap is then a sum of independent hypergeometric counts.

    Args:
        n: Length of the lists.
        predicted: Predicted shift of every dimension, shape (d,).
        actual: Actual change of every dimension, shape (d,).
        activity: What the null is matched on, shape (d,), not negative.

    Raises:
        ValueError: Nothing changed.
    """
    total = float(actual.sum())
    if total <= 0:
        raise ValueError("no dimension changed")
    top_predicted, top_actual = _top(predicted, n), _top(actual, n)
    bands = _bands(activity)
    pmf = np.ones(1)
    for band in np.unique(bands[top_predicted]):
        inside = bands == band
        size = int(inside.sum())
        marked, draws = int(inside[top_actual].sum()), int(inside[top_predicted].sum())
        pmf = np.convolve(pmf, stats.hypergeom(size, marked, draws).pmf(np.arange(min(marked, draws) + 1)))
    counts = np.arange(len(pmf))
    mean = float(pmf @ counts)
    common = len(np.intersect1d(top_predicted, top_actual))
    return OverlapAt(
        n=n,
        common=common,
        expected=mean,
        null_sd=float(np.sqrt(max(0.0, float(pmf @ (counts - mean) ** 2)))),
        p_value=min(1.0, float(pmf[common:].sum())),
        uniform=n**2 / len(actual),
        share_actual=float(actual[top_actual].sum()) / total,
        share_predicted=float(actual[top_predicted].sum()) / total,
    )


class _Sums:
    """Running sums over tokens in float64, every question weighing one. Properties have shape (d,)."""

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

    def _mean(self, index: int) -> Floats:
        if self._sums is None:
            raise ValueError("nothing was added")
        return np.asarray((self._sums[index] / self._weight).numpy(), dtype=np.float64)

    @property
    def predicted(self) -> Floats:
        return self._mean(0)

    @property
    def actual(self) -> Floats:
        return self._mean(1)

    @property
    def frequency(self) -> Floats:
        return self._mean(2)

    @property
    def magnitude(self) -> Floats:
        return self._mean(3)


def _space(
    space: Literal["sae", "residual"], predicted: Floats, actual: Floats, activity: Floats, named: Activity
) -> SpaceOverlap:
    if not actual.any():
        raise NothingMovedError(
            "the tuned model's activations are those of the untuned one", "Check that its adapter is attached"
        )
    sizes: Sequence[int] = [n for n in SIZES if n < len(actual)]
    at = tuple(overlap_at(n, predicted, actual, activity) for n in sizes)
    return SpaceOverlap(space=space, dims=len(actual), activity=named, at=at)


def _top(values: Floats, n: int) -> NDArray[np.intp]:
    return np.argsort(-values, kind="stable")[:n]


def _bands(activity: Floats) -> NDArray[np.int64]:
    """Which band of activity each dimension is in; the silent ones have their own."""
    silent = activity <= 0
    octaves = np.floor(BINS_PER_OCTAVE * np.log2(np.where(silent, 1.0, activity))).astype(np.int64)
    lowest = int(octaves.min()) if len(octaves) else 0
    return np.where(silent, lowest - 1, octaves)
