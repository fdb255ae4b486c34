"""Pearson's r and Fisher's interval for thousands of runs at once.

For one run `sts_eval.statistics.correlate` gives far more; a table of all runs needs these figures in milliseconds.
Definitions and limits are the same.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from sts_eval.statistics.correlation import MIN_POINTS

_FLAT = 1e-13  # spread relative to the mean below which a variable is constant (scipy's criterion for its warning)
_LEVEL = 0.95


class Correlations(NamedTuple):
    """One figure per run, NaN where it is not defined; `low` and `high` are the ends of the 95% interval."""

    r: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def correlations(run: NDArray[np.intp], x: NDArray[np.float64], y: NDArray[np.float64], n_runs: int) -> Correlations:
    """Correlate x with y within each run.

    `run` (from 0), `x` and `y` (NaN where missing) have shape (n_points,); the figures have shape (n_runs,).
    """
    both = np.isfinite(x) & np.isfinite(y)
    run, x, y = run[both], x[both], y[both]

    def total(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(run, weights=values, minlength=n_runs).astype(np.float64, copy=False)

    n = np.bincount(run, minlength=n_runs)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_x, mean_y = total(x) / n, total(y) / n
        dx, dy = x - mean_x[run], y - mean_y[run]
        norm_x, norm_y = np.sqrt(total(dx**2)), np.sqrt(total(dy**2))
        flat = (norm_x <= _FLAT * np.abs(mean_x)) | (norm_y <= _FLAT * np.abs(mean_y))
        r = np.where((n < MIN_POINTS) | flat, np.nan, np.clip(total(dx * dy) / (norm_x * norm_y), -1, 1))
        z = np.arctanh(np.where(np.abs(r) < 1, r, np.nan))
        half = float(stats.norm.ppf((1 + _LEVEL) / 2)) / np.sqrt(n - 3.0)
        return Correlations(r, np.tanh(z - half), np.tanh(z + half))
