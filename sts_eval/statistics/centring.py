"""Which training set helps which domain?

Some domains lose whatever one trains on, and some training sets do harm everywhere. A score that knows only these
two facts correlates well with the changes and is of no use for choosing a set for a domain. Taking each domain's
mean and each set's mean away leaves the interaction, set by domain (the residual of a two-way analysis of
variance without replication), and a score has to correlate with that.

With both means gone there is little left for points of one row or column to share, and drawing rows and columns
counts that rest up to three times over (Owen 2007). The interval is therefore wide, by up to √3: one that excludes 0
can be relied on, one that includes 0 says little.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sts_eval.statistics.correlation import Undefined
from sts_eval.statistics.interval import Interval
from sts_eval.statistics.resampling import draws, percentile_interval
from sts_eval.statistics.within_runs import jointly_present, matrices

_CONVERGED = 1e-10
"""Largest remaining row mean, relative to the values, at which centring stops."""

_SWEEPS = 2000
"""Upper bound on sweeps. A few missing cells need some ten; only tables held together by single cells need more."""

_NOTHING_LEFT = 1e-9
"""Size of residuals relative to the values below which they are rounding error."""

_MIN_SIDE = 3
"""Rows and columns that a model's table needs: two rows leave residuals that are each other's mirror image."""


@dataclass(frozen=True, slots=True)
class SetByDomain:
    """Correlation of score and change after each domain's and each training set's mean is taken away.

    A field is None where the data do not define it; `undefined` then holds the reason.

    Attributes:
        r: Pearson's r over the points of all models.
        interval: Percentile interval over resampled training sets (within each model) and domains.
        n_models: Models that enter, those with at least 3 training sets and 3 domains.
        n_rows: Training sets of all of them, counted once per model.
        n_points: Points.
        undefined: Why fields are None.
    """

    r: float | None
    interval: Interval | None
    n_models: int
    n_rows: int
    n_points: int
    undefined: tuple[Undefined, ...] = ()

    def reason(self, statistic: str) -> str | None:
        """Why a field is None; None where it is defined.

        Args:
            statistic: The field's name.
        """
        return next((u.reason for u in self.undefined if u.statistic in (statistic, "correlation")), None)


def double_centred(y: ArrayLike) -> NDArray[np.float64]:
    """Residuals of the additive model μ + row + column.

    Without missing cells this is y - row mean - column mean + mean, exactly. With missing cells, rows and columns are
    centred in turn until neither has a mean left, which converges to the least-squares residuals (von Neumann's
    alternating projections).

    Args:
        y: Shape (..., n_rows, n_columns), NaN where missing; leading axes are separate tables.

    Returns:
        The same shape, NaN where y is missing.

    Raises:
        ValueError: If y has fewer than two dimensions.
    """
    values = np.asarray(y, dtype=np.float64)
    if values.ndim < 2:  # noqa: PLR2004 - rows and columns
        raise ValueError(f"needs rows and columns, not shape {values.shape}")
    present = np.isfinite(values)
    residual = np.where(present, values, 0.0)
    in_row = np.maximum(present.sum(axis=-1, keepdims=True), 1)
    in_column = np.maximum(present.sum(axis=-2, keepdims=True), 1)
    enough = _CONVERGED * np.abs(residual).max(initial=0.0)
    for _ in range(_SWEEPS):
        residual = np.where(present, residual - residual.sum(axis=-1, keepdims=True) / in_row, 0.0)
        residual = np.where(present, residual - residual.sum(axis=-2, keepdims=True) / in_column, 0.0)
        if np.abs(residual.sum(axis=-1, keepdims=True) / in_row).max(initial=0.0) <= enough:
            break
    return np.where(present, residual, np.nan)


def set_by_domain_correlation(
    x: ArrayLike,
    y: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> SetByDomain:
    """Correlate the interactions of score and change, set by domain.

    Centring is done within each model and again in every resample, since it is part of the figure. The score is also
    brought to unit variance within each model: models have different features, whose units would otherwise decide
    which model counts. Changes stay in points.

    Args:
        x: Scores, shape (n_rows, n_domains), a row per training set of a model; NaN where missing.
        y: Changes, same shape, in points.
        groups: Model of each row, integers of shape (n_rows,); one model if None. A training set that was used with
            several models is drawn separately for each, so the interval does not know of sets that act alike.
        mask: True for cells to leave out before centring, same shape as x: the home domains of each training set,
            whose gain nobody doubts.
        level: Coverage of the interval, a proportion.
        n_resamples: Bootstrap resamples.
        seed: Seed of the bootstrap.

    Returns:
        The correlation. Without a model of 3 sets by 3 domains, or without interaction, None with the reason.

    Raises:
        ValueError: If the shapes do not fit.
    """
    scores, changes = jointly_present(*matrices(x, y))
    if mask is not None:
        left_out = np.asarray(mask, dtype=np.bool_)
        if left_out.shape != scores.shape:
            raise ValueError(f"needs a mask of shape {scores.shape}, not {left_out.shape}")
        scores, changes = (np.where(left_out, np.nan, values) for values in (scores, changes))
    labels = np.zeros(len(scores), dtype=np.intp) if groups is None else np.asarray(groups)
    if labels.shape != scores.shape[:1]:
        raise ValueError(f"needs one group per row, not {labels.shape} for {scores.shape}")
    used = np.isfinite(scores).any(axis=1)
    tables = [np.flatnonzero(used & (labels == label)) for label in np.unique(labels)]
    tables = [rows for rows in tables if _large_enough(scores[rows])]
    n_rows = sum(len(rows) for rows in tables)
    n_points = sum(int(np.isfinite(scores[rows]).sum()) for rows in tables)
    if not tables:
        nothing = Undefined("correlation", f"no model has {_MIN_SIDE} training sets and {_MIN_SIDE} domains")
        return SetByDomain(None, None, 0, 0, 0, (nothing,))

    r = float(_correlation([(scores[None, rows], changes[None, rows]) for rows in tables])[0])
    if np.isnan(r):
        nothing = Undefined(
            "correlation", "score or change is the sum of a set's and a domain's part, with nothing left"
        )
        return SetByDomain(None, None, len(tables), n_rows, n_points, (nothing,))
    rng = np.random.default_rng(seed)
    domains = draws(scores.shape[1], n_resamples, rng)[:, None, :]
    resampled = []
    for rows in tables:
        drawn = rows[draws(len(rows), n_resamples, rng)][:, :, None]
        resampled.append((scores[drawn, domains], changes[drawn, domains]))
    interval = percentile_interval(_correlation(resampled), level, "interval")
    if isinstance(interval, Undefined):
        return SetByDomain(r, None, len(tables), n_rows, n_points, (interval,))
    return SetByDomain(r, interval, len(tables), n_rows, n_points)


def _large_enough(table: NDArray[np.float64]) -> bool:
    """Whether a table has rows and columns enough for an interaction."""
    return len(table) >= _MIN_SIDE and int(np.isfinite(table).any(axis=0).sum()) >= _MIN_SIDE


def _correlation(tables: list[tuple[NDArray[np.float64], NDArray[np.float64]]]) -> NDArray[np.float64]:
    """Pearson's r over all models' residuals, from (x, y) of shape (n_resamples, n_rows, n_domains) per model."""
    products, squares_x, squares_y = (np.zeros(len(tables[0][0])) for _ in range(3))
    for x, y in tables:
        left_x, left_y = _interaction(x), _interaction(y)
        # Residuals have mean 0 within each model, so sums of products are covariances.
        spread = np.sqrt((left_x**2).sum(axis=(1, 2)) / np.maximum((~np.isnan(x)).sum(axis=(1, 2)), 1))
        left_x = left_x / np.where(spread > 0, spread, 1.0)[:, None, None]
        products += (left_x * left_y).sum(axis=(1, 2))
        squares_x += (left_x**2).sum(axis=(1, 2))
        squares_y += (left_y**2).sum(axis=(1, 2))
    norm = np.sqrt(squares_x * squares_y)
    r: NDArray[np.float64] = np.divide(products, norm, out=np.full(len(norm), np.nan), where=norm > 0)
    return r


def _interaction(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Double-centred tables with 0 where missing, and throughout tables that are additive but for rounding."""
    left = np.nan_to_num(double_centred(values))
    size = np.nan_to_num(np.abs(values)).max(axis=(1, 2), keepdims=True)
    additive = np.abs(left).max(axis=(1, 2), keepdims=True) <= _NOTHING_LEFT * size
    return np.where(additive, 0.0, left)
