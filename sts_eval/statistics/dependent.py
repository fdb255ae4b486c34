"""Is one predictor better than another on the same domains?

Two scores that are compared with the same changes give dependent correlations: they share y, and mostly share what they
measure. Treating them as independent wastes that. Within one run Williams' t answers (Williams 1959, Journal of the
Royal Statistical Society B 21, 396-399; recommended by Steiger 1980, Psychological Bulletin 87, 245-251, as his T2).
Over many runs a bootstrap of models, sets and domains does, in which both predictors always see the same resample.

How little one run can tell: r = .8 against .5 over 14 domains, with the scores correlating by .5, has p = .13.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from sts_eval.statistics.correlation import MIN_POINTS
from sts_eval.statistics.resampling import ROUNDING, Units, percentile_interval, resamples, two_sided_p
from sts_eval.statistics.result import Floats, Interval, Result
from sts_eval.statistics.within_runs import average_z, fisher_z, jointly_present, matrices, resampled_correlations

_SINGULAR = 1e-12  # determinants of correlation matrices closer to 0 than this are rounding error


@dataclass(frozen=True, slots=True)
class WilliamsTest:
    """Williams' test of "both scores correlate equally with y", on n - 3 degrees of freedom."""

    t: float  # positive where the first correlation is larger
    p_value: float  # two-sided


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedDifference(Result):
    """Difference of two predictors' r over the same runs and domains."""

    difference: float | None = None  # r of the first predictor minus that of the second, each signed
    interval: Interval | None = None  # percentile interval over resampled models, sets and domains
    p_value: float | None = None  # two-sided bootstrap p of "no difference"
    n_runs: int = 0  # runs in which both predictors have an r
    n_points: int = 0  # points behind them


def williams_t(r_xy: float, r_zy: float, r_xz: float, n: int) -> WilliamsTest:
    """Compare the correlations of x and of z with y over the same n points.

    t = (r_xy - r_zy) √[(n - 1)(1 + r_xz) / (2 |R| (n - 1)/(n - 3) + r̄² (1 - r_xz)³)], where |R| is the determinant
    of the correlation matrix of x, y and z and r̄ the mean of r_xy and r_zy (Steiger 1980, equation 7).

    Raises:
        ValueError: If n is below 4, or no data can have these three correlations, or the scores are the same
            but for their unit, which leaves nothing to compare.
    """
    determinant = 1 - r_xy**2 - r_zy**2 - r_xz**2 + 2 * r_xy * r_zy * r_xz
    if n < MIN_POINTS or max(abs(r_xy), abs(r_zy), abs(r_xz)) > 1 or determinant < -_SINGULAR:
        raise ValueError(f"no {n} points, at least {MIN_POINTS}, have correlations {r_xy}, {r_zy} and {r_xz}")
    mean = (r_xy + r_zy) / 2
    variance = 2 * max(0.0, determinant) * (n - 1) / (n - 3) + mean**2 * (1 - r_xz) ** 3
    if variance <= _SINGULAR:
        raise ValueError("the two scores are the same but for their unit, so there is nothing to compare")
    t = (r_xy - r_zy) * math.sqrt((n - 1) * (1 + r_xz) / variance)
    return WilliamsTest(t, float(2 * stats.t.sf(abs(t), n - 3)))


def paired_difference(
    x: ArrayLike,
    z: ArrayLike,
    y: ArrayLike,
    *,
    y_of_z: ArrayLike | None = None,
    units: Units | None = None,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> PairedDifference:
    """Compare the predictors x and z of the changes y over many runs. Only cells that both have are used.

    Where z is of other runs than x, each paired with one of x, `y_of_z` are their changes: two models on the same
    training sets, say. Then `units` are of the pairs, and a resample holds both runs of a pair or neither.

    `units` says which runs share a model or a training set; None stands for runs that share neither.

    The correlations are signed: a predictor that should correlate negatively must be negated by the caller. The least
    p is 2/(n_resamples + 1). If no run has both correlations, the statistics are None with the reason.

    Raises:
        ValueError: If the shapes are not two-dimensional and equal.
    """
    first, second, changes, others = jointly_present(*matrices(x, z, y, y if y_of_z is None else y_of_z))
    once = np.ones((1, first.shape[1]))
    r_first, _ = resampled_correlations(first, changes, once)
    r_second, _ = resampled_correlations(second, others, once)
    used = np.isfinite(r_first[0] + r_second[0])
    if not used.any():
        return PairedDifference(
            undefined={"all": f"in none of {len(first)} runs do both predictors have a correlation"}
        )

    drawn = resamples((units or Units.separate(len(first))).at(used), first.shape[1], n_resamples, seed)
    domains = np.vstack([once, drawn.domains])
    pairs = ((first, changes), (second, others))
    each = [resampled_correlations(score[used], change[used], domains) for score, change in pairs]
    z_first, z_second = (fisher_z(r) for r, _ in each)
    return difference_of_runs(z_first, z_second, each[0][1], drawn.runs, level)


def difference_of_runs(
    z_first: Floats, z_second: Floats, n: Floats, runs: Floats, level: float = 0.95
) -> PairedDifference:
    """The difference of two predictors' r from Fisher's z of every run over the same cells, and the points n behind it.

    All have the shape (1 + n_resamples, n_runs), the data themselves first and then the resamples of the domains;
    `runs`, shape (n_resamples, n_runs), says how often each resample holds each run.
    """
    lacking = np.isnan(z_first + z_second)  # a run counts for both or for neither
    used = ~lacking[0]
    if not used.any():
        return PairedDifference(undefined={"all": "in no run do both predictors have a correlation"})
    times = np.vstack([np.ones(runs.shape[1]), runs]) * used
    first, second = (average_z(np.where(lacking, np.nan, z), n, times) for z in (z_first, z_second))
    difference = first - second
    return judged_difference(float(difference[0]), difference[1:], level, int(used.sum()), int(n[0, used].sum()))


def judged_difference(
    difference: float, resampled: Floats, level: float, n_runs: int, n_points: int
) -> PairedDifference:
    """Add interval and p to a difference of two r, given the same in each resample, NaN where undefined."""
    # Scores that differ only in their unit must not be ranked by the last bit of their r.
    resampled = np.where(np.abs(resampled) < ROUNDING, 0.0, resampled)
    interval = percentile_interval(resampled, level)
    found = PairedDifference(difference=difference, n_runs=n_runs, n_points=n_points)
    if isinstance(interval, str):
        return replace(found, undefined={"interval": interval, "p_value": interval})
    return replace(found, interval=interval, p_value=two_sided_p(resampled))
