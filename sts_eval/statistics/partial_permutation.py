"""A permutation p for "the score adds something to history" that knows that runs share their domains.

The likelihood ratio in `added` counts every point as new evidence. But a domain that loses more than its history says
often does so in several runs, so 20 runs of 14 domains are far from 280 points. Here what history and runs leave of
the changes is exchanged between domains, in one way for all runs at once, and fitted again (Freedman and Lane 1983;
the exchange of whole blocks as in Winkler et al. 2014, NeuroImage 92, 381-397). History keeps its tie with the score.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sts_eval.statistics.within_runs import centred_within, matrices

_ROUNDING = 1e-9
"""|r| closer than this are ties, and what is left of a sum of squares below this share of it is rounding error."""

Floats = NDArray[np.float64]


def partial_permutation(
    x: ArrayLike, history: ArrayLike, y: ArrayLike, *, n_resamples: int = 2000, seed: int = 0
) -> float | None:
    """Two-sided p of the partial correlation of score and change, history and run held fixed.

    Args:
        x: Scores, shape (n_runs, n_domains), in a unit that all runs share; NaN where missing.
        history: What other runs say of each domain, same shape.
        y: Changes, same shape.
        n_resamples: Permutations of the domains.
        seed: Seed of the permutations.

    Returns:
        p = (1 + number of permutations with |r| at least as large)/(1 + n_resamples), never below that of the number
        of orders of the domains; None where history and runs explain the score or the change.

    Raises:
        ValueError: If the shapes are not two-dimensional and equal.
    """
    return partial_permutations({"x": x}, history, y, n_resamples=n_resamples, seed=seed)["x"]


def partial_permutations(
    columns: Mapping[str, ArrayLike], history: ArrayLike, y: ArrayLike, *, n_resamples: int = 2000, seed: int = 0
) -> dict[str, float | None]:
    """As `partial_permutation`, for many scores: those that lack the same cells share the permuted changes.

    Args:
        columns: Scores by name, each of shape (n_runs, n_domains).
        history: What other runs say of each domain, same shape.
        y: Changes, same shape.
        n_resamples: Permutations of the domains.
        seed: Seed of the permutations.

    Returns:
        The p of each score on its own, by name.

    Raises:
        ValueError: If the shapes are not two-dimensional and equal.
    """
    known, changes, *scores = matrices(history, y, *columns.values())
    n_domains = changes.shape[1]
    orders = np.argsort(np.random.default_rng(seed).random((n_resamples, n_domains)), axis=1)
    # The first order is the data themselves, so that observed and permuted r come from the same sums.
    orders = np.vstack([np.arange(n_domains), orders])
    permuted: dict[bytes, _Permuted | None] = {}
    found: dict[str, float | None] = {}
    for name, score in zip(columns, scores, strict=True):
        cells = np.isfinite(score) & np.isfinite(known) & np.isfinite(changes)
        key = cells.tobytes()
        if key not in permuted:
            permuted[key] = _permuted(known, changes, cells, orders)
        found[name] = _p_value(score, cells, permuted[key])
    return found


@dataclass(frozen=True, slots=True)
class _Permuted:
    """What history and runs leave of the changes, in every order of the domains.

    Attributes:
        history: What runs leave of history, of length 1; 0 where history is constant within runs. Shape (n_points,).
        changes: Each row of length 1 or 0, shape (n_orders, n_points).
    """

    history: Floats
    changes: Floats


def _permuted(known: Floats, changes: Floats, cells: NDArray[np.bool_], orders: NDArray[np.intp]) -> _Permuted | None:
    """None where history and runs explain the changes."""
    history = centred_within(known, cells)
    norm = np.linalg.norm(history)
    # A history that is constant within runs spans nothing beyond them.
    constant = norm <= _ROUNDING * np.linalg.norm(known[cells])
    history = np.zeros_like(history) if constant else history / norm
    left = _left(changes, cells, history)
    if _explained(left, changes[cells]):
        return None
    residual = np.zeros(changes.shape)
    residual[cells] = left
    moved = residual[:, orders].swapaxes(0, 1)  # (n_orders, n_runs, n_domains)
    mean = (moved * cells).sum(axis=2, keepdims=True) / np.maximum(cells.sum(axis=1, keepdims=True), 1)
    again = (moved - mean)[:, cells]  # (n_orders, n_points)
    again -= np.outer(again @ history, history)
    size = np.linalg.norm(again, axis=1, keepdims=True)
    return _Permuted(history, np.divide(again, size, out=np.zeros_like(again), where=size > 0))


def _p_value(score: Floats, cells: NDArray[np.bool_], permuted: _Permuted | None) -> float | None:
    if permuted is None:
        return None
    left = _left(score, cells, permuted.history)
    if _explained(left, score[cells]):
        return None
    r = np.abs(permuted.changes @ (left / np.linalg.norm(left)))
    return float((1 + (r[1:] >= r[0] - _ROUNDING).sum()) / len(r))


def _left(values: Floats, cells: NDArray[np.bool_], history: Floats) -> Floats:
    """What runs and history leave of the values, shape (n_points,)."""
    within = centred_within(values, cells)
    left: Floats = within - (history @ within) * history
    return left


def _explained(left: Floats, values: Floats) -> bool:
    """Whether what is left of values is rounding error; without points there is nothing to be left."""
    if not len(values):
        return True
    around = values - values.mean()
    return bool(left @ left <= _ROUNDING * (around @ around))
