import math

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.model_selection import LeaveOneGroupOut

from sts_eval.statistics import conformal_interval, coverage, fit_line, leave_group_out, skill


def made_runs(seed=0, n_runs=6, k=2):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_runs, 14, k)) * 10.0 ** np.arange(k) + 3
    return x, x @ (np.arange(k) - 1.5) + rng.normal(size=(n_runs, 14))


def test_a_line_by_hand():
    line = fit_line([0, 1, 2], [1, 2, 6])  # slope Σxy/Σx² = 5/2 about the means 1 and 3
    assert line.slopes == pytest.approx((2.5,))
    assert line.intercept == pytest.approx(0.5)
    assert line.predict([[2, 4]]) == pytest.approx(np.array([[5.5, 10.5]]))


def test_a_line_is_that_of_scipy():
    x, y = made_runs(k=1)
    direct = stats.linregress(x.ravel(), y.ravel())
    for shape in (x, x[..., 0]):
        line = fit_line(shape, y)
        assert (line.slopes[0], line.intercept) == pytest.approx((direct.slope, direct.intercept))


def test_several_features_are_those_of_scikit_learn():
    x, y = made_runs(k=3)
    x[0, 3, 1] = y[2, 2] = np.nan
    known = np.isfinite(x).all(axis=-1) & np.isfinite(y)
    direct = LinearRegression().fit(x[known], y[known])
    line = fit_line(x, y)
    assert line.slopes == pytest.approx(tuple(direct.coef_))
    assert line.intercept == pytest.approx(direct.intercept_)
    assert line.predict(x[1]) == pytest.approx(direct.predict(x[1]))


def test_a_constant_feature_gets_no_slope():
    x, y = made_runs()
    with_constant = np.concatenate([x, np.full_like(x[..., :1], 0.1)], axis=-1)
    line, without = fit_line(with_constant, y), fit_line(x, y)
    assert line.slopes == pytest.approx((*without.slopes, 0))
    assert line.intercept == pytest.approx(without.intercept)


def test_a_line_needs_a_point_more_than_it_has_figures():
    assert fit_line([1, 2], [1, 2]) is None
    assert fit_line([1, 2, math.nan], [1, 2, 3]) is None
    assert fit_line([1, 2, 3], [1, 2, 3]) is not None


@pytest.mark.parametrize("k", [1, 2])
def test_held_out_predictions_are_those_of_scikit_learn(k):
    x, y = made_runs(k=k)
    groups = np.array([3, 3, 7, 7, 7, 1])
    expected = np.empty_like(y)
    for train, test in LeaveOneGroupOut().split(x, y, groups):
        model = LinearRegression().fit(x[train].reshape(-1, k), y[train].ravel())
        expected[test] = model.predict(x[test].reshape(-1, k)).reshape(-1, 14)
    held_out = leave_group_out(x[..., 0] if k == 1 else x, y, groups)
    assert held_out.prediction == pytest.approx(expected)
    assert held_out.residual == pytest.approx(y - expected)
    assert held_out.rmse == pytest.approx(root_mean_squared_error(y.ravel(), expected.ravel()))


def test_a_group_does_not_see_its_own_changes():
    x, y = made_runs()
    groups = np.array([0, 0, 1, 1, 2, 2])
    disturbed = y.copy()
    disturbed[groups == 1] += 1000
    before, after = (leave_group_out(x, changes, groups).prediction for changes in (y, disturbed))
    assert (after[groups == 1] == before[groups == 1]).all()
    assert not np.isclose(after[groups != 1], before[groups != 1]).any()


def test_a_run_without_changes_is_predicted_and_a_missing_score_is_not():
    x, y = made_runs(k=1)
    x, groups = x[..., 0], np.arange(6)
    y[2] = np.nan
    x[4, 7] = np.nan
    held_out = leave_group_out(x, y, groups)
    assert held_out.prediction[2] == pytest.approx(fit_line(x, y).predict(x[2]))
    assert np.argwhere(np.isnan(held_out.prediction)).tolist() == [[4, 7]]
    assert np.isnan(held_out.residual).sum() == 15


def test_a_group_that_the_others_cannot_fit_has_no_prediction():
    held_out = leave_group_out([[1, 2, 3], [1, 2, math.nan]], [[1, 2, 4], [1, 2, 3]], [0, 1])
    assert np.isnan(held_out.prediction[0]).all()
    assert np.isfinite(held_out.prediction[1, :2]).all()


def test_held_out_needs_two_groups_and_integers():
    x, y = made_runs()
    with pytest.raises(ValueError, match="two groups"):
        leave_group_out(x, y, np.zeros(6, dtype=int))
    with pytest.raises(ValueError, match="integer"):
        leave_group_out(x, y, np.zeros(6))
    with pytest.raises(ValueError, match="shape"):
        leave_group_out(x[:, :3], y, np.arange(6))


def test_the_half_width_by_hand():
    # ⌈(9 + 1)·0.9⌉ = 9 and ⌈(9 + 1)·0.5⌉ = 5 of the sizes 1 to 9.
    residuals = [-9, 1, -2, 3, 8, -7, 6, 5, -4, math.nan]
    assert conformal_interval(residuals, 0.9) == 9
    assert conformal_interval(residuals, 0.5) == 5


@pytest.mark.parametrize(("level", "needed"), [(0.8, 4), (0.9, 9), (0.95, 19)])
def test_few_residuals_allow_no_half_width(level, needed):
    assert conformal_interval(np.arange(needed), level) == needed - 1
    assert conformal_interval(np.arange(needed - 1), level) is None


@pytest.mark.parametrize(("n", "level"), [(19, 0.9), (14, 0.8)])
def test_conformal_intervals_cover_as_promised(n, level):
    # Of n + 1 exchangeable sizes the new one is among the k smallest with probability k/(n + 1), k = ⌈(n + 1)·level⌉.
    rng = np.random.default_rng(1)
    sizes = rng.standard_t(2, size=(4000, n + 1))
    inside = [abs(new) <= conformal_interval(old, level) for *old, new in sizes]
    assert stats.binomtest(sum(inside), 4000, math.ceil((n + 1) * level) / (n + 1)).pvalue > 0.01


def test_a_level_is_a_proportion():
    with pytest.raises(ValueError, match="90"):
        conformal_interval([1, 2, 3], 90)


def test_skill_against_the_mean_is_r2_of_scikit_learn():
    rng = np.random.default_rng(2)
    y = rng.normal(size=30)
    prediction = y + rng.normal(size=30)
    assert skill(prediction, y, y.mean()) == pytest.approx(r2_score(y, prediction))


def test_skill_by_hand():
    assert skill([1, 2, math.nan], [2, 2, 2], 0) == pytest.approx(1 - 1 / 8)
    assert skill([[3, 3]], [[3, 3]], [[1, 3]]) == 1
    assert skill([0, 0], [1, -1], [2, -2]) == 0
    assert skill([9], [3], [3]) is None
    assert skill([math.nan], [3], [1]) is None


def test_coverage_has_the_exact_interval():
    # With none of n inside, the upper end p solves (1 - p)ⁿ = α/2; with all inside, the lower end solves pⁿ = α/2.
    none, every = coverage(np.zeros((2, 5), dtype=bool)), coverage(np.ones(10, dtype=bool))
    assert (none.share, none.interval.low, none.n) == (0, 0, 10)
    assert none.interval.high == pytest.approx(1 - 0.025**0.1)
    assert every.share == every.interval.high == 1
    assert every.interval.low == pytest.approx(0.025**0.1)
    assert coverage(np.array([True, False, True, True])).share == 0.75


def test_coverage_of_nothing_and_of_the_unknown():
    assert coverage(np.array([], dtype=bool)).share is None
    with pytest.raises(ValueError, match="booleans"):
        coverage([1.0, math.nan])
