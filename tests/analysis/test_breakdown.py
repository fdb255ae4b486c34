"""A predictor's correlation by model, training set and domain, and two sides compared, by figures derived by hand."""

import numpy as np
import pytest

from sts_eval.analysis.breakdown import Scored, by_domain, by_model, by_training_set, overall
from sts_eval.analysis.contrast import contrast_predictors, contrast_runs

RESAMPLES = 200


def scored(scores, outcome, *, models=None, sets=None, question="which_way"):
    n_runs, n_domains = np.shape(scores)
    models = models or [f"m{n}" for n in range(n_runs)]
    sets = sets or ["s"] * n_runs
    domains = tuple("abcdefgh"[:n_domains])
    arrays = (np.array(one, dtype=float) for one in (scores, outcome))
    return Scored(question, *arrays, tuple(models), tuple(sets), domains)


@pytest.fixture
def turned():
    """Four runs of three domains. Each run's scores are -1, 0 and 1 in some order, in a unit of its own."""
    units = np.array([[1.0], [10.0], [0.1], [5.0]])
    scores = np.array([[-1, 0, 1], [0, 1, -1], [1, -1, 0], [0, 1, -1]]) * units
    # Domain a changes as its score stands, b never changes, and c changes against it.
    changes = [[1, 5, -1], [2, 5, 1], [3, 5, 0], [2, 5, 1]]
    return scored(scores, changes)


def test_a_domain_is_judged_over_runs_whatever_their_units(turned):
    a, b, c = by_domain(turned, n_resamples=RESAMPLES)
    assert (a.name, a.r, a.n_runs) == ("a", pytest.approx(1.0), 4)
    assert b.r is None
    assert "same in all runs" in b.undefined
    assert c.r == pytest.approx(-1.0)


def test_three_runs_are_too_few_for_a_domain(turned):
    found = by_domain(turned.at([0, 1, 2]), n_resamples=RESAMPLES)
    assert {part.undefined for part in found} == {"3 runs; a correlation needs 4"}


def test_a_models_run_that_is_there_twice_says_nothing_more_of_a_domain():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(12, 5))
    y = x + rng.normal(size=(12, 5))
    models = [f"m{n}" for n in range(12)]
    once = by_domain(scored(x, y, models=models), n_resamples=RESAMPLES)
    twice = by_domain(scored(np.tile(x, (2, 1)), np.tile(y, (2, 1)), models=models * 2), n_resamples=RESAMPLES)
    assert all(part.interval for part in once)
    for one, two in zip(once, twice, strict=True):
        assert two.interval == pytest.approx(one.interval)
        assert (one.n_runs, two.n_runs) == (12, 24)


def test_parts_hold_their_own_runs_alone():
    up, down = [1.0, 2, 3, 4, 6], [6.0, 4, 3, 2, 1]
    change = [1.0, 2, 3, 4, 6]
    runs = scored([up, down, up, down], [change] * 4, models=["m", "n", "m", "n"], sets=["s", "s", "t", "t"])
    r = np.corrcoef(down, change)[0, 1]
    assert [(part.name, part.n_runs) for part in by_model(runs, n_resamples=RESAMPLES)] == [("m", 2), ("n", 2)]
    first, second = by_model(runs, n_resamples=RESAMPLES)
    assert first.r == pytest.approx(1.0, abs=1e-3)  # r of 1 enters an average as .9999
    assert second.r == pytest.approx(r)
    # A set has one run of each kind, whose Fisher z are averaged.
    mean = np.tanh((np.arctanh(0.9999) + np.arctanh(r)) / 2)
    assert [part.r for part in by_training_set(runs, n_resamples=RESAMPLES)] == pytest.approx([mean] * 2)


def test_a_question_about_sets_is_asked_of_models_alone():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(6, 6))
    models, sets = ["m"] * 3 + ["n"] * 3, ["s", "t", "u"] * 2
    runs = scored(x, x + rng.normal(size=(6, 6)), models=models, sets=sets, question="which_set")
    assert all(part.r is not None for part in by_model(runs, n_resamples=RESAMPLES))
    for make in (by_training_set, by_domain):
        assert {part.undefined for part in make(runs, n_resamples=RESAMPLES)} == {
            "it is asked of all training sets of a model together"
        }


def test_two_models_are_compared_over_the_set_that_both_have():
    """One pair: the difference is that of two correlations over the same domains."""
    x, y, z = [1.0, 2, 3, 4, 5, 7], [1.0, 3, 2, 5, 4, 6], [5.0, 1, 4, 2, 6, 3]
    one, two = scored([x], [y], models=["m"]), scored([x], [z], models=["n"])
    found = contrast_runs(one, two, ("m", "n"), n_resamples=RESAMPLES)
    r_one, r_two = np.corrcoef(x, y)[0, 1], np.corrcoef(x, z)[0, 1]
    assert found.difference == pytest.approx(r_one - r_two)
    assert found.interval[0] < found.difference < found.interval[1]
    assert found.n_pairs == 1
    assert (found.first.r, found.second.r) == pytest.approx((r_one, r_two))


def test_a_side_compared_with_itself_does_not_differ():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(3, 8))
    side = scored(x, x + rng.normal(size=(3, 8)), models=["m"] * 3, sets=["s", "t", "u"])
    for found in (
        contrast_runs(side, side, ("m", "m"), n_resamples=RESAMPLES),
        contrast_predictors(side, side, ("p", "p"), n_resamples=RESAMPLES),
    ):
        assert found.difference == pytest.approx(0.0)
        assert found.n_pairs == 3


def test_what_cannot_be_paired_says_why():
    nothing = scored(np.empty((0, 3)), np.empty((0, 3)))
    found = contrast_runs(nothing, nothing, ("m", "n"), n_resamples=RESAMPLES)
    assert "no run of the one has a counterpart" in found.undefined
    about_sets = scored([[1.0, 2, 3]], [[1.0, 2, 3]], question="which_set")
    found = contrast_runs(about_sets, about_sets, ("m", "n"), n_resamples=RESAMPLES)
    assert "there are no pairs" in found.undefined
    assert overall(nothing, n_resamples=RESAMPLES).r is None
