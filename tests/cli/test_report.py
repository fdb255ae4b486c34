"""`sts-eval report` on hand-made records: forms of output, files that are there, and records in the wrong place."""

import csv
import json

import pytest
from helpers import records
from helpers.small_run import call

from sts_eval.reporting.report import folded

FLIPS = {"math": (9, 1), "law": (1, 8), "health": (4, 4), "physics": (2, 3)}


@pytest.fixture
def given(tmp_path):
    """The paths of a prediction and of the change that followed it."""
    prediction = records.prediction({name: float(number) for number, name in enumerate(FLIPS)})
    paths = tmp_path / "prediction.json", tmp_path / "transfer.json"
    prediction.write(paths[0])
    records.transfer(FLIPS, after=prediction).write(paths[1])
    return paths


def test_data_for_programs(given):
    ended = call("report", *given, "-o", "-")
    assert ended.code == 0, ended.err
    deltas = {row["domain"]: row["delta"] for row in json.loads(ended.out)["rows"]}
    assert deltas == pytest.approx({"math": 8, "law": -7, "health": 0, "physics": -1})
    ended = call("report", *given, "--format", "csv")
    rows = list(csv.DictReader(ended.out.splitlines()))
    assert {row["domain"]: float(row["delta"]) for row in rows} == pytest.approx(deltas)


def test_quiet_writes_and_does_not_print(given, tmp_path):
    ended = call("report", *given, "--quiet", "-o", tmp_path / "report.json")
    assert ended == (0, "", "")
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["rows"]


def test_a_report_is_not_overwritten_in_silence(given, tmp_path):
    path = tmp_path / "report.json"
    path.write_text("mine")
    for words in (["-o", path], ["--folder", tmp_path]):
        ended = call("report", *given, *words)
        assert ended.code == 2
        assert "report.json is there already. Give another path, or --force to overwrite it." in ended.err
        assert path.read_text() == "mine"
    assert call("report", *given, "-q", "-o", path, "--force").code == 0
    assert json.loads(path.read_text(encoding="utf-8"))["rows"]


def test_swapped_arguments_are_called_that(given):
    ended = call("report", *reversed(given))
    assert ended.code == 2
    assert "transfer.json is a transfer record, and a prediction record is needed here. Check the order" in ended.err


def test_a_record_of_a_newer_version_is_called_that(given):
    values = json.loads(given[1].read_text(encoding="utf-8"))
    given[1].write_text(json.dumps(values | {"schema_version": 99, "new_field": 1}), encoding="utf-8")
    ended = call("report", *given)
    assert ended.code == 2
    assert "transfer.json has schema version 99, and transfer records are known up to version" in ended.err
    assert "Install a newer version of sts-eval." in ended.err


def test_the_end_says_in_short_what_came_of_the_prediction(given):
    text = call("report", *given).out
    short = text[text.index("In short") :].splitlines()[1:]
    assert short[0] == "Predicted by STS_ICL: physics, health change most, law, math least."
    assert [line.partition(" (")[0] for line in short[1:]] == [
        "Which way it changes: inconclusive",
        "How much a domain changes: inconclusive",
    ]
    assert all("noise ceiling" in line for line in short[1:])


def test_sentences_of_all_paragraphs_are_said_once():
    found = [("one", "r = 0.10 over U.S. law. It is open. This is one run."), ("two", "r = 0.20. This is one run.")]
    assert folded(found) == [
        ("one", "r = 0.10 over U.S. law. It is open."),
        ("two", "r = 0.20."),
        ("In all of these", "This is one run."),
    ]
    assert folded([("one", "Same."), ("two", "Same.")]) == [("In all of these", "Same.")]
    assert folded(found[:1]) == found[:1]
    assert folded([]) == []
