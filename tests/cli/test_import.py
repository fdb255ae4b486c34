"""`sts-eval import` as a user meets it."""

import json

import pytest
from helpers.small_run import call

from sts_eval.records.transfer import Transfer


@pytest.fixture
def folder(tmp_path):
    """Samples of lm-eval in which two filters read one question, one of them rightly."""
    common = {
        "doc": {"question_id": 7, "category": "law"},
        "doc_id": 0,
        "target": "A",
        "resps": [["The answer is (A)"]],
    }
    readings = [("strict", ["[invalid]"], 0.0), ("loose", ["A"], 1.0)]
    samples = [
        {**common, "filter": name, "filtered_resps": read, "exact_match": right} for name, read, right in readings
    ]
    folder = tmp_path / "results"
    folder.mkdir()
    text = "".join(json.dumps(sample) + "\n" for sample in samples)
    (folder / "samples_law_2026-01-01T10-00-00.123.jsonl").write_text(text)
    return folder


@pytest.mark.parametrize(("name", "accuracy"), [("strict", 0), ("loose", 1)])
def test_one_of_several_filters_is_chosen(folder, tmp_path, name, accuracy):
    path = tmp_path / "transfer.json"
    ended = call("import", "--format", "lm-eval", folder, folder, "-o", path, "--filter", name)
    assert ended.code == 0, ended.err
    assert Transfer.read(path).domains[0].accuracy_before == accuracy


def test_several_filters_without_a_choice_name_the_option(folder, tmp_path):
    ended = call("import", "--format", "lm-eval", folder, folder, "-o", tmp_path / "transfer.json")
    assert ended.code == 2
    assert "Choose one with --filter" in ended.err


def test_a_filter_of_another_format_is_refused(tmp_path):
    ended = call("import", "--format", "table", "answers.csv", "--filter", "strict", "-o", tmp_path / "transfer.json")
    assert ended.code == 2
    assert "--filter is for --format lm-eval" in ended.err
