"""Resamples and permutations of models, training sets and domains.

Points of one run share a model, points of one domain share its questions across runs, and runs on one training set
change in much the same way. Drawing single points, or single runs, again would treat them as independent and give
intervals that are too narrow. So models, training sets and domains are drawn separately, each with replacement, and
a cell enters as often as its model times its set times its domain was drawn (the pigeonhole bootstrap of Owen 2007,
Annals of Applied Statistics 1, 386-411, who shows that it errs on the wide side).
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sts_eval.statistics.result import Floats, Interval

ROUNDING = 1e-9  # r closer than this are equal: a permutation that changes nothing must count as large as the data's
MAX_UNDEFINED = 0.05  # share of resamples without the statistic above which the rest is a selection: no interval


class Units(NamedTuple):
    """What runs share: the number of each run's model and of its training set."""

    models: tuple[int, ...]
    sets: tuple[int, ...]

    @classmethod
    def of(cls, model_of: NDArray[np.intp], set_of: NDArray[np.intp]) -> Self:
        """From arrays of shape (n_runs,)."""
        return cls(tuple(model_of.tolist()), tuple(set_of.tolist()))

    @classmethod
    def separate(cls, n_runs: int) -> Self:
        """Runs that share neither a model nor a training set."""
        return cls(tuple(range(n_runs)), tuple(range(n_runs)))

    def at(self, used: NDArray[np.bool_]) -> "Units":
        """Of some of the runs."""
        return Units(*(tuple(np.array(labels)[used].tolist()) for labels in self))


@dataclass(frozen=True)
class Resamples:
    """How often every resample holds each run's model, each run's training set, and each domain."""

    models: Floats  # shape (n_resamples, n_runs); 1 throughout where models are not drawn
    sets: Floats  # the same of training sets
    domains: Floats  # shape (n_resamples, n_domains)

    @cached_property
    def runs(self) -> Floats:
        """How often each run is drawn, shape (n_resamples, n_runs)."""
        return self.models * self.sets


@lru_cache(maxsize=8)
def resamples(units: Units, n_domains: int, n_resamples: int, seed: int) -> Resamples:
    """Draw models, training sets and domains.

    Where every set belongs to one model, drawing models draws sets with them, and the other way round. A single model
    or set is not drawn, so nothing then follows for others. Equal arguments give the same resamples, so that all
    predictors of a table see the same; the last few are kept.
    """
    rng = np.random.default_rng(seed)
    pairs = set(zip(*units, strict=True))
    n_models, n_sets = (len(set(labels)) for labels in units)
    once = np.ones((n_resamples, len(units.models)))
    models = sets = once
    nested_models, nested_sets = len(pairs) == n_models, len(pairs) == n_sets
    if n_models > 1 and (nested_sets or not nested_models or n_sets == 1):
        models = _drawn(units.models, n_resamples, rng)
    if n_sets > 1 and (models is once or not nested_sets):
        sets = _drawn(units.sets, n_resamples, rng)
    domains = _multinomial(n_domains, n_resamples, rng)
    for counts in (models, sets, domains):
        counts.flags.writeable = False
    return Resamples(models, sets, domains)


def _drawn(labels: tuple[int, ...], n_resamples: int, rng: np.random.Generator) -> Floats:
    """How often the label of each run is drawn, shape (n_resamples, n_runs)."""
    distinct, place = np.unique(labels, return_inverse=True)
    return _multinomial(len(distinct), n_resamples, rng)[:, place]


def _multinomial(size: int, n_resamples: int, rng: np.random.Generator) -> Floats:
    return rng.multinomial(size, np.full(size, 1 / size), size=n_resamples).astype(np.float64)


def effective_runs(y: ArrayLike) -> float | None:
    """Number of independent runs that would say as much about a mean r as these, whose changes y resemble each other.

    n²/(n + Σ c²) over pairs of different runs, c the correlation of their changes: r of two runs vary together as
    the products of the correlations of their scores and of their changes, and a score that follows the changes
    correlates as they do. c² is adjusted for few domains, c² - (1 - c²)/(n_domains - 2), so that independent runs
    count in full. y has the shape (n_runs, n_domains). None where a run's changes are all equal, or fewer than 4
    domains are complete.
    """
    values = np.asarray(y, dtype=np.float64)
    values = values[:, np.isfinite(values).all(axis=0)]
    n, n_domains = values.shape
    if n_domains < 4 or (np.ptp(values, axis=1) == 0).any():  # noqa: PLR2004 - the adjustment divides by n - 2
        return None
    square = np.atleast_2d(np.corrcoef(values)) ** 2
    adjusted = square - (1 - square) / (n_domains - 2)
    return float(np.clip(n**2 / (n + adjusted.sum() - np.trace(adjusted)), 1, n)) if n > 1 else 1.0


def percentile_interval(values: Floats, level: float) -> Interval | str:
    """The central share of resampled figures, NaN where undefined, or why there is none.

    There is none if more than 5% of the resamples lack the figure, or all figures are equal.
    """
    known = values[np.isfinite(values)]
    lacking = len(values) - len(known)
    if lacking > MAX_UNDEFINED * len(values):
        return f"{lacking} of {len(values)} resamples do not define the statistic"
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    if low == high:
        return "the resampled figures have no spread"
    return Interval(float(low), float(high), level)


def two_sided_p(values: Floats) -> float:
    """Two-sided bootstrap p of "the figure is 0": twice the share of resamples on its rarer side.

    NaN is left out. The data themselves count as one resample, so p is never 0: its least value is 2/(n + 1).
    """
    known = values[np.isfinite(values)]
    rarer = min(int((known <= 0).sum()), int((known >= 0).sum()))
    return min(1.0, 2 * (1 + rarer) / (1 + len(known)))


def permutations(n_domains: int, n_resamples: int, seed: int) -> NDArray[np.intp]:
    """Random orders of the domains after the order of the data themselves, shape (1 + n_resamples, n_domains).

    The data come first so that observed and permuted figures come from the same sums.
    """
    orders = np.argsort(np.random.default_rng(seed).random((n_resamples, n_domains)), axis=1)
    return np.vstack([np.arange(n_domains), orders])


def permutation_p(observed: float, permuted: Floats) -> float:
    """Permutation p of |r|: (1 + number of permuted |r| at least as large)/(1 + number of permutations)."""
    return float((1 + (permuted >= observed - ROUNDING).sum()) / (1 + len(permuted)))
