"""How many rows of each domain: a budget shared out in the ratio of weights.

    n_k = round(B · w_k / Σw)        (arXiv 2603.02908, section 5)

Rounded one by one, the counts need not sum to B: three equal weights and B = 7 give 2 + 2 + 2. Here every domain gets
the whole part of its share, and the rows that are left go to the largest remainders (Hamilton's method), so that
mixtures of one budget are of one size. A domain never gets more rows than there are; what it lacks is shared out among
the others in the ratio of their weights.
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple


class Quota(NamedTuple):
    """The rows of one domain."""

    share: float  # w / Σw
    rounded: int  # B · share to the nearest whole number, a half upwards; the paper's
    wanted: int  # by largest remainders; sums to B
    taken: int  # the same with no more rows than there are; sums to B


def allocate(weights: Mapping[str, float], budget: int, there: Mapping[str, int]) -> dict[str, Quota]:
    """Share out a budget of rows in the ratio of weights, by domain.

    `there` are the rows that each domain has. Weights are at least 0; a domain without weight gets no rows, even where
    others have too few.

    Raises:
        ValueError: All weights are 0, or the domains with a weight have fewer rows than the budget.
    """
    total = sum(map(Fraction, weights.values()))
    if not total:
        raise ValueError("all weights are 0")
    if sum(there[name] for name, weight in weights.items() if weight > 0) < budget:
        raise ValueError("there are fewer rows than the budget")
    shares = {name: Fraction(weight) / total for name, weight in weights.items()}
    wanted = largest_remainders(weights, budget)
    taken = _capped(weights, budget, there)
    return {
        name: Quota(float(share), math.floor(budget * share + Fraction(1, 2)), wanted[name], taken[name])
        for name, share in shares.items()
    }


def largest_remainders(weights: Mapping[str, float], budget: int) -> dict[str, int]:
    """Whole numbers in the ratio of weights that sum to the budget; of equal remainders the larger weight leads."""
    total = sum(map(Fraction, weights.values()))
    exact = {name: budget * Fraction(weight) / total for name, weight in weights.items()}
    counts = {name: math.floor(quota) for name, quota in exact.items()}
    order = sorted(weights, key=lambda name: (counts[name] - exact[name], -weights[name]))
    for name in order[: budget - sum(counts.values())]:
        counts[name] += 1
    return counts


def _capped(weights: Mapping[str, float], budget: int, there: Mapping[str, int]) -> dict[str, int]:
    """Largest remainders where no domain gets more rows than there are."""
    taken = dict.fromkeys(weights, 0)
    open_ = {name: weight for name, weight in weights.items() if weight > 0}
    while budget:
        total = sum(map(Fraction, open_.values()))
        full = [name for name, weight in open_.items() if budget * Fraction(weight) / total >= there[name]]
        if not full:
            return taken | largest_remainders(open_, budget)
        for name in full:
            taken[name] = there[name]
            del open_[name]
        budget -= sum(taken[name] for name in full)
    return taken
