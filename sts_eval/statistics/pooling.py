"""One correlation over many runs.

A single run has some 14 domains, and its r is uncertain by about ±.5. Runs together say more, if two things are
respected. Runs differ, so their Fisher z are combined as random effects: between-run variance τ² by Paule and
Mandel (1982), interval by Hartung and Knapp (2001) and Sidik and Jonkman (2002), HKSJ, both statsmodels'. And
runs share their domains, which that interval ignores: where the same domains lose in every run it is far too narrow,
and more runs make it worse. HKSJ also scales the standard error by the observed spread of the runs, so it is too narrow
where few runs agree by accident. A bootstrap over models, sets and domains (`sts_eval.statistics.resampling`) is
therefore given as well. Where the two disagree, rely on the bootstrap.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from sts_eval.statistics.correlation import fisher_interval
from sts_eval.statistics.resampling import Units, percentile_interval, resamples
from sts_eval.statistics.result import Floats, Interval, Result
from sts_eval.statistics.within_runs import (
    R_BOUND,
    average,
    fisher_z,
    jointly_present,
    matrices,
    resampled_correlations,
)

_SAME_Z = 1e-12  # spread of Fisher's z below which the runs have the same r but for rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledCorrelation(Result):
    """The correlation of a score with an outcome over several runs on the same domains."""

    r: float | None = None  # random-effects mean of Fisher's z, back on the scale of r. With one run, that run's r
    interval: Interval | None = None  # HKSJ interval; with one run, Fisher's
    bootstrap: Interval | None = None  # of `pooled_r`, over models, sets and domains; with one run, over domains
    spearman: float | None = None  # mean Fisher z of the runs' rank correlations as r, at most `R_BOUND`
    n_runs: int = 0  # runs that have an r; the others have fewer than 4 points or a constant variable
    n_points: int = 0  # points behind them


def pooled_r(x: ArrayLike, y: ArrayLike) -> float | None:
    """Mean r over runs: tanh of the mean Fisher z with weights n - 3, which are equal if nothing is missing.

    None if no run has an r. A run whose points lie on a line enters with |r| = `R_BOUND`.

    Raises:
        ValueError: If the shapes are not two-dimensional and equal.
    """
    scores, changes = matrices(x, y)
    r, n = resampled_correlations(scores, changes, np.ones((1, scores.shape[1])))
    mean = float(average(r, n)[0])
    return None if np.isnan(mean) else mean


def pool_correlations(
    x: ArrayLike,
    y: ArrayLike,
    *,
    units: Units | None = None,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> PooledCorrelation:
    """Correlate one predictor's scores x with the changes y within each run and combine the runs.

    `units` says which runs share a model or a training set; None stands for runs that share neither. If no run has an
    r, the statistics are None with the reason.

    Raises:
        ValueError: If the shapes are not two-dimensional and equal.
    """
    scores, changes = jointly_present(*matrices(x, y))
    n_rows, n_domains = scores.shape
    r, n = (part[0] for part in resampled_correlations(scores, changes, np.ones((1, n_domains))))
    used = np.isfinite(r)
    if not used.any():
        reason = f"none of {n_rows} runs has 4 points and two variables that vary"
        return PooledCorrelation(undefined={"all": reason})

    centre, interval = _combined(r[used], n[used], level)
    drawn = resamples((units or Units.separate(n_rows)).at(used), n_domains, n_resamples, seed)
    resampled, points = resampled_correlations(scores[used], changes[used], drawn.domains)
    bootstrap = percentile_interval(average(resampled, points, drawn.runs), level)
    ranks = [stats.rankdata(values, axis=1, nan_policy="omit") for values in (scores, changes)]
    intervals = {"interval": interval, "bootstrap": bootstrap}
    return PooledCorrelation(
        r=centre,
        interval=interval if isinstance(interval, Interval) else None,
        bootstrap=bootstrap if isinstance(bootstrap, Interval) else None,
        spearman=pooled_r(*ranks),
        n_runs=int(used.sum()),
        n_points=int(n[used].sum()),
        undefined={name: reason for name, reason in intervals.items() if isinstance(reason, str)},
    )


def _combined(r: Floats, n: Floats, level: float) -> tuple[float, Interval | str]:
    """Pooled r with its HKSJ interval, or with Fisher's for one run, or with why there is none."""
    if len(r) == 1:
        only = float(r[0])
        if abs(only) > R_BOUND:
            return only, "the points lie exactly on a line"
        return only, fisher_interval(only, int(n[0]), level=level)
    z, variance = fisher_z(r), 1 / (n - 3)
    if np.ptp(z) < _SAME_Z:
        # statsmodels would divide 0 by 0, and HKSJ has no spread to go by.
        return float(np.tanh(z[0])), "all runs have the same r, so their spread says nothing"
    combined = combine_effects(z, variance, method_re="iterated", use_t=True)
    # Without a level of its own the result answers four intervals; the last is random effects with HKSJ.
    low, high = np.tanh(combined.conf_int(alpha=1 - level)[3])
    return float(np.tanh(combined.mean_effect_re)), Interval(float(low), float(high), level)
