"""The paper's choice of domains beside all domains.

arXiv 2603.02908 correlates the score with |Δaccuracy| over 8 of 14 domains: the four with the largest and the
four with the smallest |Δ| (its Figure 3 and Table 6). Dropping the middle stretches the range of |Δ|, and a
correlation grows with the range it is computed over (Pearson 1903). So the figure over all domains leads
here, and the selected one stands beside it with what it would be at full range.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sts_eval.statistics.correlation import Correlation, correlate


@dataclass(frozen=True, slots=True)
class ProtocolComparison:
    """The correlation of a score with |Δ| over all domains and over the extremes.

    Attributes:
        all_domains: Correlation over every domain.
        selected: Correlation over the k largest and k smallest |Δ|; None with fewer than 2k domains or a
            change that is missing.
        indices: The selected domains, largest |Δ| first; empty where `selected` is None.
        range_corrected: r of `selected` brought back to the range of all domains, None where undefined.
    """

    all_domains: Correlation
    selected: Correlation | None
    indices: tuple[int, ...]
    range_corrected: float | None


def extremes(delta: ArrayLike, k: int = 4) -> NDArray[np.intp]:
    """The k domains with the largest |Δ| and the k with the smallest.

    Args:
        delta: Change of each domain, signed or not, shape (n,).
        k: How many from each end.

    Returns:
        Indices, shape (2k,), by falling |Δ|. Equal sizes keep their order, so the choice is deterministic.

    Raises:
        ValueError: If k < 1, there are fewer than 2k domains, or a change is not finite.
    """
    size = np.abs(np.asarray(delta, dtype=np.float64))
    if size.ndim != 1 or k < 1 or len(size) < 2 * k or not np.isfinite(size).all():
        raise ValueError(f"needs at least {2 * k} finite changes to take {k} from each end")
    falling = np.argsort(-size, kind="stable")
    return np.concatenate([falling[:k], falling[-k:]])


def range_corrected(r: float, sd_selected: float, sd_all: float) -> float:
    """Carry a correlation from selected points to the range of all points.

    r·u/√(1 - r² + r²u²) with u = sd_all/sd_selected (Pearson 1903; Thorndike 1949, case 2, for points chosen
    by the variable whose sd is given). It assumes a straight line and even scatter about it.

    Args:
        r: Pearson's r over the selected points.
        sd_selected: sd of the variable of selection over the selected points.
        sd_all: Its sd over all points, in the same unit.

    Raises:
        ValueError: If |r| > 1 or a standard deviation is not positive.
    """
    if not abs(r) <= 1 or not (sd_selected > 0 and sd_all > 0):
        raise ValueError(f"needs |r| <= 1 and positive sds, not r={r}, {sd_selected} and {sd_all}")
    u = sd_all / sd_selected
    return r * u / math.sqrt(1 - r**2 + r**2 * u**2)


def compare_protocols(score: ArrayLike, delta: ArrayLike, *, k: int = 4, seed: int = 0) -> ProtocolComparison:
    """Correlate a score with |Δ| over all domains and over the paper's selection.

    Args:
        score: One score per domain, shape (n,).
        delta: Signed change of each domain, shape (n,), in points.
        k: Domains from each end, 4 in the paper.
        seed: Seed of the resampling behind both correlations.

    Raises:
        ValueError: If the shapes differ.
    """
    scores, size = np.asarray(score, dtype=np.float64), np.abs(np.asarray(delta, dtype=np.float64))
    all_domains = correlate(scores, size, seed=seed)
    if len(size) < 2 * k or not np.isfinite(size).all():
        return ProtocolComparison(all_domains, None, (), None)
    chosen = extremes(size, k)
    selected = correlate(scores[chosen], size[chosen], seed=seed)
    corrected = None
    if selected.pearson is not None:
        corrected = range_corrected(selected.pearson, float(size[chosen].std(ddof=1)), float(size.std(ddof=1)))
    return ProtocolComparison(all_domains, selected, tuple(int(i) for i in chosen), corrected)
