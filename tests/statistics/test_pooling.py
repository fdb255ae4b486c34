import math
import warnings

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.meta_analysis import combine_effects

from sts_eval.statistics import Interval, fisher_interval, pool_correlations, pooled_r, standardised
from sts_eval.statistics.resampling import Units, percentile_interval, resamples, two_sided_p
from sts_eval.statistics.within_runs import R_BOUND, PermutedChanges, average, resampled_correlations


@pytest.fixture(autouse=True)
def no_warning_leaks():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def made_runs(n_runs=6, n_domains=14, seed=0):
    """Scores and changes that share domain effects, with three cells missing."""
    rng = np.random.default_rng(seed)
    domain = rng.normal(size=n_domains)
    x = domain + rng.normal(size=(n_runs, n_domains))
    y = domain + 2 * rng.normal(size=(n_runs, n_domains)) - 3
    x[0, 2] = y[1, 5] = y[1, 6] = np.nan
    return x, y


def each_r(x, y):
    pairs = [(a[np.isfinite(a + b)], b[np.isfinite(a + b)]) for a, b in zip(x, y, strict=True)]
    return np.array([stats.pearsonr(a, b).statistic for a, b in pairs]), np.array([len(a) for a, _ in pairs])


def two_runs():
    # Σd² of ranks is 4 and 10, so r is .8 and .5, whose Fisher z are ln 3 and half of it.
    return [[1.0, 2, 3, 4, 5]] * 2, [[2.0, 1, 4, 3, 5], [1, 3, 5, 2, 4]]


def test_two_runs_by_hand():
    result = pool_correlations(*two_runs())
    assert result.r == pytest.approx((3**1.5 - 1) / (3**1.5 + 1))  # tanh of ¾ ln 3
    assert result.spearman == pytest.approx(result.r)  # the values are their own ranks
    half = stats.t.ppf(0.975, 1) * math.log(3) / 4  # HKSJ: t with one degree times |z₁ - z₂|/2
    assert result.interval.low == pytest.approx(math.tanh(0.75 * math.log(3) - half))
    assert result.interval.high == pytest.approx(math.tanh(0.75 * math.log(3) + half))
    assert (result.n_runs, result.n_points) == (2, 10)


def test_pooling_is_that_of_statsmodels_on_the_r_of_scipy():
    x, y = made_runs()
    r, n = each_r(x, y)
    direct = combine_effects(np.arctanh(r), 1 / (n - 3), method_re="iterated", use_t=True, alpha=0.1)
    result = pool_correlations(x, y, level=0.9)
    hksj = direct.conf_int(alpha=0.1)[-1]
    assert result.r == pytest.approx(math.tanh(direct.mean_effect_re))
    assert (result.interval.low, result.interval.high) == pytest.approx(tuple(np.tanh(hksj)))
    assert result.n_points == n.sum() == 6 * 14 - 3


def test_hksj_of_complete_runs_is_a_t_interval_of_their_z():
    # Equal weights: the mean of z ± t·sd/√k, whatever τ² is.
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 7, 14))
    z = np.arctanh(each_r(x, y)[0])
    low, high = np.tanh(stats.ttest_1samp(z, 0).confidence_interval(0.95))
    interval = pool_correlations(x, y).interval
    assert (interval.low, interval.high) == pytest.approx((low, high))


def test_pooled_r_weights_runs_by_their_points():
    x, y = made_runs()
    r, n = each_r(x, y)
    assert pooled_r(x, y) == pytest.approx(math.tanh(np.average(np.arctanh(r), weights=n - 3)))


def test_pooled_spearman_averages_rank_correlations():
    x, y = made_runs()
    rank_r = [stats.spearmanr(a, b, nan_policy="omit").statistic for a, b in zip(x, y, strict=True)]
    _, n = each_r(x, y)
    expected = math.tanh(np.average(np.arctanh(rank_r), weights=n - 3))
    assert pool_correlations(x, y).spearman == pytest.approx(expected)


def test_the_unit_of_a_score_in_one_run_does_not_matter():
    x, y = made_runs()
    rescaled = x * np.array([1, 1e6, 1e-6, 1, 5, 1])[:, None] + np.array([0, 3e6, 0, 9, 0, 0])[:, None]
    assert pooled_r(rescaled, y) == pytest.approx(pooled_r(x, y))


def test_resamples_are_those_of_repeating_domains():
    x, y = made_runs()
    counts = resamples(Units.separate(6), 14, 30, seed=1).domains
    r, n = resampled_correlations(x, y, counts)
    for times, row, size in zip(counts.astype(int), r, n, strict=True):
        expected, points = each_r(np.repeat(x, times, axis=1), np.repeat(y, times, axis=1))
        assert row == pytest.approx(expected)
        assert size == pytest.approx(points)


def test_permutations_are_those_of_moving_whole_domains():
    x, y = made_runs()
    orders = np.argsort(np.random.default_rng(1).random((30, 14)), axis=1)
    r, n = PermutedChanges(y, orders).correlations(x)
    for order, row, size in zip(orders, r, n, strict=True):
        expected, points = each_r(x, y[:, order])
        assert row == pytest.approx(expected)
        assert size == pytest.approx(points)


def test_the_bootstrap_repeats_runs_and_domains():
    x, y = made_runs()
    drawn = resamples(Units.separate(6), 14, 100, seed=4)
    values = [
        pooled_r(*(np.repeat(np.repeat(part, rows, axis=0), columns, axis=1) for part in (x, y)))
        for rows, columns in zip(drawn.runs.astype(int), drawn.domains.astype(int), strict=True)
    ]
    bootstrap = pool_correlations(x, y, n_resamples=100, seed=4, level=0.8).bootstrap
    assert (bootstrap.low, bootstrap.high) == pytest.approx(tuple(np.quantile(values, [0.1, 0.9])))


def test_copies_of_one_run_are_not_more_evidence():
    x, y = (part[2:3] for part in made_runs(seed=5))
    alone, copied = pool_correlations(x, y), pool_correlations(np.repeat(x, 20, axis=0), np.repeat(y, 20, axis=0))
    widths = [one.bootstrap.high - one.bootstrap.low for one in (copied, alone)]
    assert widths[0] == pytest.approx(widths[1], rel=0.1)
    assert copied.interval is None
    assert "same r" in copied.reason("interval")


def test_the_bootstrap_covers_where_runs_share_domains_and_hksj_does_not():
    rng = np.random.default_rng(6)
    truth = 0.5  # correlation of the domain effects, which are all there is but for a little noise
    covered = {"bootstrap": 0, "interval": 0}
    for _ in range(200):
        domain = rng.multivariate_normal([0, 0], [[1, truth], [truth, 1]], size=14).T
        x, y = domain[:, None, :] + 0.1 * rng.normal(size=(2, 8, 14))
        result = pool_correlations(x, y, n_resamples=300)
        for name in covered:
            covered[name] += truth / 1.01 in getattr(result, name)
    assert covered["bootstrap"] > 160
    assert covered["interval"] < 100


def test_one_run_has_the_interval_of_fisher():
    x, y = made_runs()
    result = pool_correlations(x[3:4], y[3:4])
    direct = stats.pearsonr(x[3], y[3])
    fisher = fisher_interval(direct.statistic, 14)
    assert result.r == pytest.approx(direct.statistic)
    assert (result.interval.low, result.interval.high) == pytest.approx((fisher.low, fisher.high))
    assert result.r in result.bootstrap


def test_runs_without_r_are_left_out_and_counted():
    x, y = made_runs()
    x[3] = 0.1
    y[4, 3:] = np.nan
    result = pool_correlations(x, y)
    kept = [0, 1, 2, 5]
    assert result.n_runs == 4
    without = pool_correlations(x[kept], y[kept])
    assert (result.r, result.interval, result.bootstrap) == (without.r, without.interval, without.bootstrap)


def test_a_run_on_a_line_enters_at_the_bound():
    x, y = made_runs()
    y[2] = 5 - 2 * x[2]
    r, n = each_r(x, y)
    r[2] = -R_BOUND
    assert pooled_r(x, y) == pytest.approx(math.tanh(np.average(np.arctanh(r), weights=n - 3)))
    result = pool_correlations(x, y)
    assert isinstance(result.interval, Interval)


@pytest.mark.parametrize("n_runs", [1, 3])
def test_nothing_but_lines_has_no_interval(n_runs):
    x = np.tile(np.arange(6.0), (n_runs, 1))
    result = pool_correlations(x, 3 * x)
    assert result.r > 0.999
    assert (result.interval, result.bootstrap) == (None, None)
    assert result.reason("interval")
    assert "no spread" in result.reason("bootstrap")


def test_a_score_that_rests_on_one_domain_has_no_bootstrap():
    y = made_runs()[1]
    x = np.zeros_like(y)
    x[:, 9] = 1
    result = pool_correlations(x, y)
    assert result.r is not None
    assert result.bootstrap is None  # (13/14)^14 = 35% of resamples lack that domain
    assert "resamples" in result.reason("bootstrap")


def test_nothing_to_pool_says_why():
    x, y = made_runs()
    result = pool_correlations(np.ones_like(x), y)
    assert (result.r, result.spearman, result.n_runs) == (None, None, 0)
    assert "none of 6 runs" in result.reason("r")
    assert pooled_r(np.ones_like(x), y) is None


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="shape"):
        pooled_r([[1, 2, 3, 4]], [[1, 2, 3]])
    with pytest.raises(ValueError, match="shape"):
        pooled_r([1, 2, 3, 4], [1, 2, 3, 4])


def test_the_average_counts_a_run_as_often_as_it_was_drawn():
    r, n = np.array([[0.1, 0.7]]), np.array([[14.0, 14.0]])
    drawn = average(r, n, np.array([[3.0, 1.0]]))
    assert drawn == pytest.approx(np.tanh((3 * math.atanh(0.1) + math.atanh(0.7)) / 4))


def test_bootstrap_p_by_hand():
    assert two_sided_p(np.array([-1.0, 1, 2, 3, 4, 5, 6, 7, 8])) == pytest.approx(2 * 2 / 10)
    assert two_sided_p(np.array([1.0, 2, 3])) == pytest.approx(2 / 4)
    assert two_sided_p(np.array([0.0, 0, 0, math.nan])) == 1


def test_an_interval_needs_nearly_all_resamples():
    values = np.arange(100.0)
    values[:5] = math.nan
    interval = percentile_interval(values, 0.5)
    assert interval.high - interval.low == pytest.approx(94 / 2)
    values[5] = math.nan
    assert "6 of 100" in percentile_interval(values, 0.5)


def test_standardised_rows_have_the_same_mean_and_spread():
    x, _ = made_runs()
    x[4] = 0.1
    rows = standardised(x)
    assert (np.isnan(rows) == np.isnan(x)).all()
    assert np.nanmean(rows, axis=1) == pytest.approx(np.zeros(6), abs=1e-12)
    assert np.nanstd(rows, axis=1) == pytest.approx([1, 1, 1, 1, 0, 1])
    assert rows[0] == pytest.approx(stats.zscore(x[0], nan_policy="omit"), nan_ok=True)
