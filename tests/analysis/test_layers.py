"""STS read at several layers, and the choice among them on other runs."""

import numpy as np
import pytest
from helpers.outcomes import outcomes
from helpers.records import LATE, prediction, transfer, tuned

from sts_eval.analysis.aligned_runs import align
from sts_eval.analysis.layers import depth
from sts_eval.analysis.report import report_run
from sts_eval.analysis.runs import outcome_of
from sts_eval.analysis.tuned_sts import tuned_predictors
from sts_eval.errors import UserError

SCORES = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}
OTHER = {"a": 4.0, "b": 1.0, "c": 3.0, "d": 2.0}
FLIPS = {"a": (5, 4), "b": (9, 2), "c": (3, 3), "d": (12, 1)}


@pytest.mark.parametrize(
    ("layer", "n_layers", "where"),
    [(0, 3, "early"), (1, 3, "middle"), (2, 3, "late"), (15, 30, "middle"), (24, 30, "late"), (11, 18, "middle")],
)
def test_the_thirds_of_a_model(layer, n_layers, where):
    assert depth(layer, n_layers) == where


def at_layer(layer, *, sae, created=None):
    """A prediction of the same run by another SAE."""
    made = prediction(OTHER, **({"created": created} if created else {}))
    return made.model_copy(update={"sae": made.sae.model_copy(update={"layer": layer, "weights_sha256": sae})})


def run_folder(tmp_path, *others):
    made = prediction(SCORES)
    happened = transfer(FLIPS, after=made)
    made.write(tmp_path / "prediction-0a.json")
    happened.write(tmp_path / "transfer-0b.json")
    report_run(made, happened).write(tmp_path / "report.json")
    for place, other in enumerate(others):
        other.write(tmp_path / f"prediction-other{place}.json")
    return tmp_path


def test_a_prediction_by_another_sae_in_the_folder_of_a_run_is_a_variant_of_sts(tmp_path):
    outcome = outcome_of(run_folder(tmp_path, at_layer(0, sae="1")))
    assert outcome.scores("sts_icl") == SCORES
    assert outcome.scores("sts_icl_early") == OTHER
    aligned = align([outcome])
    assert "sts_icl_early" in aligned.variants
    assert "sts_icl_early" not in aligned.predictors


def test_a_prediction_by_the_same_sae_is_none(tmp_path):
    outcome = outcome_of(run_folder(tmp_path, at_layer(0, sae="0")))
    assert not {one.name for one in outcome.predictors} & {"sts_icl_early", "sts_act_early"}


def test_two_saes_in_one_third_are_refused_by_their_layers(tmp_path):
    with pytest.raises(UserError, match=r"early third of the model \(layers 0 and 0\)"):
        outcome_of(run_folder(tmp_path, at_layer(0, sae="1"), at_layer(0, sae="2")))


def test_the_layer_is_chosen_on_runs_of_other_models_and_sets():
    rng = np.random.default_rng(0)
    y = rng.normal(size=(4, 8))
    early, middle = y.copy(), y.copy()
    early[0] = -y[0]  # the early layer is wrong on the first run, which must not count in the first run's own choice
    middle[1:] = rng.normal(size=(3, 8))
    runs = outcomes(y, {"sts_icl": middle, "sts_icl_early": early}, models=["m", "n"], sets=["s", "t"])
    aligned = align([as_layer(one) for one in runs])
    tuned = tuned_predictors(aligned, y)["sts_icl_tuned"]
    assert tuned.scores[0] == pytest.approx(early[0])
    assert "layer" in tuned.summary


def test_a_layer_that_a_run_lacks_is_not_chosen_for_it():
    y = np.random.default_rng(1).normal(size=(4, 8))
    runs = outcomes(y, {"sts_icl": -y, "sts_icl_late": y}, models=["m", "n"], sets=["s", "t"])
    lacking = runs[0].model_copy(update={"predictors": tuple(p for p in runs[0].predictors if p.name == "sts_icl")})
    tuned = tuned_predictors(align([as_layer(one) for one in (lacking, *runs[1:])]), y)["sts_icl_tuned"]
    assert tuned.scores[0] == pytest.approx(-y[0])
    assert tuned.scores[3] == pytest.approx(-y[3])  # its only other run is the first, which has one layer


def as_layer(outcome):
    """The outcome with scores of other layers marked as such."""
    return outcome.model_copy(
        update={
            "predictors": tuple(
                one.model_copy(update={"group": "sts_layers"}) if one.name.count("_") > 1 else one
                for one in outcome.predictors
            )
        }
    )


def test_a_prediction_after_tuning_started_is_left_out(tmp_path):
    made = prediction(SCORES)
    happened = transfer(FLIPS, after=made)
    happened = happened.model_copy(update={"tuning": tuned(made)})
    folder = run_folder(tmp_path, at_layer(0, sae="1", created=LATE.replace("01-02", "01-03")))
    happened.write(folder / "transfer-0b.json")
    report_run(made, happened).write(folder / "report.json")
    assert "sts_icl_early" not in {one.name for one in outcome_of(folder).predictors}
