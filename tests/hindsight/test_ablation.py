"""Zero-ablation on the lab, from the command line to the sentence; and what it refuses."""

import json
import shutil

import numpy as np
import pytest
from helpers.records import transfer
from helpers.small_run import call, experiment
from helpers.tiny import silent

from sts_eval.analysis.ablation import conclusions, summarise_ablation
from sts_eval.data.benchmark import load_benchmark
from sts_eval.experiment import AblationSettings, ModelSpec
from sts_eval.hindsight.ablation import Ablated, Zeroed, ablate
from sts_eval.pipeline import make_tuning, predicted_part
from sts_eval.prediction.predict import predict
from sts_eval.records.ablation import Ablation, AblationCell
from sts_eval.records.run_folder import RunFolder
from sts_eval.statistics.seeds import mean_change_over_seeds
from sts_eval.study.extractor import load_extractor
from sts_eval.study.feature_choice import FeatureActivity
from sts_eval.study.losses import read_answering
from sts_eval.transfer.measure import refer_to

SMALL_RUN = experiment(benchmark={"domains": ("law", "math")})

SETTINGS = AblationSettings(counts=(10, 30), draws=2, questions=2, rows=2)
SMALL = ("--count", 10, "--draws", 2, "--questions", 2, "--rows", 2)
SETS = ("predicted", "actual", "most_active", "random", "matched")


@pytest.fixture(scope="module")
def prediction():
    """A prediction for two domains."""
    return predict(predicted_part(SMALL_RUN))


@pytest.fixture(scope="module")
def run(prediction, tmp_path_factory):
    """The folder of a run with two tuned seeds, without a report; what was measured is made up."""
    files = RunFolder.of(tmp_path_factory.mktemp("runs") / "small")
    prediction.write(files.prediction("0" * 8))
    tuning = make_tuning(SMALL_RUN, refer_to(prediction), files)
    made_up_transfer = transfer({"law": (1, 2)}, after=prediction).model_copy(update={"tuning": tuning})
    made_up_transfer.write(files.transfer("0" * 8))
    return files.run


@pytest.fixture(scope="module")
def measured(run):
    """What the command said and wrote."""
    return call("ablate", run, *SMALL), Ablation.read(run / "ablation" / "ablation.json")


def test_the_command_measures_both_models_and_all_five_sets(run, measured):
    ended, ablation = measured
    assert ended.code == 0, ended.err
    assert ablation.tuning_seeds == (0, 1)
    found = {(one.tuned, one.features, one.count) for one in ablation.points}
    assert found == {(tuned, name, 10) for tuned in (False, True) for name in SETS}
    assert sorted(ablation.questions) == sorted(one.domain for one in ablation.points[0].domains)
    assert all(line in " ".join(ended.out.split()) for line in conclusions(ablation))
    assert (run / "ablation" / "ablation.png").read_bytes().startswith(b"\x89PNG")
    assert "predicted features" in (run / "ablation" / "ablation.md").read_text(encoding="utf-8")


def test_no_question_was_read_by_the_prediction(run, measured):
    record = json.loads(next(run.glob("prediction*.json")).read_text(encoding="utf-8"))
    for domain in record["domains"]:
        assert not set(domain["question_ids"]) & set(measured[1].questions[domain["domain"]])


def test_finished_cells_are_not_measured_again(run, measured):
    cells = sorted((run / "ablation" / "cells").glob("cell-*.json"))
    # Per model: none; predicted, actual and most active once, random and matched twice.
    assert len(cells) == 3 * (1 + 3 + 2 * 2)
    cells[0].unlink()
    before = {cell: cell.stat().st_mtime_ns for cell in cells[1:]}
    again = call("ablate", run, *SMALL)
    assert again.code == 0
    assert {cell: cell.stat().st_mtime_ns for cell in cells[1:]} == before
    assert cells[0].is_file()
    drop = {"created", "seconds"}
    assert Ablation.read(run / "ablation" / "ablation.json").model_dump(exclude=drop) == measured[1].model_dump(
        exclude=drop
    )


def test_none_at_zero_is_the_model_as_it_is(prediction, tmp_path):
    ablated = ablate(prediction, [], SETTINGS, tmp_path, silent)
    cell = ablated.cells[Zeroed(None, "none", 0, ())]
    made = load_extractor(prediction.experiment.model, prediction.experiment.sae, prediction.experiment.settings)
    answers = read_answering(made, ablated.questions, made.prompter.demonstrations([]))
    for name, own in answers.items():
        assert cell.logprob[name] == tuple(round(float(one), 6) for one in own.share_logprob)
        assert cell.right[name] == "".join("01"[int(one)] for one in own.correct)
    assert {one.tuning_seed for one in ablated.cells} == {None}
    assert {one.features for one in ablated.cells} == {"none", "predicted", "most_active", "random", "matched"}


def test_counts_above_the_live_features_are_left_out_and_said(prediction, tmp_path):
    settings = SETTINGS.model_copy(update={"counts": (10, 1000), "draws": 1})
    ablated = ablate(prediction, [], settings, tmp_path, silent)
    n_live = len(ablated.activity.live)
    assert n_live < 1000
    assert {len(one.chosen) for one in ablated.cells} == {0, 10}
    assert f"predicted: 1000 features, of which the largest set has {n_live}" in ablated.left_out


def made_up(columns):
    """An ablation of the untuned model whose held-out scores are given, by set and draw."""
    activity = FeatureActivity(np.ones(4), np.ones(4), np.ones(4))
    cells = {
        Zeroed(None, name, draw, tuple(range(count))): AblationCell(
            key="", features=(), right={"law": "1" * 4}, logprob={"law": (0.0,) * 4}, target=values, seconds=0
        )
        for (name, draw, count), values in columns.items()
    }
    return Ablated(cells, {"law": load_questions()}, (0, 1, 2, 3), activity, "hook", ())


def load_questions():
    return load_benchmark(SMALL_RUN.benchmark).domains["law"].questions[:4]


def test_the_sentence_follows_the_interval(prediction):
    none = (-1.0, -2.0, -1.0, -2.0)
    worse = tuple(value - 1 - 0.1 * (place % 2) for place, value in enumerate(none))
    columns = {("none", 0, 0): none, ("predicted", 0, 2): worse, ("matched", 0, 2): none, ("matched", 1, 2): none}
    ablation = summarise_ablation(prediction, made_up(columns), SETTINGS)
    # 1, 1.1, 1, 1.1 lower: mean 1.05, standard error .0577/√4.
    effect = ablation.point("predicted", 2, tuned=False).target
    assert (effect.value, effect.se) == (pytest.approx(-1.05), pytest.approx(0.028868, rel=1e-4))
    contrast = ablation.contrast("matched", 2, "target", tuned=False).effect
    by_hand = mean_change_over_seeds(np.array([none, none]), np.array([worse, worse]))
    assert contrast.value == pytest.approx(-1.05)
    assert contrast.interval == pytest.approx((by_hand.interval.low, by_hand.interval.high))
    assert "predicted features hurt more than matched random ones (-1.05 nats per token" in conclusions(ablation)[0]
    same = summarise_ablation(prediction, made_up(columns | {("predicted", 0, 2): (-1.1, -1.9, -1, -2)}), SETTINGS)
    assert "predicted features are not shown to hurt more" in conclusions(same)[0]
    others = {("matched", 0, 2): worse, ("matched", 1, 2): worse, ("predicted", 0, 2): none}
    other = summarise_ablation(prediction, made_up(columns | others), SETTINGS)
    assert "predicted features hurt less" in conclusions(other)[0]


@pytest.mark.parametrize("given", [("--count", 0), ("--draws", 0), ("--questions", 0)])
def test_numbers_that_are_not_positive(run, given):
    ended = call("ablate", run, *given)
    assert (ended.code, ended.err.count("Error:"), ended.err.count("\n")) == (2, 1, 1)
    assert str(given[0]) in ended.err


def refusal(prediction, tmp_path, *words):
    path = tmp_path / "prediction.json"
    prediction.write(path)
    ended = call("ablate", path, *SMALL[2:], *(words or SMALL[:2]))
    assert ended.code == 2
    assert not (tmp_path / "ablation" / "ablation.json").exists()
    return ended.err.splitlines()[-1]


def test_a_prediction_without_a_ranking(prediction, tmp_path):
    assert "has no ranking of features" in refusal(prediction.model_copy(update={"shifts": ()}), tmp_path)


@pytest.mark.parametrize("above", [0, 1])
def test_more_features_than_there_are(prediction, tmp_path, above, monkeypatch):
    most = prediction.sae.d_sae
    said = refusal(prediction, tmp_path, "--count", most + above)
    assert said.endswith("or less.")
    assert (f"the SAE has {most} features, fewer than the {most + 1} to set to zero" in said) == bool(above)


def test_a_file_in_place_of_a_folder(prediction, tmp_path):
    (tmp_path / "taken").write_text("a", encoding="utf-8")
    said = refusal(prediction, tmp_path, *SMALL[:2], "-o", tmp_path / "taken")
    assert said.endswith("taken is a file. Give a folder.")


def test_another_model(prediction, tmp_path):
    place = tmp_path / "other"
    shutil.copytree(prediction.experiment.model.id, place)
    from safetensors.torch import load_file, save_file

    (weights,) = place.glob("*.safetensors")
    changed = {name: tensor * (1.5 if "mlp.down" in name else 1) for name, tensor in load_file(weights).items()}
    save_file(changed, weights, metadata={"format": "pt"})
    described = prediction.experiment.model_copy(update={"model": ModelSpec(id=str(place), device="cpu")})
    assert "is not the one of the prediction" in refusal(
        prediction.model_copy(update={"experiment": described}), tmp_path
    )


def test_another_sae(prediction, tmp_path):
    other = prediction.sae.model_copy(update={"weights_sha256": "0" * 64})
    assert "the SAE's weights are not those" in refusal(prediction.model_copy(update={"sae": other}), tmp_path)


def test_a_folder_without_a_run(tmp_path):
    ended = call("ablate", tmp_path)
    assert ended.code == 2
    assert "holds 0 predictions" in ended.err
