"""Many predictors at once: which r is large even for the best of so many, and who shares a rank.

With 40 predictors the best of them looks good by chance. The max-|r| permutation (Westfall and Young 1993, the
single-step maxT procedure) asks how large the best |r| gets when scores and changes have nothing to do with each
other. It keeps the dependence between predictors, so predictors that measure the same cost little, and it
controls the chance of any false finding among all of them.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from sts_eval.statistics.resampling import permutation_p, permutations
from sts_eval.statistics.result import Floats
from sts_eval.statistics.within_runs import PermutedChanges, average, matrices


def max_r_permutation(
    scores: Mapping[str, ArrayLike], y: ArrayLike, *, n_resamples: int = 2000, seed: int = 0
) -> dict[str, float | None]:
    """Family-wise p of every predictor's pooled |r| with the changes y, scores given by name.

    One permutation of the domains serves all runs of a resample. A domain that loses in one run tends to lose in
    the others, and a score that is high for it tends to be high in all of them. Permuting each run on its own would
    break that tie and treat 20 runs as 20 independent confirmations, so p would be far too small. The hypothesis
    tested is that a score has nothing to do with which domain is which. The price is that p rests on the number of
    domains, as it should: 4 domains have 24 orders, and no p below about 1/24.

    p = (1 + number of permutations with max |r| >= the predictor's |r|)/(1 + n_resamples); None for a predictor
    without a pooled r, which does not take part. A missing change is permuted with its domain.

    Raises:
        ValueError: If there is no predictor or the shapes differ.
    """
    if not scores:
        raise ValueError("there is no predictor to test")
    changes, *each = matrices(y, *scores.values())
    orders = permutations(changes.shape[1], n_resamples, seed)
    permuted = PermutedChanges(changes, orders)
    size = np.abs([average(*permuted.correlations(score)) for score in each])
    return family_p(dict(zip(scores, size, strict=True)))


def family_p(size: Mapping[str, Floats]) -> dict[str, float | None]:
    """Family-wise p from |r| by permutation: how often the largest of them reaches each predictor's own.

    `size` has each predictor's |r|, of the data first and then after each permutation, shape (1 + n_resamples,). NaN in
    the first place marks a predictor without r, which does not take part and has None; NaN elsewhere counts as 0.
    """
    defined = [values[1:] for values in size.values() if np.isfinite(values[0])]
    largest = np.nan_to_num(defined).max(axis=0) if defined else np.zeros(0)
    return {
        name: None if np.isnan(values[0]) else permutation_p(float(values[0]), largest) for name, values in size.items()
    }


def shared_ranks(
    names: Sequence[str], p_value: Callable[[str, str], float | None], *, alpha: float = 0.05
) -> dict[str, int]:
    """Ranks, 1 the best, in which predictors that the data cannot tell apart share a place.

    The best leads the first group. Every predictor whose difference from it is not significant has rank 1 as well.
    The best of those that remain leads the next group, and its rank is its position in the whole list; and so on.
    A predictor further down may thus share a rank that one above it lost, where its own difference is less certain.

    Args:
        names: Predictors, best first, each once.
        p_value: Two-sided p of the difference of two predictors, called with the leader of a group first. None, for
            a difference that the data do not define, counts as not significant.
        alpha: Significance level.

    Raises:
        ValueError: If a name occurs twice.
    """
    if len(set(names)) != len(names):
        raise ValueError("a predictor occurs twice")
    ranks: dict[str, int] = {}
    for position, leader in enumerate(names, start=1):
        if leader in ranks:
            continue
        ranks[leader] = position
        for other in names[position:]:
            if other in ranks:
                continue
            p = p_value(leader, other)
            if p is None or p >= alpha:
                ranks[other] = position
    return {name: ranks[name] for name in names}
