"""Does a score say something about the training set, or only which domains change whatever one trains on?

The prediction made for *another* training set of the same model is a placebo: what it says of this set's outcome it
does not owe to this set. A score about the set has to correlate better than its placebo does. Only the difference is
of use to somebody who chooses data.

Beside it the decision itself: of two training sets, which is better for this domain? The share of pairs that a score
puts in the right order is 1/2 for one that knows nothing (as in DataDecide, arXiv 2504.11393).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sts_eval.statistics.resampling import Units, percentile_interval, resamples
from sts_eval.statistics.result import Floats, Interval, Result
from sts_eval.statistics.within_runs import ResampledChanges, average, matrices


@dataclass(frozen=True, slots=True, kw_only=True)
class Placebo(Result):
    """r of a score with its own set's changes against that of the same score made for other sets."""

    own: float | None = None  # pooled r over the runs whose model has another set
    other: float | None = None  # pooled r of the predictions for other sets, same model, with this set's changes
    difference: float | None = None  # own - other
    interval: Interval | None = None  # of the difference, over resampled models, training sets and domains
    resampled: Floats = field(default_factory=lambda: np.zeros(0))  # difference by resample, NaN where undefined


@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions(Result):
    """Pairs of training sets of one model, one domain at a time."""

    share: float | None = None  # of pairs in the right order; equal scores count as half right
    interval: Interval | None = None  # over resampled models, training sets and domains
    n_pairs: int = 0  # pairs whose changes differ


def placebo(
    x: ArrayLike, y: ArrayLike, units: Units, *, level: float = 0.95, n_resamples: int = 2000, seed: int = 0
) -> Placebo:
    """Correlate scores x with the changes y of their own run and of the model's runs on other sets.

    Averages are over runs on Fisher's z scale. Resamples draw the sets whose changes are predicted; every other set of
    the model gives a placebo, drawn or not.

    Raises:
        ValueError: If the shapes are not two-dimensional and equal.
    """
    return PlaceboChanges(y, units, level=level, n_resamples=n_resamples, seed=seed).placebo(x)


class OwnAndOther:
    """Correlates many scores with the same changes, whose own sums are taken once."""

    def __init__(self, changes: Floats, units: Units, runs: Floats, domains: Floats) -> None:
        """`runs`, shape (n_selections, n_runs), says how often a selection holds each run whose changes are predicted.

        `domains`, shape (n_selections, n_domains) or (1, n_domains), says the same of domains.
        """
        target, self._source = _pairs(units)
        self._paired = np.unique(target)
        self._own, self._other = (ResampledChanges(changes[rows], domains) for rows in (self._paired, target))
        self._own_runs, self._other_runs = runs[:, self._paired], runs[:, target]

    def __bool__(self) -> bool:
        """Whether some model has two training sets."""
        return bool(len(self._paired))

    def correlate(self, scores: Floats) -> tuple[Floats, Floats]:
        """Pooled r with the own set's changes, and of predictions for the model's other sets; NaN where undefined."""
        own = average(*self._own.correlations(scores[self._paired]), self._own_runs)
        return own, average(*self._other.correlations(scores[self._source]), self._other_runs)


class PlaceboChanges:
    """`placebo` of many scores with the same changes y."""

    def __init__(
        self, y: ArrayLike, units: Units, *, level: float = 0.95, n_resamples: int = 2000, seed: int = 0
    ) -> None:
        """Draw the resamples; arguments as of `placebo`."""
        (changes,) = matrices(y)
        drawn = resamples(units, changes.shape[1], n_resamples, seed)
        domains = np.vstack([np.ones(changes.shape[1]), drawn.domains])
        runs = np.vstack([np.ones(len(changes)), drawn.runs])
        self._level, self._shape = level, changes.shape
        self._both = OwnAndOther(changes, units, runs, domains)

    def placebo(self, x: ArrayLike) -> Placebo:
        """Correlate scores of the changes' shape.

        Raises:
            ValueError: If the shapes differ.
        """
        (scores,) = matrices(x)
        if scores.shape != self._shape:
            raise ValueError(f"needs scores of shape {self._shape}, not {scores.shape}")
        if not self._both:
            return Placebo(undefined={"all": "no model has two training sets"})
        own, other = self._both.correlate(scores)
        difference = own - other
        if np.isnan(difference[0]):
            return Placebo(undefined={"all": "score or change is constant"})
        interval = percentile_interval(difference[1:], self._level)
        return Placebo(
            own=float(own[0]),
            other=float(other[0]),
            difference=float(difference[0]),
            interval=interval if isinstance(interval, Interval) else None,
            resampled=difference[1:],
            undefined={"interval": interval} if isinstance(interval, str) else {},
        )


FEWEST_SETS = 3  # sets below which pairs of them have no interval


def decisions(
    x: ArrayLike, y: ArrayLike, units: Units, *, level: float = 0.95, n_resamples: int = 2000, seed: int = 0
) -> Decisions:
    """Share of pairs of training sets that the scores x order as the changes y do, domain by domain within a model.

    A pair enters a resample as often as both of its sets are drawn together, as a U-statistic's terms do.

    Raises:
        ValueError: If the shapes are not two-dimensional and equal.
    """
    scores, changes = matrices(x, y)
    first, second = _pairs(units)
    first, second = first[first < second], second[first < second]
    order = np.sign(scores[first] - scores[second]) * np.sign(changes[first] - changes[second])
    known = np.isfinite(order) & (changes[first] != changes[second])
    if not known.any():
        return Decisions(undefined={"all": "there are no two training sets of one model to choose between"})
    right, judged = np.where(known, (order + 1) / 2, 0.0), known.astype(np.float64)
    drawn = resamples(units, scores.shape[1], n_resamples, seed)
    times = drawn.models[:, first] * drawn.sets[:, first] * drawn.sets[:, second]
    total = ((times @ judged) * drawn.domains).sum(axis=1)
    hits = ((times @ right) * drawn.domains).sum(axis=1)
    drawn_apart = total > 0  # a resample of one set alone has no pair
    interval: Interval | str = "two training sets do not show how others differ"
    if len({units.sets[run] for run in first} | {units.sets[run] for run in second}) >= FEWEST_SETS:
        interval = percentile_interval(hits[drawn_apart] / total[drawn_apart], level)
    return Decisions(
        share=float(right.sum() / judged.sum()),
        interval=interval if isinstance(interval, Interval) else None,
        n_pairs=int(known.sum()),
        undefined={"interval": interval} if isinstance(interval, str) else {},
    )


def _pairs(units: Units) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Runs of one model on different training sets, as two arrays of indices."""
    models, sets = (np.array(labels) for labels in units)
    first, second = np.nonzero((models[:, None] == models) & (sets[:, None] != sets))
    return first, second
