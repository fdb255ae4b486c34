"""One correlation over many runs.

A single run has some 14 domains, and its r is uncertain by about ±.5. Runs together say more, if two things are
respected. Runs differ, so their Fisher z are combined as random effects: between-run variance τ² by Paule and
Mandel (1982), interval by Hartung and Knapp (2001) and Sidik and Jonkman (2002), HKSJ, both statsmodels'. And
runs share their domains, which that interval does not know: where the same domains lose in every run it is far too
narrow, and more runs make it worse. So a bootstrap that draws runs and domains again stands beside it
(`sts_eval.statistics.resampling`). Where the two disagree, the bootstrap is to be believed.

HKSJ scales the standard error by the observed spread of the runs. Where few runs agree by accident the interval
is too narrow, for the same reason; the bootstrap stands beside it for that too.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from sts_eval.statistics.correlation import Undefined, fisher_interval
from sts_eval.statistics.interval import Interval
from sts_eval.statistics.resampling import percentile_interval, two_way_counts
from sts_eval.statistics.within_runs import (
    R_BOUND,
    average,
    fisher_z,
    jointly_present,
    matrices,
    resampled_correlations,
)

_SAME_Z = 1e-12
"""Spread of Fisher's z below which the runs have the same r but for rounding."""


@dataclass(frozen=True, slots=True)
class PooledCorrelation:
    """The correlation of a score with an outcome over several runs on the same domains.

    A field is None where the data do not define it; `undefined` then holds the reason.

    Attributes:
        r: Random-effects mean of Fisher's z, back on the scale of r. With one run, that run's r.
        interval: HKSJ interval; with one run, Fisher's.
        bootstrap: Percentile interval of `pooled_r` over resampled runs and domains; with one run, over domains.
        spearman: Mean Fisher z of the runs' rank correlations, back on the scale of r and at most `R_BOUND`.
        tau2: Variance of the true z between runs; None with one run.
        i2: Share of the variance of z that is not sampling error, 0 to 1 (Higgins and Thompson 2002); None with
            one run.
        n_runs: Runs that have an r.
        n_points: Points behind them.
        left_out: Runs without an r: fewer than 4 points, or a constant variable.
        per_run: r of each run in the order of the rows, None where undefined.
        undefined: Why fields are None.
    """

    r: float | None
    interval: Interval | None
    bootstrap: Interval | None
    spearman: float | None
    tau2: float | None
    i2: float | None
    n_runs: int
    n_points: int
    left_out: int
    per_run: tuple[float | None, ...]
    undefined: tuple[Undefined, ...] = ()

    def reason(self, statistic: str) -> str | None:
        """Why a field is None; None where it is defined.

        Args:
            statistic: The field's name.
        """
        return next((u.reason for u in self.undefined if u.statistic in (statistic, "correlation")), None)


def pooled_r(x: ArrayLike, y: ArrayLike) -> float | None:
    """Mean r over runs: tanh of the mean Fisher z with weights n - 3, which are equal if nothing is missing.

    Args:
        x: Scores, shape (n_runs, n_domains), NaN where missing.
        y: Changes, same shape.

    Returns:
        The mean, or None if no run has an r. A run whose points lie on a line enters with |r| = `R_BOUND`.

    Raises:
        ValueError: If the shapes are not two-dimensional and equal.
    """
    scores, changes = matrices(x, y)
    r, n = resampled_correlations(scores, changes, np.ones((1, scores.shape[1])))
    mean = float(average(r, n)[0])
    return None if np.isnan(mean) else mean


def pool_correlations(
    x: ArrayLike, y: ArrayLike, *, level: float = 0.95, n_resamples: int = 2000, seed: int = 0
) -> PooledCorrelation:
    """Correlate within each run and combine the runs.

    Args:
        x: Scores of one predictor, shape (n_runs, n_domains), in any unit; NaN where missing.
        y: Changes, same shape, in points.
        level: Coverage of the intervals, a proportion.
        n_resamples: Bootstrap resamples.
        seed: Seed of the bootstrap. The same seed gives the same result.

    Returns:
        The pooled correlation. If no run has an r, its statistics are None with the reason.

    Raises:
        ValueError: If the shapes are not two-dimensional and equal.
    """
    scores, changes = jointly_present(*matrices(x, y))
    n_rows, n_domains = scores.shape
    once = np.ones((1, n_domains))
    each, points = (part[0] for part in resampled_correlations(scores, changes, once))
    used = np.isfinite(each)
    n_runs = int(used.sum())
    per_run = tuple(float(r) if known else None for r, known in zip(each, used, strict=True))
    if n_runs == 0:
        reason = f"none of {n_rows} runs has 4 points and two variables that vary"
        nothing = (Undefined("correlation", reason),)
        return PooledCorrelation(None, None, None, None, None, None, 0, 0, n_rows, per_run, nothing)

    undefined: list[Undefined] = []
    r, tau2, i2, interval = _combined(each[used], points[used], level)
    bootstrap = _bootstrap(scores[used], changes[used], level, n_resamples, seed)
    for missing in (interval, bootstrap):
        if isinstance(missing, Undefined):
            undefined.append(missing)
    if n_runs == 1:
        undefined += [Undefined(name, "one run has no variance between runs") for name in ("tau2", "i2")]
    ranks = [stats.rankdata(values, axis=1, nan_policy="omit") for values in (scores, changes)]
    return PooledCorrelation(
        r=r,
        interval=interval if isinstance(interval, Interval) else None,
        bootstrap=bootstrap if isinstance(bootstrap, Interval) else None,
        spearman=pooled_r(*ranks),
        tau2=tau2,
        i2=i2,
        n_runs=n_runs,
        n_points=int(points[used].sum()),
        left_out=n_rows - n_runs,
        per_run=per_run,
        undefined=tuple(undefined),
    )


def _combined(
    r: NDArray[np.float64], n: NDArray[np.float64], level: float
) -> tuple[float, float | None, float | None, Interval | Undefined]:
    """Pooled r, τ², I² and the HKSJ interval; Fisher's interval for one run."""
    if len(r) == 1:
        only = float(r[0])
        if abs(only) > R_BOUND:
            return only, None, None, Undefined("interval", "the points lie exactly on a line")
        return only, None, None, fisher_interval(only, int(n[0]), level=level)
    z, variance = fisher_z(r), 1 / (n - 3)
    if np.ptp(z) < _SAME_Z:
        # statsmodels would divide 0 by 0, and HKSJ has no spread to go by.
        same = Undefined("interval", "all runs have the same r, so their spread says nothing")
        return float(np.tanh(z[0])), 0.0, 0.0, same
    combined = combine_effects(z, variance, method_re="iterated", use_t=True)
    # Without a level of its own the result answers four intervals; the last is random effects with HKSJ.
    low, high = np.tanh(combined.conf_int(alpha=1 - level)[3])
    centre = float(np.tanh(combined.mean_effect_re))
    # I² below 0 is less spread than sampling error alone would give; by convention it is 0.
    i2 = max(0.0, float(combined.i2))
    return centre, float(combined.tau2), i2, Interval(float(low), float(high), level)


def _bootstrap(
    x: NDArray[np.float64], y: NDArray[np.float64], level: float, n_resamples: int, seed: int
) -> Interval | Undefined:
    """Percentile interval of the pooled r; all runs of a resample see the same domains."""
    runs, domains = two_way_counts(*x.shape, n_resamples, seed)
    r, n = resampled_correlations(x, y, domains)
    return percentile_interval(average(r, n, runs), level, "bootstrap")
