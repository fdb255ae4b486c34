"""From a score to points: a line, its error on held-out runs, and an interval with known coverage.

A correlation does not say by how many points a domain will change. A line does, if it is fitted on other models or
other training sets than those it is judged on. The interval around it is conformal (Vovk, Gammerman and Shafer 2005;
Lei et al. 2018, split conformal): it needs no distribution, only that new residuals are exchangeable with the old.
Residuals of one run share the run's level, so coverage may be somewhat below nominal and is measured as well.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from sts_eval.statistics.result import Floats, Interval

_ROUNDING = 1e-9  # slack for (n + 1) · level, so that 10 · 0.9 is 9 and not a little more


@dataclass(frozen=True, slots=True)
class Line:
    """A least-squares fit: y = intercept + Σ slope · x."""

    intercept: float  # in the unit of y
    slopes: tuple[float, ...]  # one per feature, in units of y per unit of the feature

    def predict(self, x: ArrayLike) -> Floats:
        """Values of the line at x, any shape for one feature, (..., k) for k > 1; the axis of features goes."""
        values = np.asarray(x, dtype=np.float64)
        features = values[..., None] if len(self.slopes) == 1 else values
        predicted: Floats = self.intercept + features @ np.array(self.slopes)
        return predicted


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Predictions for every run from lines fitted on other groups only, in the unit of y."""

    prediction: Floats  # shape (n_runs, n_domains); NaN where a feature is missing or the other groups allow no fit
    residual: Floats  # y - prediction, same shape; NaN where either is missing
    rmse: float | None  # root mean square residual; None without any residual


@dataclass(frozen=True, slots=True)
class Coverage:
    """Share of outcomes that fell inside their interval."""

    share: float | None  # a proportion, None without outcomes
    interval: Interval | None  # exact 95% interval of the share (Clopper and Pearson 1934), for independent outcomes
    n: int  # outcomes


def fit_line(x: ArrayLike, y: ArrayLike) -> Line | None:
    """Fit y = intercept + slope · x by ordinary least squares; None with fewer than k + 2 points, without a residual.

    A feature that is constant, or repeats others, gets the slope of least size (0 if it is constant), so that it
    neither fails nor disturbs the others. x has the shape of y for one feature, or the shape of y with a last axis
    of k features. Points with a missing value are left out.

    Raises:
        ValueError: If the shapes do not fit.
    """
    values, changes = _features(x, y)
    rows, target = values.reshape(-1, values.shape[-1]), changes.ravel()
    known = np.isfinite(target) & np.isfinite(rows).all(axis=1)
    rows, target = rows[known], target[known]
    n, k = rows.shape
    if n < k + 2:
        return None
    # Centred and scaled, so that least size does not depend on units and the intercept is not shrunk.
    mean, sd = rows.mean(axis=0), rows.std(axis=0)
    varies = sd > _ROUNDING * np.abs(mean)
    scale = np.where(varies, sd, 1.0)
    scaled = np.where(varies, (rows - mean) / scale, 0.0)
    slopes = np.linalg.lstsq(scaled, target - target.mean(), rcond=None)[0] / scale
    return Line(float(target.mean() - mean @ slopes), tuple(float(slope) for slope in slopes))


def leave_group_out(x: ArrayLike, y: ArrayLike, groups: ArrayLike) -> HeldOut:
    """Predict every run by a line that was fitted without its group.

    With models as groups this is "leave one model out", with training sets "leave one training set out". Domains
    are shared: a held-out run has the same domains as those that the line was fitted to.

    Args:
        x: Scores, shape (n_runs, n_domains), or (n_runs, n_domains, k) for k features. One slope serves all runs,
            so the unit has to be the same in all of them (`within_runs.standardised` if it is not).
        y: Changes, in points. Runs without changes are predicted too.
        groups: Group of each run, integers of shape (n_runs,).

    Raises:
        ValueError: If the shapes do not fit, or there are fewer than two groups.
    """
    values, changes = _features(x, y)
    labels = np.asarray(groups)
    if changes.ndim != 2 or labels.shape != changes.shape[:1] or labels.dtype.kind not in "iu":  # noqa: PLR2004 - runs by domains
        raise ValueError(f"needs changes of runs by domains, an integer per run, not {changes.shape}, {labels.shape}")
    distinct = np.unique(labels)
    if len(distinct) <= 1:
        raise ValueError("needs two groups: one to predict and another to fit the line on")
    prediction = np.full(changes.shape, np.nan)
    for label in distinct:
        own = labels == label
        line = fit_line(values[~own], changes[~own])
        if line is not None:
            prediction[own] = line.predict(values[own, :, 0] if values.shape[-1] == 1 else values[own])
    residual = changes - prediction
    error = residual[np.isfinite(residual)]
    rmse = float(np.sqrt(np.mean(error**2))) if error.size else None
    return HeldOut(prediction, residual, rmse)


def conformal_interval(residuals: ArrayLike, level: float) -> float | None:
    """Half-width of a conformal interval: the ⌈(n + 1) · level⌉-th smallest absolute residual, in points.

    A new point whose held-out residual is exchangeable with these n falls within ± this with probability at least
    `level`, and at most `level` + 1/(n + 1) if residuals have no ties. Residuals have any shape; NaN is left out.
    None if ⌈(n + 1) · level⌉ > n, when no finite interval has that coverage: 80% needs 4 residuals, 90% needs 9,
    95% needs 19.

    Raises:
        ValueError: If the level is not between 0 and 1.
    """
    if not 0 < level < 1:
        raise ValueError(f"the level is a proportion between 0 and 1, not {level}")
    size = np.abs(np.asarray(residuals, dtype=np.float64))
    size = np.sort(size[np.isfinite(size)])
    rank = math.ceil((len(size) + 1) * level - _ROUNDING)
    return float(size[rank - 1]) if rank <= len(size) else None


def skill(prediction: ArrayLike, y: ArrayLike, null: ArrayLike) -> float | None:
    """Share of a null prediction's squared error that a prediction removes: 1 - MSE/MSE_null (Murphy 1988).

    `null` is what is to be beaten, one value or the shape of y: 0, the run's mean, or the domain's mean. The skill is
    1 for a perfect prediction, 0 for one as good as the null, below 0 for a worse one. Cells that miss any of the
    three are left out; None if none remains or the null makes no error.
    """
    measured = np.asarray(y, dtype=np.float64)
    ours, theirs = (measured - np.asarray(values, dtype=np.float64) for values in (prediction, null))
    both = np.isfinite(ours) & np.isfinite(theirs)
    null_error = float((theirs[both] ** 2).sum())
    return 1 - float((ours[both] ** 2).sum()) / null_error if null_error else None


def coverage(inside: ArrayLike) -> Coverage:
    """Share of outcomes inside their interval, with an exact 95% interval of that share.

    Raises:
        ValueError: If the values are not booleans; whether a missing outcome was inside is not known.
    """
    outcomes = np.asarray(inside)
    if outcomes.size == 0:
        return Coverage(None, None, 0)
    if outcomes.dtype != np.bool_:
        raise ValueError("needs booleans; leave missing outcomes out")
    hits, n = int(outcomes.sum()), outcomes.size
    ends = stats.binomtest(hits, n).proportion_ci(method="exact")
    return Coverage(hits / n, Interval(float(ends.low), float(ends.high)), n)


def _features(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    """Features with their own last axis, and changes, as arrays that fit."""
    values, changes = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if values.shape == changes.shape:
        values = values[..., None]
    if values.shape[:-1] != changes.shape:
        raise ValueError(f"needs scores of the shape of y, or with a last axis of features, not {values.shape}")
    return values, changes
