import math

import numpy as np
import pytest

from sts_eval.statistics import compare_protocols, correlate, extremes, range_corrected


def test_extremes_by_hand():
    delta = [-5, 1, 9, -0.5, 3, -8, 0, 4, 2, -6]
    # Sizes fall as 9, 8, 6, 5, ... and end in 2, 1, 0.5, 0.
    assert extremes(delta).tolist() == [2, 5, 9, 0, 8, 1, 3, 6]
    assert extremes(delta, k=1).tolist() == [2, 6]


def test_ties_keep_the_order_of_the_domains():
    assert extremes([1, -1, 1, -1], k=1).tolist() == [0, 3]
    assert extremes([1, -1] * 50, k=2).tolist() == [0, 1, 98, 99]


@pytest.mark.parametrize(("delta", "k"), [([1, 2, 3], 2), ([1, 2, 3, math.nan], 2), ([1, 2, 3, 4], 0)])
def test_extremes_refuses_what_has_none(delta, k):
    with pytest.raises(ValueError, match="from each end"):
        extremes(delta, k)


def test_range_correction_of_an_equal_range_changes_nothing():
    assert range_corrected(0.6, 2.0, 2.0) == pytest.approx(0.6)


def test_range_correction_by_hand():
    # r = .8, u = 1/2: .4/√(.36 + .16) = .4/√.52.
    assert range_corrected(0.8, 2.0, 1.0) == pytest.approx(0.4 / math.sqrt(0.52))


def test_choosing_extremes_raises_r_and_the_correction_takes_it_back():
    rng = np.random.default_rng(11)
    size = rng.uniform(0, 10, 800)
    score = size + rng.normal(0, 4, 800)
    compared = compare_protocols(score, -size, k=200)
    everything, selected = compared.all_domains.pearson, compared.selected.pearson
    assert selected > everything + 0.05
    assert compared.range_corrected == pytest.approx(everything, abs=0.03)


def test_both_protocols_use_the_size_of_the_change():
    delta = np.array([-5.0, 1, 9, -0.5, 3, -8, 0, 4, 2, -6])
    score = np.array([4.0, 2, 7, 1, 1, 9, 2, 3, 5, 4])
    compared = compare_protocols(score, delta, seed=5)
    chosen = list(compared.indices)
    assert chosen == extremes(delta).tolist()
    assert compared.all_domains == correlate(score, np.abs(delta), seed=5)
    assert compared.selected == correlate(score[chosen], np.abs(delta)[chosen], seed=5)


@pytest.mark.parametrize("delta", [[1.0, 2, 3, 4, 5, 6, 8], [1.0, 2, 3, 4, 5, 6, 7, math.nan]])
def test_without_enough_domains_only_the_figure_over_all_is_left(delta):
    compared = compare_protocols(np.arange(len(delta)) ** 2, delta)
    assert (compared.selected, compared.indices, compared.range_corrected) == (None, (), None)
    assert compared.all_domains.n == len(delta)


def test_a_constant_score_has_no_figure_to_correct():
    compared = compare_protocols(np.ones(10), np.arange(10))
    assert compared.selected.reason("pearson") == "the first variable is constant"
    assert compared.range_corrected is None


@pytest.mark.parametrize(("r", "sd_selected"), [(1.1, 1.0), (math.nan, 1.0), (0.5, 0.0)])
def test_range_correction_refuses_impossible_figures(r, sd_selected):
    with pytest.raises(ValueError, match="needs"):
        range_corrected(r, sd_selected, 1.0)
