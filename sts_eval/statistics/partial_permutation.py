"""A permutation p for "the score adds something to history" that knows that runs share their domains.

The likelihood ratio in `added` counts every point as new evidence. But a domain that loses more than its history says
often does so in several runs, so 20 runs of 14 domains are far from 280 points. Here what history and runs leave of
the changes is exchanged between domains, in one way for all runs at once, and fitted again (Freedman and Lane 1983;
the exchange of whole blocks as in Winkler et al. 2014, NeuroImage 92, 381-397). History keeps its tie with the score.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sts_eval.statistics.within_runs import matrices

_ROUNDING = 1e-9
"""|r| closer than this are ties, and what is left of a sum of squares below this share of it is rounding error."""


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
    scores, known, changes = matrices(x, history, y)
    cells = np.isfinite(scores) & np.isfinite(known) & np.isfinite(changes)
    run, _ = np.nonzero(cells)
    effects = (run[:, None] == np.unique(run)).astype(np.float64)
    controls = np.column_stack([effects, known[cells]])
    # Columns that repeat others, such as a history that is constant within runs, span nothing of their own.
    left, size, _ = np.linalg.svd(controls, full_matrices=False)
    basis = left[:, size > _ROUNDING * size.max(initial=0.0)]
    x_left, y_left = (_left(values[cells], basis) for values in (scores, changes))
    if not len(run) or any(
        part @ part <= _ROUNDING * (values[cells] - values[cells].mean()) @ (values[cells] - values[cells].mean())
        for part, values in ((x_left, scores), (y_left, changes))
    ):
        return None

    n_domains = changes.shape[1]
    orders = np.argsort(np.random.default_rng(seed).random((n_resamples, n_domains)), axis=1)
    # The first order is the data themselves, so that observed and permuted r come from the same sums.
    orders = np.vstack([np.arange(n_domains), orders])
    residual = np.zeros(changes.shape)
    residual[cells] = y_left
    moved: NDArray[np.float64] = residual[:, orders].swapaxes(0, 1)[:, cells]  # (n_resamples + 1, n_points)
    again = moved - (moved @ basis) @ basis.T
    norm = np.linalg.norm(again, axis=1) * np.linalg.norm(x_left)
    r = np.abs(np.divide(again @ x_left, norm, out=np.zeros(len(norm)), where=norm > 0))
    return float((1 + (r[1:] >= r[0] - _ROUNDING).sum()) / (1 + n_resamples))


def _left(values: NDArray[np.float64], basis: NDArray[np.float64]) -> NDArray[np.float64]:
    """What an orthonormal basis leaves of values."""
    left: NDArray[np.float64] = values - basis @ (basis.T @ values)
    return left
