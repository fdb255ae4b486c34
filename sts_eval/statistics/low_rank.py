"""What a run will change, completed from other runs by a matrix of low rank.

Runs that look alike on what both have measured are taken to be alike on the rest. Jin and Ren (arXiv 2406.14026)
complete the matrix of training tasks × forgotten examples so, at ranks up to 3.

A run of which nothing is known cannot be completed within runs × domains: a row of zeros fits as well. Its training set
was tuned into other models, though, and its model on other sets. So the matrix here has one row per pair of training
set and domain, and one column per model. At rank 1 a model is expected to change as the others did on the same set,
times a factor that its other sets tell.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sts_eval.statistics.result import Floats

ITERATIONS = 2000
_TOLERANCE = 1e-9  # change of the completed values in one iteration, in units of the known ones' size, at which to stop


def complete(matrix: ArrayLike, rank: int) -> Floats:
    """Fill the missing (NaN) cells of a matrix with those of a matrix of a rank that fits the known cells.

    The missing cells start at the additive fit (row mean + column mean − mean of all known cells) and are then
    replaced by those of the truncated singular value decomposition of the filled matrix, again and again: expectation
    maximisation of the fit to the known cells (Mazumder et al. 2010, without their shrinkage). A cell whose row or
    column has no known cell stays NaN. The result has the matrix's shape.

    Raises:
        ValueError: The matrix is not two-dimensional, or the rank is below 1.
    """
    given = np.asarray(matrix, dtype=np.float64)
    if given.ndim != 2 or rank < 1:  # noqa: PLR2004 -- rows by columns
        raise ValueError(f"needs a matrix and a rank of at least 1, not shape {given.shape} and rank {rank}")
    known = np.isfinite(given)
    rows, columns = known.any(axis=1), known.any(axis=0)
    filled = np.where(known, given, np.nan)
    if not known.any():
        return filled
    inner = np.ix_(rows, columns)
    filled[inner] = _completed(given[inner], known[inner], rank)
    return filled


def completed_history(outcome: ArrayLike, model_of: NDArray[np.intp], set_of: NDArray[np.intp], rank: int) -> Floats:
    """For each run, what a completion at a rank says of it from all runs of other models or other sets.

    All runs of the same model on the same set are held out together, since they share what is to be predicted; where
    there are several, the matrix has their mean. NaN where the run's model or its set is in no other run, and at ranks
    that are not below the number of models, which any values fit.

    Args:
        outcome: What tuning changed, shape (n_runs, n_domains).
        model_of: Number of each run's model, shape (n_runs,).
        set_of: Number of each run's training set, shape (n_runs,).
        rank: Of the completed matrix.

    Returns:
        Shape (n_runs, n_domains).
    """
    values = np.asarray(outcome, dtype=np.float64)
    models, model_at = np.unique(model_of, return_inverse=True)
    sets, set_at = np.unique(set_of, return_inverse=True)
    blocks = np.full((len(sets), values.shape[1], len(models)), np.nan)
    for own_set, own_model in set(zip(set_at.tolist(), model_at.tolist(), strict=True)):
        same = values[(set_at == own_set) & (model_at == own_model)]
        present = np.isfinite(same).any(axis=0)
        blocks[own_set, present, own_model] = np.nanmean(same[:, present], axis=0)
    found = np.full(values.shape, np.nan)
    if rank >= len(models):
        return found
    for run, (own_set, own_model) in enumerate(zip(set_at, model_at, strict=True)):
        others = blocks.copy()
        others[own_set, :, own_model] = np.nan
        found[run] = complete(others.reshape(-1, len(models)), rank).reshape(blocks.shape)[own_set, :, own_model]
    return found


def _completed(given: Floats, known: NDArray[np.bool_], rank: int) -> Floats:
    rows, columns = (np.nanmean(given, axis=axis, keepdims=True) for axis in (1, 0))
    additive = rows + columns - given[known].mean()
    filled = np.where(known, given, additive)
    size = max(float(np.abs(given[known]).max()), np.finfo(np.float64).tiny)
    for _ in range(ITERATIONS):
        left, values, right = np.linalg.svd(filled, full_matrices=False)
        fitted = (left[:, :rank] * values[:rank]) @ right[:rank]
        moved = np.where(known, given, fitted)
        change = float(np.abs(moved - filled).max())
        filled = moved
        if change <= _TOLERANCE * size:
            break
    return filled
