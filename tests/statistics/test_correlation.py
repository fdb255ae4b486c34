import math
import warnings

import numpy as np
import pytest
from scipy import stats

from sts_eval.statistics import correlate, critical_r, fisher_interval

X = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
Y = np.array([2.0, 1.0, 4.0, 3.0, 7.0, 5.0, 9.0, 6.0])


@pytest.fixture(autouse=True)
def no_warning_leaks():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_a_correlation_worked_by_hand():
    # x - 3 = (-2, -1, 0, 1, 2), y - 3 = (-1, -2, 1, 0, 2): Σxy = 8, Σx² = Σy² = 10, so r = .8.
    # Ranks are the values, so Spearman is .8 too; 8 of 10 pairs agree and 2 do not, so Kendall is .6.
    result = correlate([1, 2, 3, 4, 5], [2, 1, 4, 3, 5])
    assert result.n == 5
    assert result.pearson == pytest.approx(0.8)
    assert result.r2 == pytest.approx(0.64)
    assert result.spearman == pytest.approx(0.8)
    assert result.kendall == pytest.approx(0.6)


def test_intervals_and_p_are_scipys():
    result = correlate(X, Y, seed=3)
    direct = stats.pearsonr(X, Y)
    fisher = direct.confidence_interval(0.95)
    bca = direct.confidence_interval(0.95, stats.BootstrapMethod(rng=np.random.default_rng(3), method="BCa"))
    permuted = stats.pearsonr(X, Y, method=stats.PermutationMethod(rng=np.random.default_rng(3)))

    assert (result.fisher.low, result.fisher.high) == (fisher.low, fisher.high)
    assert (result.bootstrap.low, result.bootstrap.high) == pytest.approx((bca.low, bca.high), rel=1e-12)
    assert result.p_permutation == permuted.pvalue
    assert result.undefined == {}
    assert result.reason("bootstrap") is None


def test_permutation_p_of_five_points_counts_all_pairings():
    # r = 1 - Σd²/20 >= .8 needs Σd² <= 4: of the 120 pairings the identity, 4 with Σd² = 2, 3 with Σd² = 4.
    assert correlate([1, 2, 3, 4, 5], [2, 1, 4, 3, 5]).p_permutation == pytest.approx(2 * 8 / 120)


def test_the_seed_decides_the_resampling():
    assert correlate(X, Y, seed=1) == correlate(X, Y, seed=1)
    assert correlate(X, Y, seed=1).bootstrap != correlate(X, Y, seed=2).bootstrap


def test_fisher_interval_of_a_figure_is_that_of_its_points():
    result = correlate(X, Y, level=0.8)
    interval = fisher_interval(result.pearson, len(X), level=0.8)
    assert (interval.low, interval.high) == pytest.approx((result.fisher.low, result.fisher.high))
    assert interval.level == result.fisher.level == 0.8


def test_the_level_holds_for_intervals_and_critical_r_alike():
    result = correlate(X, Y, level=0.9)
    assert result.fisher.level == result.bootstrap.level == result.level == 0.9
    assert result.critical_r == pytest.approx(critical_r(8, alpha=0.1))


def test_critical_r_is_where_the_p_of_t_is_alpha():
    n, alpha = 14, 0.05
    r = critical_r(n, alpha=alpha)
    t = r * math.sqrt((n - 2) / (1 - r**2))
    assert 2 * stats.t.sf(t, n - 2) == pytest.approx(alpha)


def test_leave_one_out_finds_the_point_that_carries_r():
    x = np.array([0.0, 1.0, 0.0, 1.0, 10.0])
    y = np.array([0.0, 0.0, 1.0, 1.0, 10.0])
    left_out = correlate(x, y).leave_one_out
    assert left_out.without_low == 4
    assert left_out.low == pytest.approx(0, abs=1e-12)  # the four corners of a square
    assert left_out.high == max(stats.pearsonr(np.delete(x, i), np.delete(y, i)).statistic for i in range(5))


def test_a_dummy_for_one_domain_rests_on_that_domain():
    result = correlate([0, 0, 0, 0, 0, 0, 0, 1], Y)
    assert result.leave_one_out.undefined == (7,)
    assert result.bootstrap is None
    assert "resamples" in result.reason("bootstrap")
    assert result.fisher is not None


def test_bca_of_four_points_is_none_with_a_reason():
    result = correlate([1, 2, 3, 4], [1, 3, 2, 5])
    assert result.bootstrap is None
    assert result.reason("bootstrap")
    assert result.pearson == pytest.approx(stats.pearsonr([1, 2, 3, 4], [1, 3, 2, 5]).statistic)


def test_points_on_a_line_have_no_interval():
    result = correlate(X, 3 * X + 1)
    assert result.pearson == pytest.approx(1)
    assert result.fisher is None
    assert result.bootstrap is None
    assert "line" in result.reason("fisher")


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        ([], [], "too few"),
        ([1, 2, 3], [1, 3, 2], "too few"),
        ([1, 1, 1, 1, 1], [1, 2, 3, 4, 5], "first variable is constant"),
        ([1, 2, 3, 4, 5], [7, 7, 7, 7, 7], "second variable is constant"),
        ([1, 2, 3, 4, 5], [1e9, 1e9, 1e9, 1e9, 1e9 * (1 + 2e-16)], "second variable is constant"),
        ([1, 2, 3, 4, math.nan], [math.inf, 2, 3, 4, 5], "2 of 5 points"),
    ],
)
def test_degenerate_input_gives_a_reason_and_no_figure(x, y, reason):
    result = correlate(x, y)
    assert result.n == len(x)
    assert result.pearson is None
    assert result.fisher is None
    assert result.leave_one_out is None
    assert reason in result.reason("pearson")


def test_unequal_lengths_are_the_callers_mistake():
    with pytest.raises(ValueError, match="equally long"):
        correlate([1, 2, 3, 4], [1, 2, 3, 4, 5])


@pytest.mark.parametrize(("r", "n"), [(1.0, 14), (math.nan, 14), (0.5, 3)])
def test_fisher_interval_refuses_what_has_none(r, n):
    with pytest.raises(ValueError, match="needs n"):
        fisher_interval(r, n)


def test_critical_r_refuses_two_points():
    with pytest.raises(ValueError, match="n >= 3"):
        critical_r(2)
