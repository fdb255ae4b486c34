import math

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import LeaveOneGroupOut

from sts_eval.statistics import added_value

GROUPS = np.array([0, 0, 1, 1, 2, 2])


def made_runs(seed=0, n_runs=6, effect=0.5):
    rng = np.random.default_rng(seed)
    domain = rng.normal(size=14)
    history = domain + 0.3 * rng.normal(size=(n_runs, 14))
    x = history + rng.normal(size=history.shape) + 5 * rng.normal(size=(n_runs, 1))
    y = domain + effect * x + rng.normal(size=x.shape) + 3 * rng.normal(size=(n_runs, 1))
    return x, history, y


def residual(values, *controls):
    design = np.column_stack([np.ones(len(values)), *controls])
    return values - design @ np.linalg.lstsq(design, values, rcond=None)[0]


def test_partial_correlation_of_one_run_has_a_closed_form():
    x, history, y = (part[:1] for part in made_runs())
    r = np.corrcoef([x[0], y[0], history[0]])
    expected = (r[0, 1] - r[0, 2] * r[1, 2]) / math.sqrt((1 - r[0, 2] ** 2) * (1 - r[1, 2] ** 2))
    result = added_value(x, history, y, [0])
    assert result.partial_r == pytest.approx(expected)
    half = stats.norm.ppf(0.975) / math.sqrt(14 - 1 - 3)
    ends = (math.tanh(math.atanh(expected) - half), math.tanh(math.atanh(expected) + half))
    assert (result.interval.low, result.interval.high) == pytest.approx(ends)


def test_partial_correlation_holds_runs_fixed_by_centring():
    runs = made_runs()
    x, history, y = ((part - part.mean(axis=1, keepdims=True)).ravel() for part in runs)
    expected = stats.pearsonr(residual(x, history), residual(y, history)).statistic
    result = added_value(*runs, GROUPS)
    assert result.partial_r == pytest.approx(expected)
    assert (result.n_runs, result.n_points) == (6, 84)
    z, half = math.atanh(expected), stats.norm.ppf(0.95) / math.sqrt(84 - 6 - 3)
    interval = added_value(*runs, GROUPS, level=0.9).interval
    assert (interval.low, interval.high) == pytest.approx((math.tanh(z - half), math.tanh(z + half)))


def test_the_likelihood_ratio_follows_from_the_partial_correlation():
    # Gaussian models: n ln(RSS₀/RSS₁), and RSS₁ = RSS₀(1 - partial r²).
    result = added_value(*made_runs(effect=0.1), GROUPS)
    expected = -84 * math.log(1 - result.partial_r**2)
    assert result.lr_p == pytest.approx(stats.chi2.sf(expected, 1))


def test_a_level_per_run_is_not_taken_for_knowledge():
    x, history, y = made_runs()
    shifted = x + 100 * np.arange(6)[:, None]
    before, after = added_value(x, history, y, GROUPS), added_value(shifted, history, y, GROUPS)
    assert (after.partial_r, after.lr_p) == pytest.approx((before.partial_r, before.lr_p))


def test_held_out_error_is_that_of_scikit_learn():
    x, history, y = made_runs()
    result = added_value(x, history, y, GROUPS)
    for features, rmse in [((history,), result.rmse_without), ((history, x), result.rmse_with)]:
        squared = []
        for train, test in LeaveOneGroupOut().split(y, y, GROUPS):
            fitted, new = (np.column_stack([part[rows].ravel() for part in features]) for rows in (train, test))
            error = y[test].ravel() - LinearRegression().fit(fitted, y[train].ravel()).predict(new)
            squared.extend(error**2)
        assert rmse == pytest.approx(math.sqrt(np.mean(squared)))


def test_history_may_have_several_variables():
    x, history, y = made_runs()
    second = np.random.default_rng(5).normal(size=x.shape)
    result = added_value(x, np.stack([history, second], axis=-1), y, GROUPS)
    centred = [(part - part.mean(axis=1, keepdims=True)).ravel() for part in (x, y, history, second)]
    expected = stats.pearsonr(residual(centred[0], *centred[2:]), residual(centred[1], *centred[2:])).statistic
    assert result.partial_r == pytest.approx(expected)


def test_all_figures_are_of_the_same_points():
    x, history, y = made_runs()
    x[0, 1] = history[2, 2] = y[3, 3] = np.nan
    absent = np.isnan(x + history + y)
    everywhere = [np.where(absent, np.nan, part) for part in (x, history, y)]
    result = added_value(x, history, y, GROUPS)
    assert result == added_value(*everywhere, GROUPS)
    assert result.n_points == 81


def test_p_of_a_score_that_adds_nothing_is_as_bold_as_theory_says():
    # The ratio exceeds χ²'s 5% point c where F on (1, 50) degrees exceeds 50(exp(c/56) - 1): 4 runs of 14 domains
    # fitted with 4 run effects, history and score.
    true_level = stats.f.sf(50 * math.expm1(stats.chi2.isf(0.05, 1) / 56), 1, 50)
    rng = np.random.default_rng(7)
    rejected = 0
    for _ in range(400):
        history, noise, y = rng.normal(size=(3, 4, 14))
        rejected += added_value(history + noise, history, history + y, [0, 0, 1, 1]).lr_p < 0.05
    assert stats.binomtest(rejected, 400, true_level).pvalue > 0.01


@pytest.mark.parametrize("which", ["score", "change"])
def test_what_history_explains_completely_has_no_partial_correlation(which):
    x, history, y = made_runs()
    if which == "score":
        x = 2 * history + np.arange(6)[:, None]
    else:
        y = 2 * history + np.arange(6)[:, None]
    result = added_value(x, history, y, GROUPS)
    assert (result.partial_r, result.interval, result.lr_p) == (None, None, None)
    assert which in result.reason("lr_p")


def test_one_group_cannot_be_held_out():
    result = added_value(*made_runs(), np.zeros(6, dtype=int))
    assert result.partial_r is not None
    assert (result.rmse_without, result.rmse_with) == (None, None)
    assert "one group" in result.reason("rmse_with")


def test_a_score_that_differs_only_between_runs_has_no_partial_correlation():
    _, history, y = made_runs()
    x = np.repeat([[0.1], [0.7], [1.3], [2.9], [1e6], [3.3]], 14, axis=1)
    assert "score" in added_value(x, history, y, GROUPS).reason("partial_r")


def test_a_small_spread_about_a_large_level_is_not_nothing():
    x, history, y = made_runs()
    distant = x + 1e6 * np.arange(6)[:, None]
    expected = added_value(x, history, y, GROUPS).partial_r
    assert added_value(distant, history, y, GROUPS).partial_r == pytest.approx(expected, abs=1e-6)


def test_too_few_points_say_why():
    x, history, y = (part[:2, :3].copy() for part in made_runs())
    assert added_value(x, history, y, [0, 1]).partial_r is not None  # 6 points less 2 controls leave n - k = 4
    y[1, 2] = np.nan
    result = added_value(x, history, y, [0, 1])
    assert (result.partial_r, result.interval, result.lr_p) == (None, None, None)
    assert "5 points are too few" in result.reason("partial_r")
    assert (result.rmse_without, result.rmse_with) == (None, None)
    assert "too few points to fit" in result.reason("rmse_with")


def test_shapes_must_agree():
    x, history, y = made_runs()
    with pytest.raises(ValueError, match="do not fit"):
        added_value(x, history[:, :3], y, GROUPS)
    with pytest.raises(ValueError, match="do not fit"):
        added_value(x, history, y, GROUPS[:2])


def test_nothing_at_all_says_why():
    x, history, y = made_runs()
    result = added_value(np.full_like(x, np.nan), history, y, GROUPS)
    assert (result.partial_r, result.rmse_with, result.n_points, result.n_runs) == (None, None, 0, 0)
    assert "0 points" in result.reason("partial_r")


def test_both_errors_are_of_the_same_points():
    # Two groups; the first has 3 points, enough to fit history alone but not history and score.
    x, history, y = (part[:2, :8].copy() for part in made_runs())
    y[0, 3:] = np.nan
    result = added_value(x, history, y, [0, 1])
    slope, intercept = np.polyfit(history[1], y[1], 1)
    error = y[0, :3] - intercept - slope * history[0, :3]
    assert result.rmse_without == pytest.approx(math.sqrt(np.mean(error**2)))
    assert result.rmse_with is not None
