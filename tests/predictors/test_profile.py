import math
from dataclasses import replace

import numpy as np
import pytest
from helpers.study import active_study, decoder, moments, shift

from sts_eval.predictors.profile import (
    act_active,
    act_random,
    act_residual,
    decoder_spillover,
    feature_coverage,
    frequency_cosine,
    frequency_jaccard,
    icl_active,
    icl_random,
    icl_residual,
    top_jaccard,
)
from sts_eval.predictors.registry import select
from sts_eval.study.shifted_features import Shift
from sts_eval.study.study import Activations, Study, Texts


def firing(frequency):
    """Moments with given firing frequencies."""
    return moments(features=[[0.0] * len(frequency)], frequency=frequency)


def test_frequencies_compared_by_hand():
    study = active_study(firing([0.6, 0.8, 0.0]), {"x": firing([0.0, 0.5, 0.5]), "none": firing([0.0, 0.0, 0.0])})
    assert frequency_cosine(study) == {"x": pytest.approx(0.8 / math.sqrt(2))}
    # min (0, .5, 0) over max (.6, .8, .5); and where nothing fires nothing is common.
    assert frequency_jaccard(study) == {"x": pytest.approx(0.5 / 1.9), "none": 0.0}


def test_nothing_that_fires_anywhere_has_no_jaccard():
    study = active_study(firing([0.0]), {"x": firing([0.0])})
    assert frequency_jaccard(study) == top_jaccard(study) == {}


def test_top_jaccard_is_that_of_two_sets():
    random = np.random.default_rng(0)
    target, own = random.permutation(300) / 300, random.permutation(300) / 300
    a, b = (set(sorted(range(300), key=lambda j: -values[j])[:100]) for values in (target, own))
    assert top_jaccard(active_study(firing(target), {"x": firing(own)})) == {"x": len(a & b) / len(a | b)}


def test_features_that_never_fire_are_not_common():
    # Fewer than 100 fire: {0, 1} and {1, 2, 3}.
    target, own = np.zeros(200), np.zeros(200)
    target[[0, 1]], own[[1, 2, 3]] = 0.5, 0.5
    assert top_jaccard(active_study(firing(target), {"x": firing(own)})) == {"x": 1 / 4}


def test_coverage_counts_what_the_domain_has():
    # The training set has {0, 1, 2}, x has {2, 3}; what fires rarely counts as what fires often.
    study = active_study(
        firing([0.9, 0.5, 0.01, 0.0]), {"x": firing([0.0, 0.0, 0.8, 0.2]), "none": firing([0.0, 0.0, 0.0, 0.0])}
    )
    assert feature_coverage(study) == {"x": 0.5}


def test_spillover_by_hand():
    """Directions at 0°, 90° and 180° with lengths that must not count; two features are shifted."""
    rows = decoder([[2.0, 0.0], [0.0, 0.5], [-3.0, 0.0], [1.0, 1.0]])
    training = replace(shift((0, 1), 4), score=np.array([3.0, 1.0, 0.5, 0.0]))  # w = 3/4, 1/4
    domains = {
        "x": moments(features=[[0.0] * 4], feature_shift=[0.0, 4.0, 4.0, 1.0]),  # features 1 and 2, w = 1/2 each
        "still": moments(features=[[0.0] * 4]),
    }
    study = Study(Texts([], {}), [Activations(domains["x"], domains), training, rows])
    # 3/8 cos(0, 1) + 3/8 cos(0, 2) + 1/8 cos(1, 1) + 1/8 cos(1, 2) = 0 − 3/8 + 1/8 + 0.
    assert decoder_spillover(study) == {"x": pytest.approx(-0.25)}


def test_most_active_features_by_hand():
    training = moments(features=[[1.0, 0.0, 5.0, 3.0]])
    domain = moments(features=[[10.0, 20.0, 30.0, 40.0]], feature_shift=[1.0, 2.0, 3.0, 4.0])
    study = active_study(training, {"x": domain}, shifted=(0, 1))  # so two features: 2 and 3
    assert act_active(study) == {"x": 70.0}
    assert icl_active(study) == {"x": 7.0}


def test_most_shifted_residual_dimensions_by_hand():
    training = moments([[0.0, 0.0, 0.0]], [[0.0] * 8], residual_shift=[2.0, 9.0, 4.0])
    domain = moments([[1.0, -10.0, 100.0]], [[0.0] * 8], residual_shift=[0.1, 0.2, 0.4])
    two = active_study(training, {"x": domain}, shifted=(6, 7))
    assert act_residual(two) == {"x": 110.0}
    assert icl_residual(two) == {"x": pytest.approx(0.6)}
    more_than_there_are = active_study(training, {"x": domain}, shifted=(0, 1, 2, 3))
    assert act_residual(more_than_there_are) == {"x": 111.0}


def ranked(*, often, seldom):
    """Forty features whose frequency falls with their number, and whose activation depends on that alone."""
    frequency = np.linspace(1, 0.1, 40)
    values = np.where(np.arange(40) < 20, often, seldom).astype(np.float64)
    return firing(frequency), moments(features=[values], feature_shift=values / 8)


@pytest.mark.parametrize(
    ("shifted", "expected"),
    [
        ((0, 3, 4, 19), 4 * 8.0),  # all in the upper bin of twenty
        ((20, 39), 2 * 16.0),
        ((1, 2, 30), 2 * 8.0 + 16.0),
    ],
)
def test_random_features_are_as_many_from_each_bin_of_frequency(shifted, expected):
    training, domain = ranked(often=8, seldom=16)
    study = active_study(training, {"x": domain}, shifted=shifted)
    assert act_random(study) == {"x": expected}
    assert icl_random(study) == {"x": expected / 8}


def test_random_features_are_not_the_shifted_ones():
    values = np.ones(40)
    values[[3, 25]] = 1000.0
    training, _ = ranked(often=1, seldom=1)
    study = active_study(training, {"x": moments(features=[values])}, shifted=(3, 25))
    assert act_random(study) == {"x": 2.0}


def test_a_bin_without_enough_others_joins_its_neighbour():
    # D_N is the whole upper bin, so each draw is all of the twenty others, each once.
    training, _ = ranked(often=8, seldom=16)
    domain = moments(features=[np.arange(40.0)])
    study = active_study(training, {"x": domain}, shifted=range(20))
    assert act_random(study) == {"x": sum(range(20, 40))}
    # The same from below: the last bin joins the one before it.
    study = active_study(training, {"x": domain}, shifted=range(20, 40))
    assert act_random(study) == {"x": sum(range(20))}


def test_where_the_others_run_out_there_is_no_random_score():
    training, domain = ranked(often=8, seldom=16)
    study = active_study(training, {"x": domain}, shifted=range(21))
    assert act_random(study) == icl_random(study) == {}


def test_the_draws_are_uniform_in_a_bin_and_the_seeds_own():
    values = np.arange(20.0)
    training, domain = firing(np.linspace(1, 0.1, 20)), moments(features=[values], feature_shift=values)

    def scores(seed):
        study = active_study(training, {"x": domain, "y": domain}, shifted=(0,), seed=seed)
        assert act_random(study) == icl_random(study)  # the same sets
        assert act_random(study)["x"] == act_random(study)["y"]
        return act_random(study)["x"]

    found = [scores(seed) for seed in range(200)]
    assert len(set(found)) > 50
    # One of 1..19, uniformly: mean 10, variance (19² − 1)/12 = 30; twenty draws a seed, 200 seeds.
    assert np.mean(found) == pytest.approx(10, abs=4 * math.sqrt(30 / 4000))
    assert np.var(found) == pytest.approx(30 / 20, rel=0.5)


@pytest.mark.parametrize("column", select(["profile"]), ids=lambda column: column.name)
def test_order_of_domains_does_not_matter(column):
    random = np.random.default_rng(3)

    def body():
        shifts = {"residual_shift": random.random(6), "feature_shift": random.random(50)}
        return moments(random.normal(size=(9, 6)), random.random((9, 50)) * (random.random((9, 50)) < 0.3), **shifts)

    training, domains = body(), {name: body() for name in "xyz"}
    found = column(active_study(training, domains, shifted=(5, 2, 40)))
    other = column(active_study(training, {name: domains[name] for name in "zxy"}, shifted=(40, 5, 2)))
    assert list(other) == ["z", "x", "y"]
    assert other == found


def test_sts_at_other_numbers_of_features_by_hand():
    order = np.arange(12, 0, -1.0)  # feature 0 is shifted most
    shift = Shift(**{**vars(active_study(moments(), {}, shifted=(0, 1)).read(Shift)), "score": order})
    domain = moments(features=[np.arange(12.0)], feature_shift=2.0 * np.arange(12))
    study = Study(Texts([], {}), [Activations(moments(), {"x": domain}), shift], seed=0)
    known = {one.name: one for one in select(["sts_sizes"])}
    assert known["sts_act_n10"](study) == {"x": sum(range(10))}
    assert known["sts_icl_n10"](study) == {"x": 2 * sum(range(10))}
    assert known["sts_icl_n25"](study) == {"x": 2 * sum(range(12))}  # there are only 12 features
