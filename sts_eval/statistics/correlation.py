"""A correlation over few points, with everything that keeps it from being over-read.

With 14 domains one Pearson r says little. So it never comes alone here, but with Fisher's interval
(Fisher 1915, 1921), the bias-corrected and accelerated bootstrap interval (Efron 1987), a permutation
p (Pitman 1937), two rank correlations, and the range of r when one domain at a time is left out. All of
it is scipy's, but for r itself in the resamples (`_r`); this file decides what is defined and says why where it is not.
"""

import math
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from sts_eval.statistics.result import Floats, Interval, Result

MIN_POINTS = 4  # Fisher's interval divides by √(n - 3), so fewer points than this have no interval
FLAT = 1e-13  # spread relative to the mean below which scipy calls an array near-constant and r rounding error


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """How far Pearson's r moves over the n subsets of n - 1 points."""

    low: float
    high: float
    without_low: int  # index of the point whose absence gives `low`
    without_high: int
    undefined: tuple[int, ...] = ()  # indices whose absence leaves a variable constant, so that no r exists


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation(Result):
    """The correlation of two variables over n points, usually domains of one run."""

    n: int
    level: float  # coverage of the intervals, and 1 - the significance level of `critical_r`
    pearson: float | None = None
    r2: float | None = None  # r², the share of variance that a straight line explains
    p_permutation: float | None = None  # two-sided, over re-pairings of the points; exact where there are few enough
    fisher: Interval | None = None  # by Fisher's z transformation
    bootstrap: Interval | None = None  # BCa, over points
    spearman: float | None = None
    kendall: float | None = None  # tau-b
    leave_one_out: LeaveOneOut | None = None
    critical_r: float | None = None  # the |r| that n points need for p < 1 - level


def correlate(
    x: ArrayLike, y: ArrayLike, *, level: float = 0.95, n_resamples: int = 9999, seed: int = 0
) -> Correlation:
    """Correlate two variables over the same points, shape (n,) each: a score and the change of each domain.

    Fewer than 4 points, values that are not finite, and constant variables give a result whose statistics are None,
    with the reason. Missing values are not dropped: a correlation over other points than the caller listed would be
    another figure under the same name. `n_resamples` is also the number of permutations, unless all n! are fewer.

    Raises:
        ValueError: If x and y are not one-dimensional and of equal length.
    """
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"x and y must be one-dimensional and equally long, not {a.shape} and {b.shape}")
    n = len(a)
    if why := obstacle(a, b):
        return Correlation(n=n, level=level, undefined={"all": why})

    pearson = stats.pearsonr(a, b)
    r = float(pearson.statistic)
    undefined: dict[str, str] = {}
    fisher: Interval | None = None
    bootstrap: Interval | None = None
    if 1 - abs(r) < FLAT:
        # scipy answers [r, r] for Fisher and NaN for BCa; a certainty that n points cannot give.
        reason = "the points lie exactly on a line, so the interval has no width"
        undefined = {"fisher": reason, "bootstrap": reason}
    else:
        ends = pearson.confidence_interval(confidence_level=level)
        fisher = Interval(float(ends.low), float(ends.high), level)
        resampled = _bca(a, b, level, n_resamples, seed)
        if isinstance(resampled, Interval):
            bootstrap = resampled
        else:
            undefined["bootstrap"] = resampled

    leave_one_out = _leave_one_out(a, b)
    if leave_one_out is None:
        undefined["leave_one_out"] = "every subset of n - 1 points has a constant variable"

    permuted = stats.permutation_test(
        (b,),
        lambda values, axis: _r(a, values, axis),
        permutation_type="pairings",
        n_resamples=n_resamples,
        rng=np.random.default_rng(seed),
    )
    return Correlation(
        n=n,
        level=level,
        pearson=r,
        r2=r**2,
        p_permutation=float(permuted.pvalue),
        fisher=fisher,
        bootstrap=bootstrap,
        spearman=float(stats.spearmanr(a, b).statistic),
        kendall=float(stats.kendalltau(a, b).statistic),
        leave_one_out=leave_one_out,
        critical_r=critical_r(n, alpha=1 - level),
        undefined=undefined,
    )


def fisher_interval(r: float, n: int, *, level: float = 0.95) -> Interval:
    """Fisher's interval for a correlation that is known only as a figure: tanh(artanh r ± z/√(n - 3)).

    Where the points themselves are at hand, `correlate` gives the same interval.

    Raises:
        ValueError: If n is below 4 or |r| is not below 1.
    """
    if n < MIN_POINTS or not abs(r) < 1:
        raise ValueError(f"needs n >= {MIN_POINTS} and |r| < 1, not n = {n} and r = {r}")
    centre = math.atanh(r)
    half = float(stats.norm.ppf((1 + level) / 2)) / math.sqrt(n - 3)
    return Interval(math.tanh(centre - half), math.tanh(centre + half), level)


def critical_r(n: int, *, alpha: float = 0.05) -> float:
    """The |r| above which n points give a two-sided p < alpha: t/√(n - 2 + t²), t the Student quantile.

    Raises:
        ValueError: If n is below 3, where r has no degrees of freedom.
    """
    freedom = n - 2
    if freedom < 1:
        raise ValueError(f"needs n >= 3, not {n}")
    t = float(stats.t.ppf(1 - alpha / 2, freedom))
    return t / math.sqrt(freedom + t**2)


def obstacle(x: Floats, y: Floats) -> str | None:
    """Why x and y, shape (n,) each, have no correlation, or None if they have one."""
    n = len(x)
    finite = np.isfinite(x) & np.isfinite(y)
    if not finite.all():
        return f"{n - int(finite.sum())} of {n} points have a value that is missing or not finite"
    if n < MIN_POINTS:
        return f"{n} points are too few; a correlation with an interval needs {MIN_POINTS}"
    if _is_flat(x):
        return "the first variable is constant"
    return "the second variable is constant" if _is_flat(y) else None


def _is_flat(values: Floats) -> bool:
    """Whether the spread is rounding error (scipy's own criterion for its near-constant warning)."""
    mean = values.mean()
    return bool(values.max() == values.min() or np.linalg.norm(values - mean) < FLAT * abs(mean))


def _bca(x: Floats, y: Floats, level: float, n_resamples: int, seed: int) -> Interval | str:
    """BCa interval over pairs, or why it has no ends."""
    rng = np.random.default_rng(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)  # what it says becomes the reason below
        found = stats.bootstrap((x, y), _r, paired=True, confidence_level=level, n_resamples=n_resamples, rng=rng)
    low, high = np.clip(found.confidence_interval, -1, 1).tolist()
    if not (math.isnan(low) or math.isnan(high)):
        return Interval(low, high, level)
    if np.isnan(found.bootstrap_distribution).any():
        return f"some resamples of these {len(x)} points have a constant variable and no r"
    return "the resampled r have no spread to correct for bias"


def _r(x: Floats, y: Floats, axis: int = -1) -> Floats:
    """Pearson's r along an axis, NaN where a variable is constant: the steps of `scipy.stats.pearsonr`.

    That function also computes a p of every resample, which takes most of its time.
    """
    a, b = (_direction(np.moveaxis(values, axis, -1)) for values in (x, y))
    return np.asarray(np.clip(np.vecdot(a, b), -1, 1))


def _direction(values: Floats) -> Floats:
    """Distances from the mean, of length one along the last axis; NaN where all values are the same."""
    apart = values - values.mean(axis=-1, keepdims=True)
    largest = np.abs(apart).max(axis=-1, keepdims=True)
    constant = (values == values[..., :1]).all(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        length = largest * np.linalg.norm(apart / largest, axis=-1, keepdims=True)
        return np.where(constant, np.nan, apart / length)


def _leave_one_out(x: Floats, y: Floats) -> LeaveOneOut | None:
    """Range of r without one point, or None if no subset has an r."""
    subsets = [(np.delete(x, i), np.delete(y, i)) for i in range(len(x))]
    r = [math.nan if _is_flat(a) or _is_flat(b) else float(stats.pearsonr(a, b).statistic) for a, b in subsets]
    flat = np.flatnonzero(np.isnan(r)).tolist()
    if len(flat) == len(r):
        return None
    lowest, highest = int(np.nanargmin(r)), int(np.nanargmax(r))
    return LeaveOneOut(r[lowest], r[highest], lowest, highest, tuple(flat))
