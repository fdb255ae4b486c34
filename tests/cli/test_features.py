"""`sts-eval features`: the table, the page and a judge's labels, from a record alone."""

import json

import pytest
from helpers.meanings import courts
from helpers.records import prediction
from helpers.small_run import call

from sts_eval import lab
from sts_eval.records.feature_labels import FeatureLabels


@pytest.fixture
def record(tmp_path):
    path = tmp_path / "prediction.json"
    prediction({"law": 2.0}).model_copy(update={"meanings": courts()}).write(path)
    return path


def test_the_table_and_the_page(record, tmp_path):
    ended = call("features", record, "--html", tmp_path / "page.html")
    assert ended.code == 0
    assert "[court] again" in ended.out
    assert "<mark" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_the_lab_model_judges_and_its_labels_are_written(record, tmp_path):
    written = tmp_path / "labels.json"
    ended = call("features", record, "--show", 1, "--judge", lab.model_path(), "-o", written)
    assert ended.code == 0, ended.err
    (label,) = FeatureLabels.read(written).labels
    assert label.feature == 7
    assert "balanced accuracy" in ended.out
    assert json.loads(written.read_text())["judge"] == str(lab.model_path())


@pytest.mark.parametrize(("answer", "warns"), [("", True), ("no", False)])
def test_a_judge_of_whom_nothing_could_be_read_is_warned_of(record, monkeypatch, answer, warns):
    monkeypatch.setattr("sts_eval.judge.chat.local_chat", lambda spec: lambda prompt: answer)
    ended = call("features", record, "--judge", "m")
    assert (ended.code, "Warning: none of the judge's answers was yes or no" in ended.out) == (0, warns)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--judge", "http://127.0.0.1:9/v1"), "--judge-model"),
        (("--judge", "nowhere", "--judge-model", "m"), "names a model at an address"),
        (("-o", "labels.json"), "Add --judge"),
        (("--judge", "ftp://x/v1", "--judge-model", "m"), "no address of http"),
    ],
)
def test_what_is_wrong_is_one_line(record, options, says):
    ended = call("features", record, *options)
    assert ended.code == 2
    assert says in ended.err
    assert len([line for line in ended.err.splitlines() if line.startswith("Error:")]) == 1


def test_a_record_without_meanings_is_one_line(tmp_path):
    prediction({"law": 2.0}).write(tmp_path / "older.json")
    ended = call("features", tmp_path / "older.json")
    assert (ended.code, ended.out) == (2, "")
    assert "sts-eval predict --meanings" in ended.err


def test_a_page_is_refused_where_meanings_are_left_out(tmp_path):
    ended = call("predict", "--model", "m", "--sft", "s", "--no-meanings", "--html", tmp_path / "page.html")
    assert ended.code == 2
    assert "--no-meanings" in ended.err
