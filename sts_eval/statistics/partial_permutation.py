"""A permutation p for "the score adds something to history" that knows that runs share their domains.

The likelihood ratio in `added` counts every point as new evidence. But a domain that loses more than its history says
often does so in several runs, so 20 runs of 14 domains are far from 280 points. Here what history and runs leave of
the changes is exchanged between domains, in one way for all runs at once, and fitted again (Freedman and Lane 1983;
the exchange of whole blocks as in Winkler et al. 2014, NeuroImage 92, 381-397). History keeps its tie with the score.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sts_eval.statistics.resampling import ROUNDING, permutation_p, permutations
from sts_eval.statistics.result import Floats
from sts_eval.statistics.within_runs import centred_within, explained, matrices, residual


def partial_permutations(
    scores: Mapping[str, ArrayLike], history: ArrayLike, y: ArrayLike, *, n_resamples: int = 2000, seed: int = 0
) -> dict[str, float | None]:
    """Two-sided p of the partial correlation of each score with the change, history and run held fixed.

    Args:
        scores: Scores by name, each of shape (n_runs, n_domains), in a unit that all runs share; NaN where missing.
            Those that lack the same cells share the permuted changes.
        history: What other runs say of each domain, same shape.
        y: Changes, same shape.
        n_resamples: Permutations of the domains.
        seed: Seed of the permutations.

    Returns:
        By name p = (1 + number of permutations with |r| at least as large)/(1 + n_resamples), never below that of the
        number of orders of the domains; None where history and runs explain the score or the change.

    Raises:
        ValueError: If the shapes are not two-dimensional and equal.
    """
    known, changes, *each = matrices(history, y, *scores.values())
    orders = permutations(changes.shape[1], n_resamples, seed)
    fitted: dict[bytes, tuple[Floats, Floats | None]] = {}
    found: dict[str, float | None] = {}
    for name, score in zip(scores, each, strict=True):
        cells = np.isfinite(score) & np.isfinite(known) & np.isfinite(changes)
        key = cells.tobytes()
        if key not in fitted:
            controls = _controls(known, cells)
            fitted[key] = controls, _permuted(changes, cells, controls, orders)
        controls, permuted = fitted[key]
        within = centred_within(score, cells)
        left = residual(within, controls)
        found[name] = None
        if permuted is not None and not explained(score[cells], within, left):
            r = np.abs(left / np.linalg.norm(left) @ permuted)
            found[name] = permutation_p(float(r[0]), r[1:])
    return found


def _controls(known: Floats, cells: NDArray[np.bool_]) -> Floats:
    """History within runs, shape (n_points, 1); 0 where it is constant there and spans nothing beyond the runs."""
    history = centred_within(known, cells)
    constant = np.linalg.norm(history) <= ROUNDING * np.linalg.norm(known[cells])
    return np.zeros((len(history), 1)) if constant else history[:, None]


def _permuted(changes: Floats, cells: NDArray[np.bool_], controls: Floats, orders: NDArray[np.intp]) -> Floats | None:
    """What history and runs leave of the changes in every order of the domains, each of length 1 or 0.

    Returns:
        Shape (n_points, n_orders); None where history and runs explain the changes.
    """
    within = centred_within(changes, cells)
    left = residual(within, controls)
    if explained(changes[cells], within, left):
        return None
    full = np.zeros(changes.shape)
    full[cells] = left
    moved = np.moveaxis(full[:, orders], 1, 2)  # (n_runs, n_domains, n_orders)
    again = residual(centred_within(moved, cells), controls)
    size = np.linalg.norm(again, axis=0)
    scaled: Floats = np.divide(again, size, out=np.zeros_like(again), where=size > 0)
    return scaled
