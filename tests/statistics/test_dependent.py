import numpy as np
import pytest
from scipy import stats

from sts_eval.statistics import paired_difference, pooled_r, williams_t
from sts_eval.statistics.resampling import Units, resamples


def test_williams_worked_example_of_howell():
    # Howell, Statistical Methods for Psychology, 6th edition, p. 262: t = 1.36 on 23 degrees of freedom.
    result = williams_t(0.80, 0.72, 0.89, 26)
    assert result.t == pytest.approx(1.361, abs=5e-4)
    assert result.p_value == pytest.approx(0.187, abs=5e-4)


def test_williams_documented_example_of_psych():
    # The manual of the R package psych, r.test, prints this p for the two correlations with r12 and r13.
    result = williams_t(0.693458895410494, 0.695966022434845, 0.988475791500198, 5105)
    assert result.p_value == pytest.approx(0.1000759, abs=5e-8)
    assert result.t < 0


def test_one_run_cannot_tell_point_eight_from_point_five():
    assert williams_t(0.8, 0.5, 0.5, 14).p_value == pytest.approx(0.13, abs=5e-3)


def test_williams_p_is_uniform_if_both_scores_correlate_equally():
    rng = np.random.default_rng(1)
    covariance = [[1, 0.4, 0.5], [0.4, 1, 0.5], [0.5, 0.5, 1]]
    data = rng.multivariate_normal([0, 0, 0], covariance, size=(1500, 14))
    p = []
    for points in data:
        r = np.corrcoef(points.T)
        p.append(williams_t(r[0, 2], r[1, 2], r[0, 1], 14).p_value)
    assert stats.kstest(p, "uniform").pvalue > 0.01
    rejected = int((np.array(p) < 0.05).sum())
    assert stats.binomtest(rejected, 1500, 0.05).pvalue > 0.01


@pytest.mark.parametrize(
    "arguments", [(0.9, -0.9, 0.9, 14), (0.5, 0.4, 0.3, 3), (1.2, 0.4, 0.3, 14), (0.5, 0.5, 1, 14)]
)
def test_impossible_correlations_are_refused(arguments):
    with pytest.raises(ValueError, match=r"correlations|nothing to compare"):
        williams_t(*arguments)


def made_columns(seed=0, n_runs=5, gain=1.0):
    """Two scores of the same domains, the first of them `gain` times as close to y as the second."""
    rng = np.random.default_rng(seed)
    domain = rng.normal(size=14)
    y = domain + rng.normal(size=(n_runs, 14))
    x, z = gain * y + 2 * rng.normal(size=y.shape), y + 2 * rng.normal(size=y.shape)
    return x, z, y


def test_the_difference_is_that_of_the_pooled_correlations():
    x, z, y = made_columns(gain=2)
    result = paired_difference(x, z, y)
    assert result.difference == pytest.approx(pooled_r(x, y) - pooled_r(z, y))
    assert (result.n_runs, result.n_points) == (5, 70)
    turned = paired_difference(z, x, y)
    assert turned.difference == pytest.approx(-result.difference)
    assert (turned.interval.low, turned.interval.high) == pytest.approx((-result.interval.high, -result.interval.low))
    assert turned.p_value == result.p_value


def test_both_predictors_see_the_same_resamples():
    x, z, y = made_columns(seed=2)
    drawn = resamples(Units.separate(5), 14, 80, seed=9)
    differences = []
    for rows, columns in zip(drawn.runs.astype(int), drawn.domains.astype(int), strict=True):
        a, b, c = (np.repeat(np.repeat(part, rows, axis=0), columns, axis=1) for part in (x, z, y))
        differences.append(pooled_r(a, c) - pooled_r(b, c))
    result = paired_difference(x, z, y, n_resamples=80, seed=9, level=0.8)
    assert (result.interval.low, result.interval.high) == pytest.approx(tuple(np.quantile(differences, [0.1, 0.9])))
    rarer = min(sum(d <= 0 for d in differences), sum(d >= 0 for d in differences))
    assert result.p_value == pytest.approx(2 * (1 + rarer) / 81)


def test_only_cells_that_both_have_are_compared():
    x, z, y = made_columns()
    x[0, 1] = z[3, 4] = y[4, 4] = np.nan
    z[2] = 7
    absent = np.isnan(x + z + y)
    everywhere = [np.where(absent, np.nan, part)[[0, 1, 3, 4]] for part in (x, z, y)]
    result = paired_difference(x, z, y)
    assert result.difference == pytest.approx(pooled_r(*everywhere[::2]) - pooled_r(*everywhere[1:]))
    assert (result.n_runs, result.n_points) == (4, 4 * 14 - 3)


def test_a_predictor_does_not_differ_from_itself():
    x, _, y = made_columns()
    result = paired_difference(x, 3 * x + 1, y)
    assert result.difference == pytest.approx(0)
    assert (result.interval, result.p_value) == (None, None)
    assert "no spread" in result.reason("p_value")


def test_no_difference_is_claimed_too_often_where_there_is_none():
    claims = 0
    for seed in range(200):
        p = paired_difference(*made_columns(seed), n_resamples=200, seed=seed).p_value
        claims += p < 0.05
    assert stats.binomtest(claims, 200, 0.05, alternative="greater").pvalue > 0.01


def test_a_large_difference_is_found_with_enough_runs():
    assert paired_difference(*made_columns(seed=1, n_runs=20, gain=4)).p_value < 0.01


def test_no_common_run_says_why():
    x, z, y = made_columns()
    result = paired_difference(np.zeros_like(x), z, y)
    assert (result.difference, result.interval, result.p_value, result.n_runs) == (None, None, None, 0)
    assert "none of 5 runs" in result.reason("p_value")
