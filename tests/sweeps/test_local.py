"""A real sweep on the lab, in order, in a process beside the driver."""

import os
import shutil
import signal
import sys

import pytest
from helpers.small_run import call, records
from helpers.sweeps import InOrder, figures

from sts_eval.analysis.runs import outcome_of
from sts_eval.pipeline import run
from sts_eval.records.answers import Evaluation
from sts_eval.records.prediction import Prediction
from sts_eval.records.tuning import SeedTraining
from sts_eval.reporting.files import write_report
from sts_eval.sweeps.drive import drive, open_book
from sts_eval.sweeps.local import Local
from sts_eval.sweeps.matrix import matrix_template
from sts_eval.sweeps.perform import Task, attempt
from sts_eval.sweeps.stages import plan


def copied(done, folder):
    """A copy of the sweep, times of change included."""
    shutil.copytree(done.folder, folder)
    return folder


def test_all_is_done_and_the_untuned_model_answered_once(done):
    assert set(done.book.standings().values()) == {"done"}
    answered = [Evaluation.read(path).adapter_sha256 for path in (done.folder / "evaluations").iterdir()]
    assert len(answered) == 3
    assert answered.count(None) == 1
    assert len(list((done.folder / "tuning").iterdir())) == 2
    for name in done.names:
        assert {path.name for path in (done.folder / "runs" / name).iterdir()} > {
            "report.json",
            "report.html",
            "scatter.png",
            "prediction.png",
        }


def test_every_prediction_is_older_than_the_tuning_that_follows_it(done):
    predictions = [Prediction.read(path) for path in done.folder.glob("runs/*/prediction-*.json")]
    starts = [SeedTraining.read(path).started for path in done.folder.glob("tuning/*/training.json")]
    assert len(predictions) == len(starts) == 2
    assert not any(outcome_of(done.folder / "runs" / name).post_hoc for name in done.names)


def test_the_outcome_is_that_of_a_run_alone(done, tmp_path):
    name, described = done.matrix.expand()[0]
    write_report(run(described, tmp_path / "runs" / "alone"), tmp_path / "runs" / "alone")
    assert figures(outcome_of(tmp_path / "runs" / "alone")) == figures(outcome_of(done.folder / "runs" / name))


def test_logs_hold_what_was_written(done):
    logs = {path.name: path.read_text(encoding="utf-8") for path in (done.folder / "logs").iterdir()}
    assert set(logs) == {f"{name}-1.log" for name in done.book.stages}
    assert "Which way it changes (accuracy): 1 run" in logs[f"report-{done.names[0]}-1.log"]
    assert "] answers before fine-tuning\n" in next(text for name, text in logs.items() if name.startswith("before"))
    assert "] fine-tuning, seed 0, steps: 0 of " in next(text for name, text in logs.items() if name.startswith("tune"))


def test_a_second_call_does_nothing(done, tmp_path):
    folder = copied(done, tmp_path / "again")
    file = tmp_path / "matrix.yaml"
    file.write_text(matrix_template(done.matrix), encoding="utf-8")
    was = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    ended = call("sweep", file, "--folder", folder)
    assert ended.code == 0, ended.err
    assert f"sts-eval compare {folder}/runs/*" in ended.out
    assert "Nothing is left to do." in ended.out
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == was


def test_stages_without_their_records_load_no_model(done, tmp_path, monkeypatch):
    folder = copied(done, tmp_path / "again")
    shutil.rmtree(folder / "stages")
    was = records(folder / "runs") | records(folder / "tuning") | records(folder / "evaluations")

    def never(*_, **__):
        raise AssertionError("a model is loaded")

    monkeypatch.chdir(tmp_path)  # an attempt goes to the folder that relative paths start from
    monkeypatch.setattr("transformers.AutoModelForCausalLM.from_pretrained", never)
    for stage in {stage.kind: stage for stage in plan(done.matrix)}.values():  # one of each kind
        assert attempt(Task(stage, done.matrix, folder, tmp_path, 0)).status == "done"
    assert records(folder / "runs") | records(folder / "tuning") | records(folder / "evaluations") == was


def without_solutions(folder, matrix):
    """A training set that is wrong."""
    (folder / "bad.jsonl").write_text('{"question": "Why?"}\n', encoding="utf-8")
    return matrix.training_sets[0].model_copy(update={"source": str(folder / "bad.jsonl")})


def test_a_mistake_is_quarantined_and_the_rest_goes_on(done, tmp_path, monkeypatch):
    monkeypatch.setattr("sts_eval.cli.sweep.Local", InOrder)
    folder, file = copied(done, tmp_path / "more"), tmp_path / "matrix.yaml"
    bad = without_solutions(tmp_path, done.matrix)
    grown = done.matrix.model_copy(update={"training_sets": (bad, *done.matrix.training_sets)})
    file.write_text(matrix_template(grown), encoding="utf-8")
    ended = call("sweep", file, "--folder", folder)
    assert ended.code == 3
    (line,) = [line for line in ended.err.splitlines() if line.startswith("quarantined")]
    assert "bad.jsonl" in line
    assert "--retry" in ended.err
    book = open_book(grown, folder)
    assert sorted(book.standings().values()) == ["blocked"] * 3 + ["done"] * 9 + ["quarantined"]
    log = folder / next(record.log for record in book.records.values() if record.status == "quarantined")
    assert "Traceback" in log.read_text(encoding="utf-8")
    status = call("sweep", file, "--folder", folder, "--status")
    assert (status.code, "Not running." in status.out) == (0, True)
    assert "solution" in status.out
    plan_of_it = call("sweep", file, "--folder", folder, "--dry-run")
    assert "3 runs" in plan_of_it.out


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_a_worker_that_is_killed_is_replaced(done, tmp_path):
    matrix = done.matrix.model_copy(update={"training_sets": (without_solutions(tmp_path, done.matrix),)})
    folder, killed = tmp_path / "sweep", []

    def kill(book, _record):
        begun = [record.pid for record in book.records.values() if record.status == "running"]
        if begun and not killed:
            killed.append(begun[0])
            os.kill(killed[0], signal.SIGKILL)

    engine = Local()
    try:
        book = drive(matrix, folder, engine, tell=kill, poll=0.02)
    finally:
        engine.close()
    # The first attempt was lost, and counts; the second found the mistake.
    (record,) = book.records.values()
    assert (record.kind, record.status, record.attempts) == ("predict", "quarantined", 2)
    assert record.pid not in (killed[0], os.getpid())
    assert "solution" in record.line
    assert (folder / record.log).is_file()
