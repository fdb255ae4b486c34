"""Which training set helps which domain?

Some domains lose whatever one trains on, and some training sets do harm everywhere. A score that knows only these
two facts correlates well with the changes and is of no use for choosing a set for a domain. Taking each domain's
mean and each set's mean away leaves the interaction, set by domain (the residual of a two-way analysis of
variance without replication), and a score has to correlate with that.

Models, training sets and domains are drawn, a set in all models at once. With both means gone there is little left for
points of one row or column to share, and drawing rows and columns counts that rest up to three times over (Owen
2007). The interval is therefore wide, by up to √3: one that excludes 0 can be relied on, one that includes 0 says
little.

Comparing 45 predictors needs their difference in every resample, and centring resampled tables again and again is
slow. So the resamples are kept as weights, row weight times column weight, and what centring leaves of a sum of
products follows from the normal equations of the additive model:

    Σ w x̃ ỹ = Σ w x y - (Zᵀ W x)ᵀ (Zᵀ W Z)⁻ (Zᵀ W y)        Z the dummies of rows and columns

(Frisch and Waugh 1933, weighted), one small system per resample for all predictors at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from sts_eval.statistics.ceiling import Ceiling, agreement, ceiling_of_rest
from sts_eval.statistics.dependent import PairedDifference, judged_difference
from sts_eval.statistics.multiple import family_p
from sts_eval.statistics.resampling import ROUNDING, Units, percentile_interval, permutations, resamples
from sts_eval.statistics.result import Floats, Interval
from sts_eval.statistics.within_runs import jointly_present, matrices

_CONVERGED = 1e-10  # largest remaining row mean, relative to the values, at which centring stops
_SWEEPS = 2000  # of centring at most: a few missing cells need some ten, tables held together by single cells more
_MIN_SIDE = 3  # rows and columns of a model's table: two rows leave residuals that are each other's mirror image
_NOTHING_LEFT = 1e-7  # share of the sum of squares a resample must keep when centred; the ridge leaves about 1e-9
_RIDGE = 1e-9  # on the diagonal: rows and columns are defined up to a constant, and an undrawn one not at all


@dataclass(frozen=True, slots=True)
class Interaction:
    """One predictor's correlation with the changes, set by domain."""

    r: float | None  # Pearson's, over the points of all models
    spearman: float | None  # rank correlation of the same residuals
    interval: Interval | None  # percentile interval over resampled models, training sets and domains
    resampled: Floats  # r in every resample, shape (n_resamples,), NaN where undefined
    n_rows: int  # training sets, counted once per model
    n_points: int
    reason: str | None  # why r or its interval is None


@dataclass(frozen=True)
class SetByDomainTable:
    """Changes of all runs with what is needed to correlate predictors with them."""

    y: Floats  # changes, shape (n_rows, n_domains); NaN where left out. Scores have the same shape
    units: Units  # model and training set of each row
    level: float = 0.95
    n_resamples: int = 2000
    seed: int = 0

    def correlate(self, scores: Mapping[str, ArrayLike]) -> dict[str, Interaction]:
        """Correlate predictors, scores by name, with the changes.

        The score is brought to unit variance within each model: models have different features, whose units would
        otherwise decide which model counts. Changes keep their unit.
        """
        found: dict[str, Interaction] = {}
        for pattern in self._patterns(scores):
            found |= self._correlate_pattern(pattern)
        return {name: found[name] for name in scores}

    def difference(self, x: ArrayLike, z: ArrayLike) -> PairedDifference:
        """Difference of the r of two predictors' scores, x and z, over the cells that both have."""
        first, second = jointly_present(*matrices(x, z))
        both = self.correlate({"x": first, "z": second})
        return subtract(both["x"], both["z"], self.level)

    def family_p(self, scores: Mapping[str, ArrayLike]) -> dict[str, float | None]:
        """Family-wise p of every predictor's |r|: the max-|r| permutation of `multiple`, after centring.

        One permutation of the domains serves all runs. Where cells are left out, a permuted change keeps its hole,
        so permuted r rest on somewhat fewer points than the observed ones, which errs on the safe side. Scores
        without r do not take part and have None.
        """
        orders = permutations(self.y.shape[1], self.n_resamples, self.seed)
        size: dict[str, Floats] = {}
        for pattern in self._patterns(scores):
            _, x, y = self._centred(pattern)
            present = np.isfinite(y)
            flat, cells = np.nan_to_num(x).reshape(len(x), -1), present.reshape(1, -1).astype(np.float64)
            moved = np.nan_to_num(y)[:, orders].swapaxes(0, 1).reshape(len(orders), -1)
            in_moved = present[:, orders].swapaxes(0, 1).reshape(len(orders), -1).astype(np.float64)
            r = _ratio(flat @ moved.T, (flat**2 @ in_moved.T) * (cells @ (moved**2).T))
            size |= dict(zip(pattern, np.abs(r), strict=True))
        return family_p({name: size[name] for name in scores})

    def residuals(self, x: ArrayLike) -> tuple[Floats, Floats]:
        """What the means of rows and domains leave of a score and of the changes: whose r `correlate` gives.

        Both have the shape (n_rows, n_domains), NaN where missing and in models with too few sets; the score has unit
        variance within each model.
        """
        _, scores, changes = self._centred({"x": jointly_present(*matrices(x, self.y))[0]})
        return scores[0], changes

    def ceiling(self, noise: ArrayLike) -> Ceiling:
        """How high r could go with a perfect predictor: √(1 - mean noise · df/(Σ ỹ²)), df what the model leaves free.

        `noise`, of the shape of y, is each change's squared error less what it shares with the model's other runs: the
        untuned model's answers and the questions are the same in all of them, and centring removes what they share
        whole. With the full squared error the ceiling is too low. None without a model of 3 sets by 3 domains.
        """
        tables, _, y = self._centred({"y": self.y})
        if not tables:
            return Ceiling(undefined={"all": f"no model has {_MIN_SIDE} training sets and {_MIN_SIDE} domains"})
        freedom = sum(_freedom(np.isfinite(y[rows])) for rows in tables)
        drawn = resamples(self.units, self.y.shape[1], self.n_resamples, self.seed)
        return ceiling_of_rest(y, noise, freedom, drawn, level=self.level)

    def agreement(self) -> float | None:
        """√ of the mean r between models on one set: a perfect predictor reaches at least this."""
        return agreement(self._centred({"y": self.y})[2], self.units)

    def same_cells(self, x: ArrayLike, z: ArrayLike) -> bool:
        """Whether two predictors have scores for the same changes, so that their resamples can be compared."""
        cells = [np.isfinite(values) & np.isfinite(self.y) for values in matrices(x, z)]
        return bool((cells[0] == cells[1]).all())

    def _patterns(self, scores: Mapping[str, ArrayLike]) -> list[dict[str, Floats]]:
        """Predictors in groups that lack the same cells."""
        patterns: dict[bytes, dict[str, Floats]] = {}
        for name, score in scores.items():
            present, _ = jointly_present(*matrices(score, self.y))
            patterns.setdefault(np.isfinite(present).tobytes(), {})[name] = present
        return list(patterns.values())

    def _centred(self, pattern: Mapping[str, Floats]) -> tuple[list[NDArray[np.intp]], Floats, Floats]:
        """Rows of each model, and residuals of scores (k, n_rows, n_domains) at variance 1, and of changes."""
        scores = np.array(list(pattern.values()))
        cells = np.isfinite(scores[0])
        used = cells.any(axis=1)
        models = np.array(self.units.models)
        tables = [np.flatnonzero(used & (models == label)) for label in np.unique(models)]
        tables = [rows for rows in tables if len(rows) >= _MIN_SIDE and cells[rows].any(axis=0).sum() >= _MIN_SIDE]
        x, y = np.full(scores.shape, np.nan), np.full(self.y.shape, np.nan)
        for rows in tables:
            x[:, rows] = _residuals(scores[:, rows], unit=True)
            y[rows] = _residuals(np.where(cells[rows], self.y[rows], np.nan)[None], unit=False)[0]
        return tables, x, y

    def _correlate_pattern(self, pattern: Mapping[str, Floats]) -> dict[str, Interaction]:
        tables, x, y = self._centred(pattern)
        cells = np.isfinite(y)
        n_rows, n_points = sum(len(rows) for rows in tables), int(cells.sum())
        nothing = Interaction(None, None, None, np.full(self.n_resamples, np.nan), n_rows, n_points, None)
        if not tables:
            reason = f"no model has {_MIN_SIDE} training sets and {_MIN_SIDE} domains"
            return dict.fromkeys(pattern, replace(nothing, reason=reason))
        drawn = resamples(self.units, self.y.shape[1], self.n_resamples, self.seed)
        models, sets, domains = (_data_first(counts) for counts in (drawn.models, drawn.sets, drawn.domains))
        parts = [
            [models[:, rows[:1]] * total for total in _sums(x[:, rows], y[rows], sets[:, rows], domains)]
            for rows in tables
        ]
        products, x_squares, y_squares = (sum(part) for part in zip(*parts, strict=True))
        r = _ratio(products, x_squares * y_squares)
        found = {}
        for index, name in enumerate(pattern):
            if np.isnan(r[0, index]):
                reason = "score or change is the sum of a set's and a domain's part, with nothing left"
                found[name] = replace(nothing, reason=reason)
                continue
            interval = percentile_interval(r[1:, index], self.level)
            found[name] = replace(
                nothing,
                r=float(np.clip(r[0, index], -1, 1)),
                spearman=float(stats.spearmanr(x[index][cells], y[cells]).statistic),
                interval=interval if isinstance(interval, Interval) else None,
                resampled=r[1:, index],
                reason=interval if isinstance(interval, str) else None,
            )
        return found


def subtract(first: Interaction, second: Interaction, level: float) -> PairedDifference:
    """Difference of two predictors that were correlated over the same cells of one table."""
    if first.r is None or second.r is None:
        return PairedDifference(undefined={"all": "one of the two has no correlation"})
    resampled = first.resampled - second.resampled
    return judged_difference(first.r - second.r, resampled, level, first.n_rows, first.n_points)


def double_centred(y: ArrayLike) -> Floats:
    """Residuals of the additive model μ + row + column, NaN where y is missing.

    Without missing cells this is y - row mean - column mean + mean, exactly. With missing cells, rows and columns are
    centred in turn until neither has a mean left, which converges to the least-squares residuals (von Neumann's
    alternating projections). y has shape (..., n_rows, n_columns); leading axes are separate tables.

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


def _residuals(values: Floats, *, unit: bool) -> Floats:
    """What the additive model leaves of tables (k, n_rows, n_domains); 0 throughout where that is rounding error."""
    left = double_centred(values)
    size = np.nan_to_num(np.abs(values)).max(axis=(1, 2), keepdims=True)
    left = np.where(np.nan_to_num(np.abs(left)).max(axis=(1, 2), keepdims=True) <= ROUNDING * size, left * 0, left)
    if unit:
        spread = np.sqrt(np.nanmean(left**2, axis=(1, 2), keepdims=True))
        left = left / np.where(spread > 0, spread, 1.0)
    return left


def _ratio(products: Floats, squares: Floats) -> Floats:
    """Pearson's r from sums of products and the products of sums of squares; NaN where these are 0."""
    norm = np.sqrt(squares)
    r: Floats = np.divide(products, norm, out=np.full(norm.shape, np.nan), where=norm > 0)
    return r


def _data_first(counts: Floats) -> Floats:
    """Resamples after the data themselves, which have everything once."""
    return np.vstack([np.ones(counts.shape[1]), counts])


def _sums(x: Floats, y: Floats, of_rows: Floats, of_domains: Floats) -> tuple[Floats, Floats, Floats]:
    """Sums over one model's resampled residuals, (n_resamples, k) each: x y / sd(x), x² / var(x), y²."""
    present = np.isfinite(y).astype(np.float64)
    both = np.nan_to_num(np.concatenate([x, y[None]]))  # (k + 1, n_rows, n_domains)
    in_row = of_rows[:, :, None] * np.einsum("bj,kij->bik", of_domains, both, optimize=True)
    in_column = of_domains[:, :, None] * np.einsum("bi,kij->bjk", of_rows, both, optimize=True)
    totals = np.concatenate([in_row, in_column], axis=1)
    weight = of_rows[:, :, None] * of_domains[:, None, :] * present
    n = weight.sum(axis=(1, 2))[:, None]
    normal = np.zeros((len(weight), totals.shape[1], totals.shape[1]))
    split = len(y)
    normal[:, :split, split:] = weight
    normal[:, split:, :split] = weight.swapaxes(1, 2)
    diagonal = np.arange(totals.shape[1])
    normal[:, diagonal, diagonal] = np.concatenate([weight.sum(axis=2), weight.sum(axis=1)], axis=1) + _RIDGE
    effects = np.linalg.solve(normal, totals)

    flat = weight.reshape(len(weight), -1)
    cells = both.reshape(len(both), -1)
    raw_squares, raw_products = flat @ (cells**2).T, flat @ (cells[:-1] * cells[-1]).T
    squares = raw_squares - (totals * effects).sum(axis=1)
    squares = np.where(squares > _NOTHING_LEFT * raw_squares, squares, 0.0)
    products = raw_products - (totals[:, :, :-1] * effects[:, :, -1:]).sum(axis=1)
    spread = np.sqrt(squares[:, :-1] / np.maximum(n, 1.0))
    scaled = np.divide(products, spread, out=np.zeros_like(products), where=spread > 0)
    return scaled, np.where(spread > 0, n, 0.0), np.broadcast_to(squares[:, -1:], scaled.shape)


def _freedom(used: NDArray[np.bool_]) -> int:
    """Points less the parameters that rows and columns take, for one model's table."""
    row, column = np.nonzero(used)
    dummies = np.hstack([row[:, None] == np.arange(used.shape[0]), column[:, None] == np.arange(used.shape[1])])
    return len(row) - int(np.linalg.matrix_rank(dummies.astype(np.float64)))
