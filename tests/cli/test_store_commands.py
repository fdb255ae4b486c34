"""The store's commands as a user meets them."""

import json
from pathlib import Path

import pytest
from helpers.small_run import call
from helpers.submissions import plain, prediction, raw, submission, transfer

from sts_eval.analysis.report import report_run
from sts_eval.queue import worker as worker_module
from sts_eval.store.store import Store


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "whole.json"
    path.write_bytes(raw(submission()))
    return path


@pytest.fixture
def url(tmp_path):
    return str(tmp_path / "store")


def write_run(folder):
    made = prediction()
    happened = transfer(made)
    folder.mkdir(parents=True)
    made.write(folder / "prediction-0a.json")
    happened.write(folder / "transfer-0b.json")
    report_run(made, happened).write(folder / "report.json")


def test_validate_tells_the_tier_and_the_name(file):
    ended = call("store", "validate", file)
    assert ended.code == 0, ended.err
    assert f"valid, recomputed, {submission().sha256()}" in ended.out


def test_every_problem_is_a_line_and_the_exit_code_is_2(file, tmp_path):
    values = plain(submission(evidence=False))
    values["model"]["id"] = "../x"
    values["outcome"]["domains"][0]["n"] = 0
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(values))
    ended = call("store", "validate", file, bad)
    assert ended.code == 2
    assert [line.split(": ")[1] for line in ended.err.splitlines()] == ["$.model.id", "$.outcome.domains[0].n"]
    assert "valid, recomputed" in ended.out
    handed = call("store", "submit", bad, "--to", tmp_path / "store")
    assert (handed.code, handed.err) == (2, ended.err)
    assert not (tmp_path / "store").exists()


def test_the_printed_schema_is_the_published_file(request):
    published = request.config.rootpath / "docs" / "submission.schema.json"
    assert call("store", "validate", "--schema").out == published.read_text(encoding="utf-8")


def test_submit_takes_a_file_and_says_when_it_is_there_already(file, url):
    assert "Submitted: " in call("store", "submit", file, "--to", url).out
    assert "Already there: " in call("store", "submit", file, "--to", url).out
    assert len(Store(url).board()) == 1


def test_submit_takes_a_run_folder_after_its_prediction_was_registered(tmp_path, url):
    write_run(tmp_path / "run")
    assert call("store", "submit", tmp_path / "run", "--to", url).code == 2  # nobody answers for it
    registered = call(
        "store", "preregister", tmp_path / "run" / "prediction-0a.json", "--to", url, "--submitter", "Ada"
    )
    assert f"Registered: {prediction().sha256()}" in registered.out
    ended = call("store", "submit", tmp_path / "run", "--to", url, "--submitter", "Ada")
    assert ended.code == 0, ended.err
    run = Store(url).board().runs.iloc[0]
    assert (run.submitter, run.tier, run.complete) == ("Ada", "recomputed", True)
    assert run.registered is not None


@pytest.mark.parametrize(
    "words",
    [
        ("store", "submit", "nothing.json", "--to", "store"),
        ("store", "preregister", "nothing.json", "--to", "store"),
        ("store", "submit", "nothing.json", "--to", "nonsense://x"),
        ("store", "request", "--store", "store", "--model", "/etc/passwd", "--sft", "a/b"),
        ("store", "ledger", "--store", "store", "--say", "withdrawn", "--of", "abc"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = call(*words)
    assert ended.code == 2
    assert ended.err.startswith("Error: ")
    assert len(ended.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_request_is_run_by_a_worker_and_submitted(tmp_path, url, monkeypatch):
    def pipeline(experiment, folder, register):
        assert experiment.training_set.source.endswith("law.jsonl")
        write_run(folder)

    monkeypatch.setattr(worker_module.work, "__kwdefaults__", {"runs": pipeline})
    Path(url).mkdir()
    assert "There is no request" in call("store", "worker", "--store", url, "--once").out
    asked = call("store", "request", "--store", url, "--model", "lab", "--sft", "lab:law")
    assert asked.out.startswith("Asked for: ")
    assert "before" in call("store", "request", "--store", url, "--model", "lab", "--sft", "lab:law").out
    ended = call("store", "worker", "--store", url, "--once", "--folder", tmp_path / "runs", "--name", "w")
    assert "submitted as" in ended.out, ended.err
    assert Store(url).board().runs["submitter"].tolist() == ["w"]


def test_the_ledger_is_printed_and_added_to(file, url):
    call("store", "submit", file, "--to", url)
    sha = submission().sha256()
    assert call("store", "ledger", "--store", url, "--say", "flagged", "--of", sha[:8], "--why", "odd").code == 0
    lines = call("store", "ledger", "--store", url).out.splitlines()
    assert [line.split()[1] for line in lines] == ["accepted", "flagged"]
    assert lines[1].endswith("odd")
    refused = call("store", "ledger", "--store", url, "--say", "rerun", "--of", sha, "--with", sha)
    assert refused.code == 2
    assert "same tuning" in refused.err


def test_validate_without_a_file_is_a_usage_error():
    assert call("store", "validate").code == 2


@pytest.mark.parametrize("words", [("ledger",), ("worker", "--once")])
def test_a_store_that_does_not_exist_is_named(tmp_path, words):
    called = call("store", *words, "--store", str(tmp_path / "none"))
    assert (called.code, called.err.count("\n")) == (2, 1)
    assert "there is no store" in called.err
    assert not (tmp_path / "none").exists()


def test_a_file_is_no_store(tmp_path):
    (tmp_path / "file").write_text("{}")
    called = call("store", "ledger", "--store", str(tmp_path / "file"))
    assert (called.code, called.err.count("\n")) == (2, 1)
    assert "is a file" in called.err
