"""Weights by hand: a predictor's scores, history, a calibration and the measured damage."""

import numpy as np
import pytest
from helpers import outcomes, records

from sts_eval.errors import UserError
from sts_eval.mixture.weights import Evidence
from sts_eval.records.calibration import Calibration, Equation, Term

PREDICTION = records.prediction({"d0": 5.0, "d1": 3.0, "d2": -1.0})


def weights(by, **evidence):
    found = Evidence(PREDICTION, **evidence).weights(by)
    return {name: found.of(name) for name in ("d0", "d1", "d2")}, found


def test_a_score_is_the_weight_and_a_negative_one_is_none():
    found, given = weights("sts_icl")
    assert found == {"d0": 5, "d1": 3, "d2": 0}
    assert "d2" in given.notes[0]
    assert weights("equal")[0] == {"d0": 1, "d1": 1, "d2": 1}


def test_history_is_the_mean_fall_in_other_runs():
    # d0 fell by 2 and 4, d1 rose by 1 and fell by 3, d2 rose.
    change = np.array([[-2.0, 1.0, 5.0], [-4.0, -3.0, 1.0]])
    runs = outcomes.outcomes(change, {}, models=("one", "two"), sets=("data",))
    found, given = weights("history", history=runs)
    assert found == {"d0": 3, "d1": 1, "d2": 0}
    assert "mean of 2 runs, 2 of them on a set of this name" in given.notes[0]


def test_a_run_is_not_its_own_history():
    # The second run is the prediction's own: model `org` on the set `data`.
    change = np.array([[-2.0, -1.0, -5.0], [-40.0, -30.0, -10.0]])
    runs = outcomes.outcomes(change, {}, models=("other", "org"), sets=("data",))
    assert weights("history", history=runs)[0] == {"d0": 2, "d1": 1, "d2": 5}
    with pytest.raises(UserError, match="the outcome itself and no history"):
        weights("history", history=runs[1:])


def test_damage_is_the_measured_fall_and_an_oracle():
    found, given = weights("damage", transfer=records.transfer({"d0": (0, 6), "d1": (2, 3), "d2": (4, 0)}))
    assert found == {"d0": 6, "d1": 1, "d2": 0}
    assert given.oracle


def test_a_calibration_gives_the_expected_fall():
    # Standardised scores of (5, 3, -1): mean 7/3, population standard deviation √(56/9); times -2, less 1 point.
    calibration = Calibration(
        created=records.EARLY,
        equation=Equation(intercept=-1.0, terms=(Term(predictor="sts_icl", slope=-2.0),), history=None),
        with_history=False,
        candidates=(),
        half_width_80=None,
        half_width_90=None,
        harder=None,
        hold_outs=(),
        domains=("d0", "d1", "d2"),
        n_runs=4,
        n_models=2,
        n_training_sets=2,
        n_points=12,
        outcomes=(),
        too_little=None,
    )
    scores = np.array([5.0, 3.0, -1.0])
    fall = 1 + 2 * (scores - scores.mean()) / scores.std()
    found, given = weights("calibration", calibration=calibration)
    assert given.scores == pytest.approx(dict(zip(("d0", "d1", "d2"), fall, strict=True)))
    assert found["d2"] == 0 < found["d1"] < found["d0"]


@pytest.mark.parametrize(
    ("by", "says"),
    [
        ("nonsense", "no scores of 'nonsense'; it has sts_icl"),
        ("history", "measured changes of other runs"),
        ("damage", "the measured change"),
        ("calibration", "calibration is needed"),
    ],
)
def test_weights_that_cannot_be_made_are_refused(by, says):
    with pytest.raises(UserError, match=says):
        weights(by)
