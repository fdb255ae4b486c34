"""Tango's score by his own example and McNemar's test; exact p by enumeration, and the level that it holds."""

import math

import numpy as np
import pytest
from scipy import stats

from sts_eval.statistics.margin import OUTSIDE, p_fell, score


def z(lost, gained, n, margin):
    return float(score(np.array(lost), np.array(gained), n, margin))


def test_the_example_of_the_paper():
    # Tango 1998: 44 pairs, one lost, none gained, margin 10 points: Z = -1.709, p = 0.044 by the normal law.
    assert z(1, 0, 44, 0.1) == pytest.approx(-3.4 / math.sqrt(44 * 0.09))
    assert z(1, 0, 44, 0.1) == pytest.approx(-1.709, abs=5e-4)
    assert stats.norm.cdf(z(1, 0, 44, 0.1)) == pytest.approx(0.044, abs=5e-4)


def test_without_a_margin_it_is_mcnemars():
    assert z(14, 3, 100, 0) == pytest.approx(11 / math.sqrt(17))
    # Exactly: 14 or more of 17 by a fair coin.
    assert p_fell(14, 3, 100, 0, side="more") == pytest.approx(sum(math.comb(17, k) for k in (14, 15, 16, 17)) / 2**17)
    assert p_fell(0, 0, 100, 0, side="more") == 1


def test_the_likeliest_share_solves_its_equation():
    # With lost ~ q + d, gained ~ q: the derivative of the log-likelihood in q is 0 at the q of the formula.
    lost, gained, n, margin = 9, 4, 120, 0.03
    q = (((lost - gained - n * margin) / z(lost, gained, n, margin)) ** 2 / n - margin * (1 - margin)) / 2
    slope = lost / (q + margin) + gained / q - 2 * (n - lost - gained) / (1 - 2 * q - margin)
    assert slope == pytest.approx(0, abs=1e-6)


def test_p_is_the_largest_probability_of_what_is_as_extreme():
    # By hand for 12 questions: every outcome, its multinomial probability, the worst share of a fine grid.
    lost, gained, n, margin = 3, 1, 12, 0.1
    ends = stats.binomtest(gained, n).proportion_ci(0.999, method="exact")
    worst = 0.0
    for share in np.linspace(ends.low, min(ends.high, 0.45), 400):
        law = stats.multinomial(n, [share + margin, share, 1 - 2 * share - margin])
        outcomes = [(b, c) for b in range(n + 1) for c in range(n + 1 - b)]
        extreme = [one for one in outcomes if z(*one, n, margin) >= z(lost, gained, n, margin) - 1e-9]
        worst = max(worst, sum(law.pmf([b, c, n - b - c]) for b, c in extreme))
    assert p_fell(lost, gained, n, margin, side="more") == pytest.approx(worst + OUTSIDE, abs=2e-3)


@pytest.mark.parametrize("case", [(-1, 0, 10, 0.1), (6, 6, 10, 0.1), (1, 1, 10, 1.0), (0, 0, 0, 0.1)])
def test_impossible_counts_are_refused(case):
    with pytest.raises(ValueError, match="no such case"):
        p_fell(*case, side="less")


@pytest.mark.parametrize("side", ["more", "less"])
def test_it_holds_its_level_where_few_questions_change(side):
    # The probability of p < .05 over all outcomes where the fall is exactly the margin: at most 5%.
    n, margin, share = 150, 0.02, 0.01
    outcomes = [(b, c) for b in range(14) for c in range(7)]
    law = stats.multinomial(n, [share + margin, share, 1 - 2 * share - margin])
    chance = {one: law.pmf([*one, n - sum(one)]) for one in outcomes}
    assert sum(chance.values()) > 0.998
    assert sum(p for one, p in chance.items() if p_fell(*one, n, margin, side=side) < 0.05) <= 0.048
    normal = stats.norm.sf if side == "more" else stats.norm.cdf
    assert (sum(p for one, p in chance.items() if normal(z(*one, n, margin)) < 0.05) > 0.05) == (side == "more")
