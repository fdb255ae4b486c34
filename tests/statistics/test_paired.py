import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.weightstats import DescrStatsW

from sts_eval.statistics import paired_change, paired_mean_change


def answers(both, lost, gained, neither):
    before = [1] * (both + lost) + [0] * (gained + neither)
    after = [1] * both + [0] * lost + [1] * gained + [0] * neither
    return before, after


def test_a_change_worked_by_hand():
    # 100 questions, 12 lost and 20 gained: +8 points, SE² = (32 - 8²/100)/100² = .003136, SE = 5.6 points.
    change = paired_change(*answers(both=40, lost=12, gained=20, neither=28))
    assert (change.n, change.lost, change.gained) == (100, 12, 20)
    assert change.accuracy_before == pytest.approx(0.52)
    assert change.accuracy_after == pytest.approx(0.60)
    assert change.delta == pytest.approx(8.0)
    assert change.se == pytest.approx(5.6)
    assert (change.interval.low, change.interval.high) == pytest.approx((8 - 1.96 * 5.6, 8 + 1.96 * 5.6), abs=1e-3)
    assert change.flags == ()


def test_mcnemar_by_hand():
    # 1 lost, 5 gained: 2·[C(6,0) + C(6,1)]/2⁶ = 14/64.
    assert paired_change(*answers(10, 1, 5, 14)).p_mcnemar == pytest.approx(14 / 64)


def test_se_and_p_are_those_of_statsmodels():
    before, after = answers(both=211, lost=37, gained=61, neither=91)
    change = paired_change(before, after)
    n = 400
    difference = DescrStatsW(np.array(after) - np.array(before), ddof=0)
    assert change.delta == pytest.approx(100 * difference.mean)
    assert change.se == pytest.approx(100 * difference.std / math.sqrt(n))
    assert change.p_mcnemar == mcnemar([[211, 37], [61, 91]], exact=True).pvalue


def test_se_is_honest():
    # Coverage over simulated item draws of one population of pairs, inside its own 99.9% binomial interval.
    rng = np.random.default_rng(0)
    cells = np.array([0.45, 0.10, 0.18, 0.27])  # both, lost, gained, neither
    truth, draws, nominal = 8.0, 4000, 0.95
    covered, estimates, squares = 0, [], []
    for counts in rng.multinomial(300, cells, size=draws):
        change = paired_change(*answers(*counts))
        covered += truth in change.interval
        estimates.append(change.delta)
        squares.append(change.se**2)
    low, high = stats.binom.interval(0.999, draws, nominal)
    assert low <= covered <= high
    assert np.mean(squares) == pytest.approx(np.var(estimates), rel=0.08)


def test_no_changed_answer_has_no_interval_and_is_flagged():
    change = paired_change(*answers(20, 0, 0, 20))
    assert (change.delta, change.se, change.p_mcnemar) == (0, 0, 1)
    assert change.interval is None
    assert change.flags == ("few_discordant",)


@pytest.mark.parametrize(("n", "flags"), [(29, ("small_sample",)), (30, ())])
def test_fewer_than_thirty_items_are_flagged(n, flags):
    assert paired_change(*answers(0, 10, n - 10, 0)).flags == flags


@pytest.mark.parametrize(("lost", "flags"), [(4, ("few_discordant",)), (5, ())])
def test_fewer_than_ten_changed_answers_are_flagged(lost, flags):
    assert paired_change(*answers(40, lost, 5, 40)).flags == flags


@pytest.mark.parametrize(
    ("before", "after"),
    [([], []), ([1, 0], [1, 0, 1]), ([[1, 0]], [[1, 0]]), ([1, 0.5], [1, 0]), ([1, math.nan], [1, 0])],
)
def test_rows_that_are_no_answers_are_refused(before, after):
    with pytest.raises(ValueError, match="answers"):
        paired_change(before, after)


def test_a_mean_change_is_the_paired_t_of_scipy():
    rng = np.random.default_rng(1)
    before = rng.normal(2.0, 0.5, 40)
    after = before + rng.normal(-0.1, 0.3, 40)
    change = paired_mean_change(before, after)
    test = stats.ttest_rel(after, before)
    assert change.delta == pytest.approx(change.mean_after - change.mean_before)
    assert change.delta / change.se == pytest.approx(test.statistic)


def test_a_mean_change_worked_by_hand():
    # Differences 1, 2, 3: mean 2, sd 1, SE 1/√3.
    change = paired_mean_change([0, 0, 0], [1, 2, 3])
    assert (change.n, change.delta) == (3, 2)
    assert change.se == pytest.approx(1 / math.sqrt(3))


def test_one_item_has_no_error():
    change = paired_mean_change([1.0], [3.0])
    assert (change.delta, change.se) == (2, None)


def test_a_missing_value_is_refused():
    with pytest.raises(ValueError, match="not finite"):
        paired_mean_change([1.0, math.nan], [1.0, 2.0])
