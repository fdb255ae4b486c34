"""Folds: what is held out stays unseen, by the line, by the history and by the choice of a predictor."""

import numpy as np
import pytest
from helpers.outcomes import planted
from sklearn.linear_model import LinearRegression

from sts_eval.analysis.folds import Recipe, fit, history_of_others, hold_out
from sts_eval.statistics import leave_group_out

MODELS = np.repeat(np.arange(4), 5)
SETS = np.tile(np.arange(5), 4)


def made(k=1, seed=0):
    changes, _ = planted(seed=seed)
    rng = np.random.default_rng(seed + 100)
    return changes, {f"s{i}": changes * i / 4 + rng.normal(size=changes.shape) for i in range(k)}


def literal(changes, scores, groups, names, test):
    """The prediction of one group, by loops and scikit-learn."""
    n_runs, n_domains = changes.shape
    train = [run for run in range(n_runs) if groups[run] != test]

    def mean(domain, runs):
        return sum(changes[run, domain] for run in runs) / len(runs)

    rows, target = [], []
    for run in train:
        others = [other for other in train if groups[other] != groups[run]]
        for domain in range(n_domains):
            rows.append([*(scores[name][run, domain] for name in names), mean(domain, others)])
            target.append(changes[run, domain])
    line = LinearRegression().fit(rows, target)
    return {
        (run, domain): line.predict([[*(scores[name][run, domain] for name in names), mean(domain, train)]])[0]
        for run in range(n_runs)
        if groups[run] == test
        for domain in range(n_domains)
    }


@pytest.mark.parametrize("groups", [MODELS, SETS], ids=["models", "sets"])
def test_held_out_predictions_are_those_of_a_literal_refit(groups):
    (changes, scores), names = made(k=2), ("s0", "s1")
    judged = hold_out(changes, scores, groups, SETS, Recipe((names,), history="domain"))
    for test in np.unique(groups):
        for place, value in literal(changes, scores, groups, names, test).items():
            assert judged.prediction[place] == pytest.approx(value)
    assert judged.residual == pytest.approx(changes - judged.prediction)


@pytest.mark.parametrize("groups", [MODELS, SETS], ids=["models", "sets"])
@pytest.mark.parametrize("history", ["domain", "same-set", "none"])
def test_a_held_out_group_does_not_see_its_own_changes(groups, history):
    (changes, scores), recipe = made(k=5), Recipe(tuple((f"s{i}",) for i in range(5)), history)
    own = groups == 2
    disturbed = changes.copy()
    disturbed[own] = np.random.default_rng(9).normal(50, 100, size=disturbed[own].shape)
    before, after = (hold_out(y, scores, groups, SETS, recipe) for y in (changes, disturbed))
    np.testing.assert_array_equal(after.prediction[own], before.prediction[own])
    if history == "same-set" and groups is SETS:
        assert np.isnan(before.prediction).all()  # nothing is known of a new set
        return
    assert (after.domain_mean[own] == before.domain_mean[own]).all()
    assert after.fits[2].predictors == before.fits[2].predictors
    assert not np.isclose(after.prediction[~own], before.prediction[~own]).any()


def test_the_choice_does_not_see_the_held_out_group():
    # `lucky` is the answer in the runs of one model, by far the largest changes, and noise in all others.
    rng = np.random.default_rng(0)
    fair = rng.normal(size=(20, 14))
    changes = 2 * fair + rng.normal(size=fair.shape)
    changes[MODELS == 1] *= 10
    lucky = np.where((MODELS == 1)[:, None], changes / 20, rng.normal(size=fair.shape))
    scores = {"lucky": lucky, "fair": np.where((MODELS == 1)[:, None], -fair, fair)}
    recipe = Recipe((("lucky",), ("fair",)), history="none")
    errors = {name: leave_group_out(x, changes, MODELS).rmse for name, x in scores.items()}
    assert errors["lucky"] < errors["fair"]  # so a choice over all runs falls for it
    assert fit(changes, scores, MODELS, SETS, recipe).predictors == ("lucky",)
    judged = hold_out(changes, scores, MODELS, SETS, recipe)
    assert judged.fits[1].predictors == ("fair",)
    assert [judged.fits[group].predictors for group in (0, 2, 3)] == [("lucky",)] * 3


def test_the_best_of_many_by_chance_has_no_skill():
    # 30 columns of noise: chosen and judged on the same runs the best one looks useful, chosen inside the fold it
    # does not.
    nested, naive = [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        changes = rng.normal(size=(20, 14))
        scores = {f"s{i}": rng.normal(size=changes.shape) for i in range(30)}
        judged = hold_out(changes, scores, SETS, SETS, Recipe(tuple((name,) for name in scores), history="none"))
        nested.append(np.mean(judged.residual**2) / np.mean(changes**2))
        naive.append(min(leave_group_out(x, changes, SETS).rmse ** 2 for x in scores.values()))
        naive[-1] /= np.mean(changes**2)
    assert np.mean(nested) > 1 > np.mean(naive)


def test_the_smallest_held_out_error_is_chosen_and_the_first_of_equals():
    changes, scores = made(k=4)
    assert fit(changes, scores, MODELS, SETS, Recipe((("s1",), ("s3",), ("s0",)), history="domain")).predictors == (
        "s3",
    )
    twins = {"a": scores["s3"], "b": scores["s3"]}
    assert fit(changes, twins, MODELS, SETS, Recipe((("b",), ("a",)), history="domain")).predictors == ("b",)


def test_history_leaves_out_the_own_group():
    changes = np.array([[1.0, 10.0], [2.0, 20.0], [6.0, 60.0]])
    sets = np.array([0, 1, 0])
    assert history_of_others(changes, np.array([0, 0, 1]), sets, "domain").tolist() == [[6, 60], [6, 60], [1.5, 15]]
    assert history_of_others(changes, np.arange(3), sets, "domain").tolist() == [[4, 40], [3.5, 35], [1.5, 15]]
    same_set = history_of_others(changes, np.arange(3), sets, "same-set")
    assert same_set[[0, 2]].tolist() == [[6, 60], [1, 10]]
    assert np.isnan(same_set[1]).all()


def test_history_on_the_same_set_is_fitted_and_held_out_like_any_other():
    changes, _ = made()
    judged = hold_out(changes, {}, MODELS, SETS, Recipe(((),), history="same-set"))
    by_model = changes.reshape(4, 5, 14)
    for test in range(4):
        train = [model for model in range(4) if model != test]
        rows = [by_model[[other for other in train if other != model]].mean(axis=0).ravel() for model in train]
        line = LinearRegression().fit(np.concatenate(rows)[:, None], by_model[train].ravel())
        known = by_model[train].mean(axis=0)
        assert judged.prediction[test == MODELS] == pytest.approx(line.predict(known.reshape(-1, 1)).reshape(5, 14))
        assert judged.same_set[test == MODELS] == pytest.approx(known)
    # A set that is held out has no history on itself.
    assert np.isnan(hold_out(changes, {}, SETS, SETS, Recipe(((),), history="same-set")).prediction).all()


def test_history_gets_the_slope_that_is_right_for_a_new_run():
    # With domains of variance 1 and runs of noise 1, the best slope on a mean of m other runs is 1/(1 + 1/m)
    # (the reliability of a mean of m). The mean over all runs, the own one included, would give a steeper one.
    rng = np.random.default_rng(0)
    changes = rng.normal(size=2000) + rng.normal(size=(4, 2000))
    slope = fit(changes, {}, np.arange(4), np.zeros(4, dtype=int), Recipe(((),), history="domain")).line.slopes[0]
    assert slope == pytest.approx(1 / (1 + 1 / 3), abs=0.03)


def test_a_missing_score_has_no_prediction():
    changes, scores = made()
    scores["s0"][7, 3] = np.nan
    judged = hold_out(changes, scores, MODELS, SETS, Recipe((("s0",),), history="domain"))
    assert np.argwhere(np.isnan(judged.residual)).tolist() == [[7, 3]]


def test_too_few_points_make_no_line():
    changes, scores = np.array([[1.0], [2.0], [4.0]]), {"s": np.array([[0.0], [1.0], [3.0]])}
    judged = hold_out(changes, scores, np.arange(3), np.zeros(3, dtype=int), Recipe((("s",),), history="domain"))
    assert np.isnan(judged.prediction).all()
    assert all(fold.line is None for fold in judged.fits.values())
