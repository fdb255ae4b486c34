"""How much of a sum the largest of its parts carries, and how often chance alone would give that much."""

import math

from scipy.special import comb


def chance_of_largest_share(share: float, n: int) -> float:
    """Probability that the largest of n exponential parts is more than a share of their sum.

    Fisher's exact test (Proc. R. Soc. A 125, 1929, 54-59), made for the largest ordinate of a periodogram:
    P = Σ_k (−1)^(k−1) C(n, k) (1 − k·share)^(n−1) over k = 1, 2, … while k·share < 1. Exponential parts spread as far
    as their mean; parts that spread less give a smaller largest share.
    """
    if share <= 1 / n:
        return 1.0
    terms = ((-1) ** (k - 1) * comb(n, k) * (1 - k * share) ** (n - 1) for k in range(1, math.ceil(1 / share)))
    return min(1.0, max(0.0, float(sum(terms))))
