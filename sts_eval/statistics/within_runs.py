"""Pearson's r within every run, for many resamples or permutations of the domains at once.

A run is one model with one training set. Its scores and changes are compared over its own domains only, so that
neither the unit of a score nor the general level of a run enters. Runs are then averaged on Fisher's z scale:

    z = artanh r        weight n - 3, the inverse of the variance of z (Fisher 1921)

Resamples and permutations are sums over domains, so all of them are taken in a few matrix products.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sts_eval.statistics.correlation import FLAT, MIN_POINTS
from sts_eval.statistics.result import Floats

R_BOUND = 0.9999
"""Largest |r| that enters an average. artanh 1 is infinite; at this bound it is 4.95, so that points that lie
exactly on a line in one run do not decide the average over all runs."""

_MIN_DISTINCT = 3  # distinct domains that a resample needs: two of them lie on a line whatever the data
_FLAT = 1e-12  # variance, in units of the run's own variance, below which a resample counts as constant
_EXPLAINED = 1e-10  # share of the variance within runs below which what controls leave of it is rounding error
_NOTHING_WITHIN = 1e-26  # share of the mean square below which variance within runs is rounding: scipy's 1e-13, squared


def matrices(*arrays: ArrayLike) -> list[Floats]:
    """Arrays of one shape (n_runs, n_domains), with values that are not finite as NaN.

    Raises:
        ValueError: If they are not two-dimensional and of one shape.
    """
    values = [np.asarray(array, dtype=np.float64) for array in arrays]
    shapes = [value.shape for value in values]
    if values[0].ndim != 2 or len(set(shapes)) != 1:  # noqa: PLR2004 - runs by domains
        raise ValueError(f"needs matrices of one shape (n_runs, n_domains), not {shapes}")
    return [np.where(np.isfinite(value), value, np.nan) for value in values]


def jointly_present(*values: Floats) -> list[Floats]:
    """The same arrays with NaN in every cell that any of them lacks."""
    absent = np.any([np.isnan(value) for value in values], axis=0)
    return [np.where(absent, np.nan, value) for value in values]


def standardised(values: Floats) -> Floats:
    """Rows brought to mean 0 and variance 1, so that runs with scores in different units can be put together.

    NaN where missing, 0 throughout constant rows.
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
    """What the mean of each run leaves of its points, run by run: shape (n_points,), or (n_points, h) for h variables.

    Values have shape (n_runs, n_domains), or (n_runs, n_domains, h); `cells`, shape (n_runs, n_domains), take part.
    """
    # A run's mean over axis 1, with room for a last axis that values may have.
    taking_part = cells.reshape(*cells.shape, *(1,) * (values.ndim - cells.ndim))
    total = np.where(taking_part, values, 0.0).sum(axis=1, keepdims=True)
    centred: Floats = (values - total / np.maximum(taking_part.sum(axis=1, keepdims=True), 1))[cells]
    return centred


def residual(values: Floats, controls: Floats) -> Floats:
    """What the controls leave of the values by least squares, both centred within runs.

    Values have shape (n_points,), or (n_points, h) for h variables, and controls (n_points, k).
    """
    left: Floats = values - controls @ np.linalg.lstsq(controls, values, rcond=None)[0]
    return left


def explained(values: Floats, within: Floats, left: Floats) -> bool:
    """Whether runs and controls explain the values, so that what they leave is rounding error; shape (n_points,) each.

    `within` is what centring within runs leaves of the values, `left` what the controls leave of that.
    """
    return bool(left @ left <= max(_EXPLAINED * (within @ within), _NOTHING_WITHIN * (values @ values)))


def resampled_correlations(x: Floats, y: Floats, counts: Floats) -> tuple[Floats, Floats]:
    """Pearson's r of every run in every resample of the domains, and the number of points behind each.

    `counts` says how often each resample holds each domain, shape (n_resamples, n_domains); a row of ones is the data
    themselves. The results have shape (n_resamples, n_runs); r is NaN where undefined.
    """
    return ResampledChanges(y, counts).correlations(x)


class ResampledChanges:
    """`resampled_correlations` of many scores with the same changes, whose own sums are taken once."""

    def __init__(self, y: Floats, counts: Floats) -> None:
        """Changes, shape (n_runs, n_domains), and resamples, shape (n_resamples, n_domains)."""
        self._y, self._counts = y, counts
        self._by_cells: dict[bytes, tuple[Floats, NDArray[np.bool_], _Points, _Side]] = {}

    def correlations(self, x: Floats) -> tuple[Floats, Floats]:
        """Of scores, shape (n_runs, n_domains)."""
        x, y = jointly_present(x, self._y)
        cells = np.isfinite(x)
        key = cells.tobytes()
        if key not in self._by_cells:
            b, present = _filled(y), cells.astype(np.float64)
            points = _Points(self._counts @ present.T)
            enough = (self._counts > 0).astype(np.float64) @ present.T >= _MIN_DISTINCT
            self._by_cells[key] = b, enough, points, points.side(self._counts @ b.T, self._counts @ (b * b).T)
        b, enough, points, side_y = self._by_cells[key]
        a = _filled(x)
        side_x = points.side(self._counts @ a.T, self._counts @ (a * a).T)
        r = points.correlation(side_x, side_y, self._counts @ (a * b).T)
        return np.where(enough, r, np.nan), points.n


class PermutedChanges:
    """`resampled_correlations` for permutations, of many scores with the same changes, which are re-ordered once.

    r of every run after every re-ordering of the domains of the changes; orders are the same for all runs. A missing
    change moves with its domain.
    """

    def __init__(self, y: Floats, orders: NDArray[np.intp]) -> None:
        """Changes, shape (n_runs, n_domains), and orders, shape (n_permutations, n_domains)."""
        present = np.isfinite(y).astype(np.float64)
        self._y = _filled(y)[:, orders]  # (n_runs, n_permutations, n_domains)
        # Where nothing is missing, every order holds the same points.
        self._present = present[:, orders[:1]] if present.all() else present[:, orders]
        self._by_cells: dict[bytes, tuple[_Points, _Side]] = {}

    def correlations(self, x: Floats) -> tuple[Floats, Floats]:
        """Of scores, shape (n_runs, n_domains)."""
        cells = np.isfinite(x)
        key = cells.tobytes()
        if key not in self._by_cells:
            in_x = cells.astype(np.float64)
            points = _Points(_over_domains(in_x, self._present))
            side = points.side(_over_domains(in_x, self._y), _over_domains(in_x, self._y * self._y))
            self._by_cells[key] = points, side
        points, side_y = self._by_cells[key]
        a = _filled(x)
        side_x = points.side(_over_domains(a, self._present), _over_domains(a * a, self._present))
        r = points.correlation(side_x, side_y, _over_domains(a, self._y))
        return r, np.broadcast_to(points.n, r.shape)


def _filled(values: Floats) -> Floats:
    return np.nan_to_num(standardised(values))


def _over_domains(left: Floats, right: Floats) -> Floats:
    total: Floats = np.einsum("rd,rpd->pr", left, right)
    return total


def average(r: Floats, n: Floats, run_counts: Floats | None = None) -> Floats:
    """Average r over runs on Fisher's z scale, weighting each run by n - 3, with |r| clipped at `R_BOUND` first.

    r, the points n behind each and how often each resample holds each run (once each if None) have shape
    (n_resamples, n_runs), or (1, n_runs) where all resamples share them. Runs without r are left out; a resample
    without any run has NaN.
    """
    return average_z(fisher_z(r), n, run_counts)


def average_z(z: Floats, n: Floats, run_counts: Floats | None = None) -> Floats:
    """`average` of what `fisher_z` has made of r."""
    lacking = np.isnan(z)
    weights = np.where(lacking, 0.0, n - 3)
    if run_counts is not None:
        weights = weights * run_counts
    total = weights.sum(axis=1)
    weighted = (weights * np.where(lacking, 0.0, z)).sum(axis=1)
    mean: Floats = np.divide(weighted, total, out=np.full(len(total), np.nan), where=total > 0)
    return np.tanh(mean)


def fisher_z(r: Floats) -> Floats:
    """Fisher's z = artanh r, with |r| clipped at `R_BOUND`; NaN stays NaN."""
    z: Floats = np.arctanh(np.clip(r, -R_BOUND, R_BOUND))
    return z


class _Side(NamedTuple):
    """One variable over the points of every run, in every resample."""

    total: Floats
    variance: Floats  # times n
    varies: NDArray[np.bool_]


class _Points:
    """The number of points of every run in every resample, and Pearson's r over them."""

    def __init__(self, n: Floats) -> None:
        self.n, self._size, self._enough = n, np.maximum(n, 1.0), n >= MIN_POINTS

    def side(self, total: Floats, square: Floats) -> _Side:
        """From the sums of a variable and of its square."""
        variance = square - total**2 / self._size
        return _Side(total, variance, variance > _FLAT * self._size)

    def correlation(self, x: _Side, y: _Side, products: Floats) -> Floats:
        """From the sum of products; NaN for too few points or a constant variable."""
        defined = self._enough & x.varies & y.varies
        norm = np.sqrt(np.where(defined, x.variance * y.variance, 1.0))
        r: Floats = (products - x.total * y.total / self._size) / norm
        return np.where(defined, r.clip(-1.0, 1.0), np.nan)
