"""Resamples and permutations of runs and domains.

Points of one run share a model, and points of one domain share its questions across runs. Drawing single points
again would treat them as independent and give intervals that are too narrow. So rows and columns are drawn
separately, each with replacement, and a cell enters as often as its row times its column was drawn (the
pigeonhole bootstrap of Owen 2007, Annals of Applied Statistics 1, 386-411, who shows that it errs on the wide side).
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sts_eval.statistics.result import Floats, Interval

ROUNDING = 1e-9  # r closer than this are equal: a permutation that changes nothing must count as large as the data's
MAX_UNDEFINED = 0.05  # share of resamples without the statistic above which the rest is a selection: no interval


@lru_cache(maxsize=4)
def two_way_counts(n_runs: int, n_domains: int, n_resamples: int, seed: int) -> tuple[Floats, Floats]:
    """How often each run and each domain is drawn, shapes (n_resamples, n_runs) and (n_resamples, n_domains).

    Equal arguments give the same resamples, so that all predictors of a table see the same; the last few are kept.
    """
    rng = np.random.default_rng(seed)
    runs, domains = (
        rng.multinomial(size, np.full(size, 1 / size), size=n_resamples).astype(np.float64)
        for size in (n_runs, n_domains)
    )
    runs.flags.writeable = domains.flags.writeable = False
    return runs, domains


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
