import math

import numpy as np
import pytest
from scipy import stats

from sts_eval.statistics import correlate, extremes, extremes_r


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


def test_choosing_extremes_raises_r():
    rng = np.random.default_rng(11)
    size = rng.uniform(0, 10, 800)
    score = size + rng.normal(0, 4, 800)
    assert extremes_r(score, -size, k=200) > correlate(score, size, n_resamples=10).pearson + 0.05


def test_r_is_of_the_size_of_the_change():
    delta = np.array([-5.0, 1, 9, -0.5, 3, -8, 0, 4, 2, -6])
    score = np.array([4.0, 2, 7, 1, 1, 9, 2, 3, 5, 4])
    chosen = extremes(delta)
    assert extremes_r(score, delta) == stats.pearsonr(score[chosen], np.abs(delta)[chosen]).statistic


@pytest.mark.parametrize("delta", [[1.0, 2, 3, 4, 5, 6, 8], [1.0, 2, 3, 4, 5, 6, 7, math.nan]])
def test_without_enough_domains_there_is_no_figure(delta):
    assert extremes_r(np.arange(len(delta)) ** 2, delta) is None


def test_a_constant_score_has_no_figure():
    assert extremes_r(np.ones(10), np.arange(10)) is None


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="one score per change"):
        extremes_r(np.arange(9), np.arange(10))
