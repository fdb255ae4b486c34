"""Pearson's r and Fisher's interval for thousands of runs at once.

For one run `sts_eval.statistics.correlate` says far more; a table of all runs needs these figures in milliseconds.
Definitions and limits are the same.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

FEWEST = 4
"""Points without which r has no interval."""

_FLAT = 1e-13
"""Spread below which, relative to its mean, a variable is constant (scipy's own criterion for its warning)."""


class Correlations(NamedTuple):
    """One figure per run, NaN where it is not defined."""

    r: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def correlations(
    run: NDArray[np.intp], x: NDArray[np.float64], y: NDArray[np.float64], n_runs: int, *, level: float = 0.95
) -> Correlations:
    """Correlate x with y within each run.

    Args:
        run: The run of each point, shape (n_points,), from 0.
        x: Values, shape (n_points,), NaN where missing.
        y: Values, likewise.
        n_runs: Number of runs.
        level: Coverage of the interval, a proportion.
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
        r = np.where((n < FEWEST) | flat, np.nan, np.clip(total(dx * dy) / (norm_x * norm_y), -1, 1))
        inside = np.where(np.abs(r) < 1, r, np.nan)
        half = float(stats.norm.ppf((1 + level) / 2)) / np.sqrt(n - 3.0)
        return Correlations(r, np.tanh(np.arctanh(inside) - half), np.tanh(np.arctanh(inside) + half))
