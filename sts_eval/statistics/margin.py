"""Has accuracy on the same questions fallen by more, or by less, than a margin?

The score of Tango (1998, Statistics in Medicine 17:891) orders outcomes. Of n questions b were lost and c gained; the
fall is (b - c)/n, and under a fall of exactly δ

    Z = (b - c - nδ) / √(n (2q + δ(1 - δ))),    q = (√(B² - 4AC) - B) / 2A,
    A = 2n,  B = -b - c + (2n - b + c)δ,  C = -cδ(1 - δ)

where q is the share of gained questions that is likeliest under that fall. Its normal p is too small where few
questions changed (8% at a nominal 5% for n = 150 with 1% gained and 3% lost). So p is exact: the probability of
outcomes with a score at least as extreme, largest over the shares of gained questions within their 99.9% interval,
plus 0.001 (Berger and Boos 1994). At δ = 0 the score is McNemar's, and p the exact binomial one of his test.

Worked example (Tango's own): of 44 questions one was lost and none gained. That the fall is below 10 points has
Z = -1.709.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

OUTSIDE = 0.001  # probability that the share of gained questions is outside the interval that is searched
SEARCHED = 41  # shares that are tried
LEFT_OUT = 1e-7  # probability of the outcomes at either end that are not counted one by one, and count as extreme

Side = Literal["more", "less"]


def p_fell(lost: int, gained: int, n: int, margin: float, *, side: Side) -> float:
    """One-sided p, small where the fall is shown to be more, or less, than a margin (a proportion).

    Raises:
        ValueError: The counts do not fit, or the margin is not within 0 to 1.
    """
    if min(lost, gained) < 0 or n < max(1, lost + gained) or not 0 <= margin < 1:
        raise ValueError(f"{lost} lost and {gained} gained of {n}, margin {margin}: no such case")
    if margin == 0:
        changed, counted = lost + gained, lost if side == "more" else gained
        return float(stats.binomtest(counted, changed, alternative="greater").pvalue) if changed else 1.0
    sign = 1 if side == "more" else -1
    observed = sign * float(score(np.array([lost]), np.array([gained]), n, margin)[0])
    ends = stats.binomtest(gained, n).proportion_ci(1 - OUTSIDE, method="exact")
    most = (1 - margin) / 2
    shares = np.linspace(min(ends.low, most), min(ends.high, most), SEARCHED)
    tails = [_tail(observed - 1e-9, n, float(share), margin, sign) for share in shares]
    return min(1.0, max(tails) + OUTSIDE)


def score(lost: NDArray[np.int_], gained: NDArray[np.int_], n: int, margin: float) -> NDArray[np.float64]:
    """Tango's Z of counts of equal shape: above 0 where accuracy fell by more than the margin."""
    a, c = 2 * n, -gained * margin * (1 - margin)
    b = -lost - gained + (2 * n - lost + gained) * margin
    likeliest = (np.sqrt(b * b - 4 * a * c) - b) / (2 * a)
    variance = n * (2 * likeliest + margin * (1 - margin))
    spread = np.sqrt(np.where(variance > 0, variance, 1.0))
    return np.asarray(np.where(variance > 0, (lost - gained - n * margin) / spread, 0.0), dtype=np.float64)


def _tail(observed: float, n: int, share: float, margin: float, sign: int) -> float:
    """Probability of a score at least as extreme where so many questions are gained, and lost by the margin more."""
    lost = _likely(n, share + margin)
    p_lost = stats.binom.pmf(lost, n, share + margin)
    gained = _likely(n, share)
    # Given how many are lost, the others are gained or not.
    p_gained = stats.binom.pmf(gained, n - lost[:, None], share / (1 - share - margin) if share else 0.0)
    joint = p_lost[:, None] * p_gained
    possible = lost[:, None] + gained <= n
    extreme = sign * score(lost[:, None], gained[None, :], n, margin) >= observed
    return float(joint[extreme & possible].sum() + (1 - joint[possible].sum()))


def _likely(n: int, share: float) -> NDArray[np.int_]:
    low, high = (int(stats.binom.ppf(end, n, share)) for end in (LEFT_OUT, 1 - LEFT_OUT))
    return np.arange(max(0, low), high + 1)
