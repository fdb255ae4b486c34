"""Calibrations: planted lines come back, the figures follow by hand, and little history promises nothing."""

import math

import numpy as np
import pytest
from helpers.outcomes import outcomes, planted
from helpers.records import prediction
from scipy import stats

from sts_eval.analysis.calibrate import calibrate
from sts_eval.analysis.expected_change import expected, left_out, needed
from sts_eval.errors import UserError
from sts_eval.records.calibration import Calibration

MODELS, SETS = ("m0", "m1", "m2", "m3"), ("s0", "s1", "s2", "s3", "s4")


def standard_scores(shape, seed=0):
    """Rows of mean 0 and variance 1."""
    return stats.zscore(np.random.default_rng(seed).normal(size=shape), axis=1)


def units(n_runs, seed=1):
    """A unit and an offset per run, as raw scores of different models have."""
    rng = np.random.default_rng(seed)
    return rng.uniform(0.1, 1000, size=(n_runs, 1)), rng.normal(size=(n_runs, 1)) * 50


def raw(z):
    unit, offset = units(len(z))
    return z * unit + offset


def runs(changes, scores, **more):
    return outcomes(changes, scores, models=MODELS, sets=SETS, **more)


def held_out(calibration, by):
    return next(one for one in calibration.hold_outs if one.by == by)


def test_a_planted_line_comes_back_whatever_the_unit_of_each_run():
    z = standard_scores((20, 14))
    calibration = calibrate(runs(3 + 2 * z, {"sts_icl": raw(z)}), ["sts_icl"], history="none")
    assert calibration.equation.intercept == pytest.approx(3)
    assert [term.slope for term in calibration.equation.terms] == pytest.approx([2])
    assert calibration.equation.history is None
    assert (calibration.half_width_80, calibration.half_width_90) == pytest.approx((0, 0), abs=1e-9)
    for one in calibration.hold_outs:
        assert (one.rmse, one.mae) == pytest.approx((0, 0), abs=1e-9)
        assert (one.skill_zero, one.skill_run_mean, one.skill_domain_mean) == pytest.approx((1, 1, 1))


def test_a_planted_line_beside_planted_domains_comes_back():
    # Without noise, a run's change less the mean of others' is 2·(z less the others' mean z); the domains are the
    # history's.
    z = standard_scores((20, 500))
    domains = 5 * np.random.default_rng(3).normal(size=500)
    calibration = calibrate(runs(1 + 2 * z + domains, {"sts_icl": raw(z)}), ["sts_icl"])
    assert calibration.equation.terms[0].slope == pytest.approx(2, abs=0.05)
    assert calibration.equation.history.slope == pytest.approx(1, abs=0.05)
    assert calibration.equation.history.mean["d7"] == pytest.approx(1 + domains[7] + 2 * z[:, 7].mean())


def test_error_and_skill_by_hand():
    # A constant score and no history: every run is predicted by the mean change of the others, 2.5, 1.5 and 2.
    changes = np.array([[0.0, 0, 3], [3, 3, 3], [6, 0, 0]])
    made = outcomes(changes, {"flat": np.ones((3, 3))}, models=("a", "b", "c"), sets=("s",))
    one = held_out(calibrate(made, ["flat"], history="none"), "model")
    squares = (6.25 + 6.25 + 0.25) + 3 * 2.25 + (16 + 4 + 4)
    assert one.rmse == pytest.approx(math.sqrt(squares / 9))
    assert one.mae == pytest.approx((5.5 + 4.5 + 8) / 9)
    assert one.skill_zero == pytest.approx(1 - squares / (9 + 27 + 36))
    assert one.skill_run_mean == pytest.approx(1 - squares / ((1 + 1 + 4) + 0 + (16 + 4 + 4)))
    of_others = (20.25 + 2.25 + 2.25) + (0 + 9 + 2.25) + (20.25 + 2.25 + 9)
    assert one.skill_domain_mean == pytest.approx(1 - squares / of_others)
    # Sizes of the 9 residuals: .5, 1.5 three times, 2 twice, 2.5 twice, 4; ⌈10·.8⌉ = 8 and ⌈10·.9⌉ = 9.
    assert [level.half_width for level in one.levels] == pytest.approx([2.5, 4])
    # Six residuals of the others allow ⌈7·.8⌉ = 6, their largest: 4, 4, and 2.5 for c, which has a 4. 90% needs 9.
    assert one.levels[0].share == pytest.approx(8 / 9)
    found = stats.binomtest(8, 9).proportion_ci(0.95, "exact")
    assert (one.levels[0].share_low, one.levels[0].share_high) == pytest.approx((found.low, found.high))
    assert (one.levels[1].share, one.levels[1].n) == (None, 0)


def test_the_wider_half_width_is_taken_at_each_level():
    # Every set has its own level, so a new set is harder to predict than a new model.
    changes, _ = planted()
    changes = changes + np.tile(10 * np.random.default_rng(4).normal(size=(5, 1)), (4, 14))
    calibration = calibrate(runs(changes, {"sts_icl": standard_scores(changes.shape)}))
    by_set = held_out(calibration, "training_set")
    assert calibration.harder == "training_set"
    assert by_set.rmse > held_out(calibration, "model").rmse
    assert [calibration.half_width_80, calibration.half_width_90] == [level.half_width for level in by_set.levels]
    assert all(
        a.half_width < b.half_width for a, b in zip(held_out(calibration, "model").levels, by_set.levels, strict=True)
    )


def exchangeable(seed, n_runs=7):
    """Runs of a model and a set each, alike but for heavy-tailed noise; the last is the new one."""
    rng = np.random.default_rng(seed)
    z = stats.zscore(rng.normal(size=(n_runs, 14)), axis=1)
    return z, 2 * z + rng.standard_t(3, size=z.shape)


def made_apart(z, changes):
    """Every run has a model and a training set of its own."""
    made = outcomes(changes, {"sts_icl": raw(z)}, models=[f"m{i}" for i in range(len(z))], sets=("s",))
    return tuple(one.model_copy(update={"training_set": f"s{i}"}) for i, one in enumerate(made))


def test_a_new_run_falls_inside_as_often_as_promised():
    # One point of each new run, so that hits are independent; 84 residuals give ⌈85·level⌉/85.
    hits = {80: 0, 90: 0}
    for seed in range(250):
        z, changes = exchangeable(seed)
        calibration = calibrate(made_apart(z[:-1], changes[:-1]), ["sts_icl"], history="none")
        by_domain = expected(calibration, prediction({f"d{i}": value for i, value in enumerate(z[-1] + 5)}))
        first = next(change for change in by_domain if change.domain == "d0")
        hits[80] += first.low80 <= changes[-1, 0] <= first.high80
        hits[90] += first.low90 <= changes[-1, 0] <= first.high90
    assert stats.binomtest(hits[80], 250, 68 / 85).pvalue > 0.01
    assert stats.binomtest(hits[90], 250, 77 / 85).pvalue > 0.01


def test_the_measured_coverage_agrees_with_the_level():
    z, changes = exchangeable(0, n_runs=30)
    calibration = calibrate(made_apart(z, changes), ["sts_icl"])
    for one in calibration.hold_outs:
        assert one.n_points == 30 * 14
        for level in one.levels:
            assert level.n == 30 * 14
            assert level.share_low <= level.level <= level.share_high


def test_two_models_and_two_sets_promise_nothing():
    changes, scores = planted(n_models=2, n_sets=2)
    made = outcomes(changes, {"sts_icl": scores}, models=MODELS[:2], sets=SETS[:2])
    calibration = calibrate(made)
    assert calibration.equation is calibration.half_width_80 is calibration.half_width_90 is calibration.harder is None
    assert "leaving one model out needs 3, not 2" in calibration.too_little
    assert "leaving one training set out needs 3, not 2" in calibration.too_little
    with pytest.raises(UserError, match="Too little history"):
        expected(calibration, prediction({"d0": 1.0, "d1": 2.0, "d2": 3.0}))


def test_three_sets_of_one_model_allow_one_hold_out():
    changes, scores = planted(n_models=1, n_sets=3)
    calibration = calibrate(outcomes(changes, {"sts_icl": scores}, models=MODELS[:1], sets=SETS[:3]))
    assert calibration.harder == "training_set"
    assert held_out(calibration, "model").rmse is None
    assert held_out(calibration, "model").too_little == "leaving one model out needs 3, not 1"
    assert calibration.half_width_80 == held_out(calibration, "training_set").levels[0].half_width
    assert calibration.too_little is None


def test_eight_points_allow_80_and_no_90():
    changes, scores = planted(n_models=3, n_sets=1, n_domains=3)
    scores[1, 2] = math.nan
    made = outcomes(changes, {"sts_icl": scores}, models=MODELS[:3], sets=SETS[:1])
    calibration = calibrate(made, ["sts_icl"], history="none")
    assert calibration.half_width_80 > 0
    assert calibration.half_width_90 is None
    assert calibration.too_little == "Too little history for every interval: 8 held-out points, and 90% needs 9"
    for change in expected(calibration, prediction({"d0": 1.0, "d1": 2.0, "d2": 4.0})):
        assert change.high80 - change.low80 == pytest.approx(2 * calibration.half_width_80)
        assert change.low90 is change.high90 is None


def test_too_few_points_for_a_line_are_told():
    changes, scores = planted(n_models=3, n_sets=1, n_domains=1)
    calibration = calibrate(outcomes(changes, {"sts_icl": scores}, models=MODELS[:3], sets=SETS[:1]))
    assert calibration.equation is None
    assert "without one model there are too few points for a line" in calibration.too_little


def test_the_best_predictor_is_chosen_and_counted_and_oracles_are_not():
    changes, noise = planted()
    partial = np.where(np.arange(20)[:, None] == 3, np.nan, changes)
    scores = {"noise": noise, "good": changes + noise, "oracle": changes, "partial": partial}
    calibration = calibrate(runs(changes, scores, flags={"oracle": ("O",)}))
    assert calibration.candidates == ("noise", "good")
    assert [term.predictor for term in calibration.equation.terms] == ["good"]
    assert [one.selected for one in calibration.hold_outs] == [{"good": 4}, {"good": 5}]


def test_given_predictors_share_a_line():
    changes, noise = planted()
    z, other = standard_scores(changes.shape), standard_scores(changes.shape, seed=5)
    calibration = calibrate(runs(z - 3 * other, {"a": raw(z), "b": other, "c": noise}), ["a", "b"], history="none")
    assert calibration.candidates == ()
    assert {term.predictor: term.slope for term in calibration.equation.terms} == pytest.approx({"a": 1, "b": -3})


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("oracle", "oracle reads the tuned model"),
        ("nothing", "no run has the predictor 'nothing'"),
        ("partial", "m0 on s3 has no score of partial"),
    ],
)
def test_a_predictor_that_cannot_serve_is_refused(wanted, says):
    changes, noise = planted()
    partial = np.where(np.arange(20)[:, None] == 3, np.nan, changes)
    scores = {"oracle": changes, "partial": partial, "noise": noise}
    with pytest.raises(UserError, match=says):
        calibrate(runs(changes, scores, flags={"oracle": ("O",)}), [wanted])


def test_without_any_usable_predictor_there_is_nothing_to_choose():
    changes, _ = planted()
    with pytest.raises(UserError, match="no predictor scores every domain"):
        calibrate(runs(changes, {"oracle": changes}, flags={"oracle": ("O",)}))


def test_the_record_comes_back_whole(tmp_path):
    changes, noise = planted()
    made = runs(changes, {"sts_icl": changes + noise, "noise": noise})
    calibration = calibrate(made)
    calibration.write(tmp_path / "calibration.json")
    back = Calibration.read(tmp_path / "calibration.json")
    assert back == calibration
    assert back.sha256() == calibration.sha256()
    assert [source.outcome_sha256 for source in back.outcomes] == [one.sha256() for one in made]
    assert (back.n_runs, back.n_models, back.n_training_sets, back.n_points) == (20, 4, 5, 280)


@pytest.fixture(scope="module")
def calibration():
    changes, noise = planted()
    return calibrate(runs(changes, {"sts_icl": changes + noise}))


SCORES = {f"d{i}": float(value) for i, value in enumerate((5, 3, 8, 1, 9, 2, 7, 7, 4, 6, 0, 3, 2, 1))}


def test_expected_changes_by_hand(calibration):
    equation = calibration.equation
    z = stats.zscore(list(SCORES.values()))
    by_domain = {change.domain: change for change in expected(calibration, prediction(SCORES))}
    assert len(by_domain) == 14
    for (domain, change), score in zip(sorted(by_domain.items(), key=lambda item: int(item[0][1:])), z, strict=True):
        points = equation.intercept + equation.terms[0].slope * score
        points += equation.history.slope * equation.history.mean[domain]
        assert change.points == pytest.approx(points)
        assert (change.low80, change.high80) == pytest.approx(
            (points - calibration.half_width_80, points + calibration.half_width_80)
        )
        assert (change.low90, change.high90) == pytest.approx(
            (points - calibration.half_width_90, points + calibration.half_width_90)
        )
    order = [change.points for change in expected(calibration, prediction(SCORES))]
    assert order == sorted(order, reverse=True)


def test_an_unknown_domain_gets_no_change_and_moves_none(calibration):
    wider = prediction({**SCORES, "alchemy": 1e6})
    assert expected(calibration, wider) == expected(calibration, prediction(SCORES))
    assert left_out(calibration, wider) == {"alchemy": "no calibrated run measured it"}
    assert left_out(calibration, prediction(SCORES)) == {}


def test_a_prediction_without_the_predictor_is_refused():
    changes, noise = planted()
    calibration = calibrate(runs(changes, {"sts_icl": changes, "tfidf_cosine": noise}), ["sts_icl", "tfidf_cosine"])
    assert needed(calibration) == ("sts_icl", "tfidf_cosine")
    with pytest.raises(UserError, match="the prediction lacks tfidf_cosine"):
        expected(calibration, prediction(SCORES))


def test_two_known_domains_are_too_few(calibration):
    with pytest.raises(UserError, match="has 2 of the calibration's domains"):
        expected(calibration, prediction({"d0": 1.0, "d1": 2.0, "alchemy": 3.0}))


def test_history_on_the_same_set_by_hand():
    # Models a, b and c on one set: without a, the others' mean is 4.5, 1.5, 1.5, and so on.
    changes = np.array([[0.0, 0, 3], [3, 3, 3], [6, 0, 0]])
    made = outcomes(changes, {"flat": np.ones((3, 3))}, models=("a", "b", "c"), sets=("s",))
    calibration = calibrate(made, ["flat"], history="same-set")
    one = held_out(calibration, "model")
    squares = (4.5**2 + 1.5**2 + 1.5**2) + (0 + 9 + 1.5**2) + (4.5**2 + 1.5**2 + 9)
    assert one.rmse_same_set == pytest.approx(math.sqrt(squares / 9))
    assert one.skill_same_set == pytest.approx(1 - one.rmse**2 * 9 / squares)
    assert calibration.equation.history.by_set["s"] == pytest.approx({"d0": 3, "d1": 1, "d2": 2})


def test_a_calibration_on_the_same_set_refuses_another_set():
    z, domains = np.random.default_rng(0).normal(size=(2, 20, 14))
    made = runs(2 * z + domains, {"sts_icl": raw(z)})
    calibration = calibrate(made, ["sts_icl"], history="same-set")
    assert calibration.half_width_80 is not None
    with pytest.raises(UserError, match=r"history of .*--history domain"):
        expected(calibration, prediction({f"d{place}": float(place) for place in range(14)}))
