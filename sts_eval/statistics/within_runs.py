"""Pearson's r within every run, for many resamples or permutations of the domains at once.

A run is one model with one training set. Its scores and changes are compared over its own domains only, so that
neither the unit of a score nor the general level of a run enters. Runs are then averaged on Fisher's z scale:

    z = artanh r        weight n - 3, the inverse of the variance of z (Fisher 1921)

Resamples and permutations are sums over domains, so all of them are taken in a few matrix products.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sts_eval.statistics.correlation import FLAT, MIN_POINTS
from sts_eval.statistics.result import Floats

R_BOUND = 0.9999
"""Largest |r| that enters an average. artanh 1 is infinite; at this bound it is 4.95, so that points that lie
exactly on a line in one run do not decide the average over all runs."""

_MIN_DISTINCT = 3
"""Distinct domains that a resample needs: two of them lie on a line whatever the data."""

_FLAT = 1e-12
"""Variance, in units of the run's own variance, below which a resample counts as constant."""

_EXPLAINED = 1e-10
"""Share of the variance within runs below which what controls leave of it is rounding error."""

_NOTHING_WITHIN = 1e-26
"""Share of the mean square below which the variance within runs is rounding error: scipy's 1e-13, squared."""


def matrices(*arrays: ArrayLike) -> list[Floats]:
    """Arrays of one shape (n_runs, n_domains), with values that are not finite as NaN.

    Args:
        arrays: Scores, changes or errors, one row per run.

    Raises:
        ValueError: If they are not two-dimensional and of one shape.
    """
    values = [np.asarray(array, dtype=np.float64) for array in arrays]
    shapes = [value.shape for value in values]
    if values[0].ndim != 2 or len(set(shapes)) != 1:  # noqa: PLR2004 - runs by domains
        raise ValueError(f"needs matrices of one shape (n_runs, n_domains), not {shapes}")
    return [np.where(np.isfinite(value), value, np.nan) for value in values]


def jointly_present(*values: Floats) -> list[Floats]:
    """The same arrays with NaN in every cell that any of them lacks.

    Args:
        values: Arrays of one shape.
    """
    absent = np.any([np.isnan(value) for value in values], axis=0)
    return [np.where(absent, np.nan, value) for value in values]


def standardised(values: Floats) -> Floats:
    """Rows brought to mean 0 and variance 1, so that runs with scores in different units can be put together.

    Args:
        values: Shape (n_runs, n_domains), NaN where missing.

    Returns:
        The same shape; NaN where missing, 0 throughout constant rows.
    """
    present = np.isfinite(values)
    n = np.maximum(present.sum(axis=1, keepdims=True), 1)
    filled = np.where(present, values, 0.0)
    mean = filled.sum(axis=1, keepdims=True) / n
    centred = np.where(present, values - mean, 0.0)
    norm = np.linalg.norm(centred, axis=1, keepdims=True)
    varies = norm > FLAT * np.abs(mean)
    scaled: Floats = centred * np.sqrt(n) / np.where(varies, norm, 1.0)
    return np.where(present, np.where(varies, scaled, 0.0), np.nan)


def centred_within(values: Floats, cells: NDArray[np.bool_]) -> Floats:
    """What the mean of each run leaves of its points.

    Args:
        values: Shape (n_runs, n_domains), or (n_runs, n_domains, h) for h variables.
        cells: The points that take part, shape (n_runs, n_domains).

    Returns:
        Shape (n_points,) or (n_points, h), the points run by run.
    """
    # A run's mean over axis 1, with room for a last axis that values may have.
    taking_part = cells.reshape(*cells.shape, *(1,) * (values.ndim - cells.ndim))
    total = np.where(taking_part, values, 0.0).sum(axis=1, keepdims=True)
    centred: Floats = (values - total / np.maximum(taking_part.sum(axis=1, keepdims=True), 1))[cells]
    return centred


def residual(values: Floats, controls: Floats) -> Floats:
    """What the controls leave of the values by least squares.

    Args:
        values: Shape (n_points,), or (n_points, h) for h variables, centred within runs.
        controls: Shape (n_points, k), centred within runs.

    Returns:
        The shape of `values`.
    """
    left: Floats = values - controls @ np.linalg.lstsq(controls, values, rcond=None)[0]
    return left


def explained(values: Floats, within: Floats, left: Floats) -> bool:
    """Whether runs and controls explain the values, so that what they leave is rounding error.

    Args:
        values: Shape (n_points,).
        within: What centring within runs leaves of them, same shape.
        left: What the controls leave of that, same shape.
    """
    return bool(left @ left <= max(_EXPLAINED * (within @ within), _NOTHING_WITHIN * (values @ values)))


def resampled_correlations(x: Floats, y: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Pearson's r of every run in every resample of the domains.

    Args:
        x: Scores, shape (n_runs, n_domains), NaN where missing.
        y: Changes, likewise.
        counts: How often each resample holds each domain, shape (n_resamples, n_domains). A row of ones is the
            data themselves.

    Returns:
        r of shape (n_resamples, n_runs), NaN where undefined, and the number of points behind each.
    """
    x, y = jointly_present(x, y)
    present = np.isfinite(x).astype(np.float64)
    a, b = (np.nan_to_num(standardised(values)) for values in (x, y))
    n, sum_x, sum_y, sum_xx, sum_yy, sum_xy = (counts @ part.T for part in (present, a, b, a * a, b * b, a * b))
    distinct = (counts > 0).astype(np.float64) @ present.T
    r = _r_from_sums(n, (sum_x, sum_y), (sum_xx, sum_yy), sum_xy)
    return np.where(distinct >= _MIN_DISTINCT, r, np.nan), n


def permuted_correlations(x: Floats, y: Floats, orders: NDArray[np.intp]) -> tuple[Floats, Floats]:
    """Pearson's r of every run after every re-ordering of the domains of y.

    Args:
        x: Scores, shape (n_runs, n_domains), NaN where missing.
        y: Changes, likewise. A missing change moves with its domain.
        orders: Permutations of the domains, shape (n_permutations, n_domains), the same for all runs.

    Returns:
        r of shape (n_permutations, n_runs), NaN where undefined, and the number of points behind each.
    """
    a, b = (np.nan_to_num(standardised(values)) for values in (x, y))
    in_x, in_y = (np.isfinite(values).astype(np.float64) for values in (x, y))
    moved, in_moved = b[:, orders], in_y[:, orders]  # (n_runs, n_permutations, n_domains)
    n, sum_x, sum_y, sum_xx, sum_yy, sum_xy = (
        np.einsum("rd,rpd->pr", left, right)
        for left, right in (
            (in_x, in_moved),
            (a, in_moved),
            (in_x, moved),
            (a * a, in_moved),
            (in_x, moved * moved),
            (a, moved),
        )
    )
    return _r_from_sums(n, (sum_x, sum_y), (sum_xx, sum_yy), sum_xy), n


def average(r: Floats, n: Floats, run_counts: Floats | None = None) -> Floats:
    """Average r over runs on Fisher's z scale, weighting each run by n - 3.

    Args:
        r: Shape (n_resamples, n_runs), NaN where undefined; such runs are left out.
        n: Points behind each r, same shape.
        run_counts: How often each resample holds each run, same shape; once each if None.

    Returns:
        Shape (n_resamples,), NaN where no run has an r. |r| is clipped at `R_BOUND` first.
    """
    weights = np.where(np.isnan(r), 0.0, n - 3)
    if run_counts is not None:
        weights = weights * run_counts
    total = weights.sum(axis=1)
    z = (weights * np.nan_to_num(fisher_z(r))).sum(axis=1)
    mean: Floats = np.divide(z, total, out=np.full(len(total), np.nan), where=total > 0)
    return np.tanh(mean)


def fisher_z(r: Floats) -> Floats:
    """Fisher's z = artanh r, with |r| clipped at `R_BOUND`.

    Args:
        r: Correlations of any shape; NaN stays NaN.
    """
    z: Floats = np.arctanh(np.clip(r, -R_BOUND, R_BOUND))
    return z


def _r_from_sums(n: Floats, sums: tuple[Floats, Floats], squares: tuple[Floats, Floats], products: Floats) -> Floats:
    """Pearson's r from sums over points; NaN for too few points or a constant variable."""
    size = np.maximum(n, 1.0)
    var_x, var_y = (square - total**2 / size for total, square in zip(sums, squares, strict=True))
    defined = (n >= MIN_POINTS) & (var_x > _FLAT * size) & (var_y > _FLAT * size)
    norm = np.sqrt(np.where(defined, var_x * var_y, 1.0))
    r: Floats = (products - sums[0] * sums[1] / size) / norm
    return np.where(defined, r.clip(-1.0, 1.0), np.nan)
