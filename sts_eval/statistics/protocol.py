"""The paper's choice of domains: those with the largest and the smallest changes.

arXiv 2603.02908 correlates the score with |Δaccuracy| over 8 of 14 domains: the four with the largest and the four with
the smallest |Δ| (its Figure 3 and Table 6). Dropping the middle stretches the range of |Δ|, and a correlation grows
with the range it is computed over (Pearson 1903). So this figure is only to be shown beside the one over all domains.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from sts_eval.statistics.correlation import obstacle


def extremes(delta: ArrayLike, k: int = 4) -> NDArray[np.intp]:
    """Indices, shape (2k,), of the k domains with the largest |Δ| and the k with the smallest, by falling |Δ|.

    Equal sizes keep their order, so the choice is deterministic.

    Raises:
        ValueError: If k < 1, there are fewer than 2k domains, or a change is not finite.
    """
    size = np.abs(np.asarray(delta, dtype=np.float64))
    if size.ndim != 1 or k < 1 or len(size) < 2 * k or not np.isfinite(size).all():
        raise ValueError(f"needs at least {2 * k} finite changes to take {k} from each end")
    falling = np.argsort(-size, kind="stable")
    return np.concatenate([falling[:k], falling[-k:]])


def extremes_r(score: ArrayLike, delta: ArrayLike, *, k: int = 4) -> float | None:
    """Pearson's r of a score with |Δ| over the paper's selection of domains, k from each end; shape (n,) each.

    None with fewer than 2k domains, a missing value, or a constant variable.

    Raises:
        ValueError: If the shapes differ.
    """
    scores, size = np.asarray(score, dtype=np.float64), np.abs(np.asarray(delta, dtype=np.float64))
    if scores.shape != size.shape:
        raise ValueError(f"needs one score per change, not {scores.shape} for {size.shape}")
    if len(size) < 2 * k or not np.isfinite(size).all():
        return None
    chosen = extremes(size, k)
    x, y = scores[chosen], size[chosen]
    return None if obstacle(x, y) else float(stats.pearsonr(x, y).statistic)
