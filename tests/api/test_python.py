"""`import sts_eval as se` on the embedded lab: what a notebook does, and what it shows."""

import re
import subprocess
import sys
import warnings
from pathlib import Path

import matplotlib.figure
import pytest

import sts_eval as se
from sts_eval.errors import UserError
from sts_eval.lab import benchmark_path, model_path, sae_path, sft_path
from sts_eval.model.load import load_model, load_tokenizer
from sts_eval.quiet import quietly

SMALL = {"shift_tokens": 300, "domain_tokens": 120, "seeds": (0,), "only": ("law", "math", "health")}


def predicted(**given):
    asked = {"model": model_path(), "sae": sae_path(), "sft": sft_path("law")} | given
    return se.predict(**asked, domains=benchmark_path(), **SMALL)


@pytest.fixture(scope="module")
def prediction():
    return predicted()


def test_the_package_names_its_functions_and_loads_no_torch():
    code = "import sys, sts_eval as se; print(sorted(set(dir(se)) - {'__version__'}) == sorted(se.__all__)); "
    code += "se.predict; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_a_prediction_shows_itself_as_a_table(prediction):
    lines = repr(prediction).splitlines()
    assert "tuned on law.jsonl" in lines[0]
    assert lines[1].split() == ["domain", "sts_icl", "sts_act", "sts_notebook", "questions"]
    assert len(lines) == 5
    assert prediction._repr_html_().count("<tr") == 4


def test_its_frame_has_a_row_per_domain_and_predictor(prediction):
    frame = prediction.to_frame()
    assert list(frame.columns) == ["domain", "predictor", "score", "standard_error"]
    assert len(frame) == 3 * len(prediction.record.predictors)
    law = frame[(frame.domain == "law") & (frame.predictor == "sts_icl")]
    assert law.score.item() == prediction.record.predictor("sts_icl").scores["law"].value


def test_its_features_and_its_plot(prediction):
    features = prediction.features()
    assert set(features.feature) == set(prediction.record.shifts[0].features)
    kept = features[features.dropped == ""]
    assert list(kept.particular) == sorted(kept.particular, reverse=True)
    plot = prediction.plot("sts_act")
    assert isinstance(plot, matplotlib.figure.Figure)
    assert plot._repr_png_().startswith(b"\x89PNG")  # without it a notebook shows the figure's name


def test_rows_to_add_by_domain(prediction, tmp_path):
    mixture = se.mix(prediction, sft_path("law").parent, 30, protect=["math", "health"])
    frame = mixture.to_frame()
    assert set(frame.domain) == {"math", "health"}
    assert list(frame.weight) == sorted(frame.weight, reverse=True)
    assert frame.taken.sum() == 30
    assert repr(mixture).splitlines()[0] == "30 rows to add to law.jsonl by sts_icl"
    assert mixture.record.mixture is None  # nothing is written
    saved = prediction.save(tmp_path / "prediction.json")
    written = se.mix(saved, sft_path("law").parent, 30, protect=["math", "health"], output=tmp_path / "mixture.jsonl")
    assert written.record.domains == mixture.record.domains
    again = se.read(tmp_path / "mixture.json")
    assert isinstance(again, se.MixtureResult)
    assert again.record.mixture.rows == again.record.training_set.rows + 30


def test_a_call_leaves_the_filters_of_warnings_as_they_were():
    with quietly():
        inside = list(warnings.filters)
    assert warnings.filters != inside
    assert any(found[1] is not None and found[1].match("IProgress not found. Please") for found in inside)


def test_what_is_loaded_already_gives_the_same_scores(prediction):
    from sae_lens import SAE

    spec = prediction.record.experiment.model
    loaded = predicted(model=(load_model(spec), load_tokenizer(spec)), sae=SAE.load_from_disk(str(sae_path())))
    assert loaded.record.predictor("sts_icl").values == prediction.record.predictor("sts_icl").values
    assert loaded.record.sae.weights_sha256 == prediction.record.sae.weights_sha256


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"shift_token": 3}, "no setting 'shift_token'. Did you mean 'shift_tokens'"),
        ({"sae": object()}, "a loaded SAE needs a loaded model"),
        ({"model": (object(), object())}, "a loaded model needs a loaded SAE"),
        ({"top_n": 0}, "top_n=0: Input should be greater than or equal to 1"),
    ],
)
def test_mistakes_are_one_line(given, says):
    with pytest.raises(UserError, match=says.replace("(", r"\(")):
        se.predict(**{"model": "org/m", "sft": "x.jsonl", "sae": str(sae_path())} | given)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (lambda prediction: se.mix(5, "pool.jsonl", 5), "5 is no prediction record"),
        (lambda prediction: se.mix(5), "a mixture needs a pool (--pool), a budget (--budget)"),
        (se.mix, "a mixture needs a pool (--pool), a budget (--budget)"),
        (lambda prediction: se.mix(prediction, "pool.jsonl"), "a mixture needs a budget (--budget)"),
        (lambda prediction: se.mix(pool="pool.jsonl", budget=5), "a mixture needs a prediction"),
        (lambda prediction: se.compare_arms(5), "5 is no folder of arms"),
        (lambda prediction: se.compare_arms("arms", measure="nll"), "measure='nll' is unknown"),
        (lambda prediction: se.mix(prediction, 5, 5), "5 is no pool"),
        *((lambda prediction, n=n: se.mix(prediction, "pool.jsonl", n), f"budget={n!r} is") for n in ("x", 2.5, True)),
        (lambda prediction: se.mix(prediction, sft_path("law"), 5, protect="music"), "no domain 'music'"),
        (lambda prediction: se.report(prediction, prediction), "is no transfer"),
        (lambda prediction: se.run(5), "5 is no experiment"),
        *((lambda prediction, given=given: se.read(given), f"{given!r} is no record") for given in (5, None, "")),
        (lambda prediction: se.compare(5), "5 is no list of runs"),
        (lambda prediction: se.compare("runs/base"), "there is no run runs/base."),
        (lambda prediction: se.calibrate([None]), "None is no run"),
        (lambda prediction: se.predict("org/m", sft=None), "None is no training set"),
        (lambda prediction: se.predict(5, sft="x.jsonl"), "5 is no model"),
    ],
)
def test_what_is_given_in_place_of_a_record_a_path_or_a_number(prediction, asked, says):
    with pytest.raises(UserError, match=re.escape(says)):
        asked(prediction)


def test_a_saved_record_reads_back_with_its_views(prediction, tmp_path):
    again = se.read(prediction.save(tmp_path / "prediction.json"))
    assert isinstance(again, se.PredictionResult)
    assert again.record == prediction.record
    (tmp_path / "other.json").write_text('{"a": 1}', encoding="utf-8")
    with pytest.raises(UserError, match=r"other\.json is no record of sts-eval"):
        se.read(tmp_path / "other.json")


def test_a_record_is_short_where_it_is_printed(prediction):
    assert repr(prediction.record) == f"<Prediction {prediction.record.sha256()[:12]}>"


def test_the_document_names_what_there_is():
    text = (Path(se.__file__).parents[1] / "docs" / "python.md").read_text(encoding="utf-8")
    functions = {name for name in se.__all__ if name[0].islower()}
    assert set(re.findall(r"se\.(\w+)\(", text)) <= functions
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == functions
