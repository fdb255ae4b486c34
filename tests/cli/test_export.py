"""`sts-eval export` as a user meets it."""

import json
import subprocess
import sys

import pytest
import yaml
from helpers.exports import IMPORTED, transfer, validated
from helpers.small_run import call
from helpers.submissions import prediction, raw, submission
from helpers.submissions import transfer as made_transfer
from huggingface_hub import parse_eval_result_entries

from sts_eval.analysis.report import report_run


@pytest.fixture
def run(tmp_path):
    made = prediction()
    happened = made_transfer(made)
    folder = tmp_path / "runs" / "demo"
    folder.mkdir(parents=True)
    made.write(folder / "prediction-0a.json")
    happened.write(folder / "transfer-0b.json")
    report_run(made, happened).write(folder / "report.json")
    return folder


def below(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_becomes_the_hubs_files(run, tmp_path):
    ended = call("export", run, "--to", "hub", "-o", tmp_path / "out")
    assert ended.code == 0, ended.err
    files = below(tmp_path / "out")
    assert sorted(files) == [".eval_results/mmlu_pro-domains.yaml", ".eval_results/mmlu_pro.yaml"]
    found = parse_eval_result_entries(yaml.safe_load(files[".eval_results/mmlu_pro-domains.yaml"]))
    accuracies = {change.domain: 100 * change.accuracy_after for change in made_transfer(prediction()).domains}
    assert [one.value for one in found] == pytest.approx(list(accuracies.values()))
    assert ended.out.count("Written: ") == 2
    assert call("export", run, "--to", "hub", "-o", tmp_path / "out").out.count("Already there: ") == 2


def test_another_export_is_not_written_over_without_force(run, tmp_path):
    call("export", run, "--to", "hub", "-o", tmp_path)
    first = below(tmp_path)
    ended = call("export", run, "--to", "hub", "--which", "before", "-o", tmp_path)
    assert ended.code == 2
    assert "pass --force" in ended.err
    assert below(tmp_path) == first
    assert call("export", run, "--to", "hub", "--which", "before", "-o", tmp_path, "--force").code == 0
    assert below(tmp_path) != first


def test_a_submission_becomes_records_that_fit_the_schema(tmp_path):
    file = tmp_path / "submission.json"
    file.write_bytes(raw(submission()))
    names = ("--base-id", "org/base", "--model-id", "me/tuned")
    ended = call("export", file, "--to", "every-eval-ever", "-o", tmp_path / "out", *names)
    assert ended.code == 0, ended.err
    assert "Note" not in ended.out
    assert len(validated(below(tmp_path / "out"))) == 2
    assert len(below(tmp_path / "out")) == 4
    one = ("--which", "after", "--no-instances")
    assert call("export", file, "--to", "every-eval-ever", "-o", tmp_path / "one", *one).code == 0
    (record,) = validated(below(tmp_path / "one")).values()
    assert record["model_info"]["additional_details"]["state"] == "tuned"


def test_the_command_alone_exports_a_transfer_record(tmp_path):
    transfer().write(tmp_path / "transfer.json")
    words = [sys.executable, "-m", "sts_eval.cli", "export", "transfer.json", "--to", "every-eval-ever", "-o", "out"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.count("Written: ") == 4
    assert done.stdout.count("Note: nobody is named as developer") == 2
    for record in validated(below(tmp_path / "out")).values():
        assert json.dumps(record).isascii()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--to", "hub"), "Give --dataset-id OWNER/NAME and --task-id ID"),
        (("--to", "hub", "--which", "both"), "--which both is for --to every-eval-ever"),
        (("--to", "hub", "--base-id", "a/b"), "--base-id is for --to every-eval-ever"),
        (("--to", "every-eval-ever"), "Give --benchmark NAME"),
        (("--to", "every-eval-ever", "--task-id", "x"), "--task-id is for --to hub"),
        (("--to", "every-eval-ever", "--benchmark", "../x"), "--benchmark '../x' is no name"),
        (("--to", "every-eval-ever", "--benchmark", "x", "--organization", "a\udc80"), "is no line of text"),
        (("--to", "every-eval-ever", "--benchmark", "x", "--model-id", "../x"), "'../x' is no repository id"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(words, says, tmp_path):
    transfer(origin=IMPORTED).write(tmp_path / "transfer.json")
    ended = call("export", tmp_path / "transfer.json", "-o", tmp_path / "out", *words)
    assert ended.code == 2
    assert says in ended.err
    assert len(ended.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()
