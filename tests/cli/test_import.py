"""`sts-eval import` as a user meets it."""

import json
from pathlib import Path

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


CASES = Path(__file__).parents[1] / "cases" / "import"
TABLE = CASES / "table_semicolon.csv"


def test_a_record_is_not_overwritten_in_silence(tmp_path):
    path = tmp_path / "transfer.json"
    assert call("import", "--format", "table", TABLE, "-o", path).code == 0
    first = path.read_bytes()
    other = CASES / "table_case_space.csv"
    ended = call("import", "--format", "table", other, "-o", path)
    assert ended.code == 2
    assert "transfer.json is there already. Give another path, or --force to overwrite it." in ended.err
    assert path.read_bytes() == first
    assert call("import", "--format", "table", other, "-o", path, "--force").code == 0
    assert Transfer.read(path).domains[0].accuracy_after == 1


def test_the_models_can_be_named(tmp_path):
    path = tmp_path / "transfer.json"
    names = ("--model-before", "org/base", "--model-after", "org/tuned")
    assert call("import", "--format", "table", TABLE, "-o", path, *names).code == 0
    assert (Transfer.read(path).model_before, Transfer.read(path).model_after) == ("org/base", "org/tuned")


SAMPLES, SCRIPT = CASES / "lm_eval_json_list", CASES / "official_api_folder"


@pytest.mark.parametrize(
    ("form", "paths", "said"),
    [
        ("mmlu-pro", (SAMPLES / "before", SAMPLES / "after"), "Give --format lm-eval."),
        ("lm-eval", (SCRIPT / "before", SCRIPT / "after"), "Give --format mmlu-pro."),
        ("lm-eval", (TABLE, TABLE), "Give --format table."),
        ("table", (SCRIPT / "before" / "math_result.json",), "Give --format mmlu-pro."),
        ("every-eval-ever", (SAMPLES / "before", SAMPLES / "after"), "Give --format lm-eval."),
    ],
)
def test_another_format_is_named(tmp_path, form, paths, said):
    ended = call("import", "--format", form, *paths, "-o", tmp_path / "transfer.json")
    assert ended.code == 2
    assert ended.err.count("\n") == 1
    assert said in ended.err
    assert not (tmp_path / "transfer.json").exists()


@pytest.mark.parametrize("form", ["lm-eval", "mmlu-pro", "table", "every-eval-ever"])
@pytest.mark.parametrize("as_folder", [True, False])
def test_a_record_of_our_own_is_recognised(tmp_path, form, as_folder):
    (tmp_path / "run").mkdir()
    record = tmp_path / "run" / "transfer-77b0c412.json"
    assert call("import", "--format", "table", TABLE, "-o", record).code == 0
    paths = [tmp_path / "run" if as_folder else record] * (1 if form == "table" else 2)
    ended = call("import", "--format", form, *paths, "-o", tmp_path / "transfer.json")
    assert ended.code == 2
    assert f"is a transfer record of sts-eval. It needs no import: sts-eval report PREDICTION {record}." in ended.err


@pytest.mark.parametrize("form", ["lm-eval", "mmlu-pro", "table", "every-eval-ever"])
def test_what_is_nothing_is_refused_in_one_line(tmp_path, form):
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.txt").write_text("x")
    (tmp_path / "pair.json").write_text('{"a": 1}')
    (tmp_path / "null.jsonl").write_text("null\n")
    (tmp_path / "bytes.zip").write_bytes(b"\x00\x01")
    (tmp_path / "bytes.parquet").write_bytes(b"PAR1")
    names = ("folder", "text.txt", "pair.json", "null.jsonl", "bytes.zip", "bytes.parquet", "missing", "missing.json")
    for name in names:
        paths = [tmp_path / name] * (1 if form == "table" else 2)
        ended = call("import", "--format", form, *paths, "-o", tmp_path / "transfer.json")
        assert ended.code == 2, name
        assert ended.err.startswith("Error: "), (name, ended.err)
        assert ended.err.count("\n") == 1, (name, ended.err)
