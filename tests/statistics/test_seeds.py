import math

import numpy as np
import pytest
from scipy import stats

from sts_eval.statistics import change_over_domains, change_over_seeds, mean_change_over_seeds, paired_change


def coverage_bounds(draws):
    # 95% nominal, allowed a point for an approximate interval, inside its 99.9% binomial interval.
    return stats.binom.ppf(0.0005, draws, 0.94), stats.binom.ppf(0.9995, draws, 0.96)


def test_two_seeds_and_three_items_by_hand():
    # d = [[1, 2, 3], [3, 4, 8]]: item means 2, 3, 5.5, seed means 2, 5, grand mean 3.5.
    # MS_item = 2·(1.5² + .5² + 2²)/2 = 6.5, MS_seed = 3·(1.5² + 1.5²)/1 = 13.5,
    # rest = ±(.5, .5, -1) in each row: SS = 3, MS_rest = 3/2.
    change = mean_change_over_seeds(np.zeros(3), [[1, 2, 3], [3, 4, 8]])
    assert change.delta == 3.5
    assert change.seed_sd == pytest.approx(math.sqrt(4.5))
    assert change.item_se**2 == pytest.approx(6.5 / 6)
    assert change.se**2 == pytest.approx((6.5 + 13.5 - 1.5) / 6)
    half = math.sqrt((stats.t.ppf(0.975, 2) ** 2 * 6.5 + stats.t.ppf(0.975, 1) ** 2 * 12) / 6)
    assert (change.interval.low, change.interval.high) == pytest.approx((3.5 - half, 3.5 + half))


def test_the_mean_of_two_domains_by_hand():
    # Domain A: d = [[1, 3], [3, 5]], item means 2 and 4, seed means 2 and 4, no rest: item variance 2/2 = 1.
    # Domain B: d = [[0, 0, 0], [2, 2, 2]], item means 1, seed means 0 and 2, no rest: item variance 0.
    # Seed means over both domains 1 and 3: variance 2/2 = 1. Items (1 + 0)/4.
    a, b = [[1, 3], [3, 5]], [[0, 0, 0], [2, 2, 2]]
    change = change_over_domains([(np.zeros(2), a), (np.zeros((2, 3)), b)], level=0.9)
    assert (change.delta, change.item_se, change.se) == pytest.approx((2, math.sqrt(0.25), math.sqrt(1.25)))
    half = math.sqrt(0.25 * stats.t.ppf(0.95, 1 + 2) ** 2 + stats.t.ppf(0.95, 1) ** 2)
    assert (change.interval.low, change.interval.high, change.interval.level) == pytest.approx(
        (2 - half, 2 + half, 0.9)
    )


@pytest.mark.parametrize(("n_seeds", "holds"), [(2, False), (3, True)])
def test_best_of_five_differences_needs_three_seeds(n_seeds, holds):
    # Two arms that do the same: an interval of level 1 - .05/5 lies above 0 in at most 1% of experiments, so that any
    # of five does in 5%. It does for three seeds; for two, the variance between them is too often estimated as 0.
    rng = np.random.default_rng(7)
    draws, above = 1000, 0
    for _ in range(draws):
        shared = rng.normal(0, 0.3, (n_seeds, 1))
        parts = [scale * rng.normal(0, 1, n) + rng.normal(0, 1, (n_seeds, n)) for n, scale in ((60, 0.5), (140, 1.5))]
        change = change_over_domains([(np.zeros(part.shape), part + shared) for part in parts], level=0.99)
        above += change.interval.low > 0
    assert (above <= stats.binom.ppf(0.9995, draws, 0.01)) == holds


def test_domains_with_other_seeds_have_no_mean():
    with pytest.raises(ValueError, match="the same seeds"):
        change_over_domains([(np.zeros(2), np.zeros((2, 2))), (np.zeros(2), np.zeros((3, 2)))])


def test_identical_seeds_add_nothing_to_the_item_error():
    # Three copies of one run know as much about the items as one run does, not three times as much.
    rng = np.random.default_rng(2)
    before, after = rng.random(200) < 0.5, rng.random(200) < 0.6
    change = change_over_seeds(before, [after] * 3)
    single = paired_change(before, after)
    assert change.se == pytest.approx(change.item_se)
    assert change.se == pytest.approx(single.se * math.sqrt(200 / 199))  # denominator n - 1
    assert change.delta == pytest.approx(single.delta)


def test_accuracy_is_in_points_and_measures_in_their_unit():
    before, after = [1, 0, 0, 1, 0], [[1, 1, 1, 0, 1], [1, 1, 0, 1, 1]]
    in_points, as_is = change_over_seeds(before, after), mean_change_over_seeds(before, after)
    assert (in_points.delta, in_points.seed_sd) == pytest.approx((40, 0))
    assert in_points.se == pytest.approx(100 * as_is.se)


def test_a_baseline_per_seed_is_the_same_as_one_repeated():
    before, after = np.array([1, 0, 0, 1, 0]), np.array([[1, 1, 1, 0, 1], [1, 0, 0, 1, 1]])
    assert change_over_seeds(before, after) == change_over_seeds(np.stack([before, before]), after)


@pytest.mark.parametrize("seed_sd", [0.0, 0.1, 0.3])
def test_total_error_of_a_measure_is_honest(seed_sd):
    rng = np.random.default_rng(3)
    n_seeds, n, truth, draws = 3, 150, 1.0, 1500
    covered, total, item_only = 0, [], 0
    for _ in range(draws):
        noise = rng.normal(0, 1, n) + rng.normal(0, seed_sd, (n_seeds, 1)) + rng.normal(0, 1, (n_seeds, n))
        change = mean_change_over_seeds(np.zeros(n), truth + noise)
        covered += truth in change.interval
        item_only += abs(change.delta - truth) < 1.96 * change.item_se
        total.append(change.se**2)
    low, high = coverage_bounds(draws)
    assert low <= covered <= high
    true_variance = 1 / n + seed_sd**2 / n_seeds + 1 / (n * n_seeds)
    # Cutting a negative seed variance at 0 can only raise the mean.
    assert 0.9 < np.mean(total) / true_variance < 1.15
    if seed_sd:
        assert item_only < low  # the error that leaves seeds out is not


@pytest.mark.parametrize("seed_sd", [0.05, 0.3])
def test_total_error_of_accuracy_is_honest(seed_sd):
    # Answers from a latent ability: item difficulty shared, a shift per run, noise per answer.
    rng = np.random.default_rng(4)
    n_seeds, n, draws, shift = 3, 200, 1500, 0.3
    truth = 100 * (stats.norm.cdf(shift / math.sqrt(1 + 0.25 + seed_sd**2)) - 0.5)
    covered = 0
    for _ in range(draws):
        difficulty = rng.normal(0, 1, n)
        before = difficulty + rng.normal(0, 0.5, n) > 0
        run = shift + rng.normal(0, seed_sd, (n_seeds, 1))
        after = difficulty + run + rng.normal(0, 0.5, (n_seeds, n)) > 0
        change = change_over_seeds(before, after)
        covered += truth in change.interval
    low, high = coverage_bounds(draws)
    assert low <= covered <= high


def test_one_seed_says_nothing_about_other_seeds():
    before, after = np.array([1, 0] * 20), np.array([1, 1, 0, 0] * 10)
    single = paired_change(before, after)
    change = change_over_seeds(before, [after])
    assert change.delta == pytest.approx(single.delta)
    assert change.item_se == pytest.approx(single.se, rel=0.02)
    assert (change.seed_sd, change.se, change.interval) == (None, None, None)


def test_no_change_anywhere_has_no_interval():
    change = change_over_seeds([1, 0, 1], [[1, 0, 1], [1, 0, 1]])
    assert (change.se, change.interval) == (0, None)


@pytest.mark.parametrize(
    ("before", "after"), [([1, 0], [1, 0]), ([1, 0, 1], [[1, 0]]), ([[1, 0]], [[1, 0], [0, 1]]), ([1], [[1]])]
)
def test_shapes_that_do_not_fit_are_refused(before, after):
    with pytest.raises(ValueError, match="needs"):
        change_over_seeds(before, after)


def test_values_that_are_missing_are_refused():
    with pytest.raises(ValueError, match="not finite"):
        mean_change_over_seeds([1.0, math.nan], [[1.0, 2.0]])
