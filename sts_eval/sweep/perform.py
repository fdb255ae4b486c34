"""Doing one stage, in whatever process. Everything goes through files in the sweep's folder.

The layout:

runs/NAME/…      each run's own records, as `sts-eval run` lays them out
evaluations/…    one model's answers each
tuning/…         weights of one model, training set and seed each
"""

from __future__ import annotations

import gc
import os
import socket
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sts_eval.errors import UserError
from sts_eval.experiment import Run
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import now
from sts_eval.sweep.matrix import Matrix
from sts_eval.sweep.stages import Stage
from sts_eval.sweep.state import End, Ended, StageRecord, log_place, record_place

if TYPE_CHECKING:
    from sts_eval.pipeline import Folders  # loads torch, which whoever only plans does without


@dataclass(frozen=True)
class Task:
    """An attempt at a stage, as it is handed to a worker.

    Attributes:
        stage: What to do.
        matrix: What it belongs to.
        folder: The sweep's, absolute.
        home: Folder that relative paths in the matrix start from.
        attempts: Attempts that have ended before.
        avoid: Host of the last of them, empty where there was none.
    """

    stage: Stage
    matrix: Matrix
    folder: Path
    home: Path
    attempts: int
    avoid: str = ""


def attempt(task: Task) -> Ended:
    """Try a stage: its record says that it runs, its log takes all output, and no exception leaves it."""
    stage, start = task.stage, time.perf_counter()
    host, pid, log = socket.gethostname(), os.getpid(), log_place(stage.name, task.attempts + 1)

    def ended(end: End, line: str | None = None, made: tuple[str, ...] = ()) -> Ended:
        return Ended(stage.name, end, time.perf_counter() - start, host, pid, line, made)

    try:
        if task.home.is_dir():  # where it is not, paths are expected to be absolute
            os.chdir(task.home)
        StageRecord(
            stage=stage.name,
            kind=stage.kind,
            key=stage.key,
            status="running",
            attempts=task.attempts,
            started=now(),
            finished=None,
            seconds=0.0,
            host=host,
            pid=pid,
            line=None,
            log=log,
            made=(),
        ).write(record_place(task.folder, stage.name))
        with _output_to(task.folder / log):
            print(f"{stage.name}, attempt {task.attempts + 1}, {now()}, {host}, process {pid}", flush=True)  # noqa: T201 -- the log's first line
            try:
                made = perform(stage, task.matrix, task.folder)
            except BaseException:
                traceback.print_exc()
                raise
        return ended("done", made=tuple(str(path.relative_to(task.folder)) for path in made))
    except UserError as error:
        return ended("mistake", str(error))
    except (Exception, SystemExit) as error:
        return ended("broken", traceback.format_exception_only(error)[-1].strip())
    finally:
        gc.collect()  # models of this stage, before the next one loads its own


def perform(stage: Stage, matrix: Matrix, folder: Path) -> tuple[Path, ...]:
    """Do a stage, or find it done: records that are there are not made again.

    Args:
        stage: What to do.
        matrix: What it belongs to.
        folder: The sweep's.

    Returns:
        The files without which it is not done.

    Raises:
        UserError: The user's description, or what it names, is wrong.
    """
    from sts_eval.pipeline import measured_after, measured_before, predicted, prediction_file, tuned_seed

    runs = dict(matrix.expand())
    run, folders = runs[stage.run], folders_of(folder, stage.run)
    if stage.kind == "predict":
        predicted(run, folders.run)
        return (prediction_file(run, folders.run),)
    if stage.kind == "before":
        candidates = [name for name in runs if f"predict-{name}" in stage.needs_one]
        return (measured_before(run, _any_prediction(candidates, runs, folder), folders),)
    if stage.kind == "tune":
        return (folders.tuning / tuned_seed(run, _seed(stage), folders).folder / "training.json",)
    if stage.kind == "after":
        return (measured_after(run, _seed(stage), _any_prediction([stage.run], runs, folder), folders),)
    return _report(run, matrix, folders.run, folder)


def folders_of(folder: Path, run: str) -> Folders:
    """Where the records of a sweep's run go: evaluations and weights are all runs'."""
    from sts_eval.pipeline import Folders

    return Folders(run=folder / "runs" / run, evaluations=folder / "evaluations", tuning=folder / "tuning")


def _report(run: Run, matrix: Matrix, place: Path, folder: Path) -> tuple[Path, ...]:
    from sts_eval.pipeline import predicted, reported
    from sts_eval.report.prediction import draw_scores
    from sts_eval.report.report import print_report, write_report

    prediction = predicted(run, place)
    report = reported(run, prediction, folders_of(folder, place.name), post_hoc=matrix.post_hoc)
    draw_scores(prediction, "sts_icl", place / "prediction.png")
    print_report(report)
    return tuple(write_report(report, place))


def _seed(stage: Stage) -> int:
    assert stage.seed is not None  # noqa: S101 -- stages about a tuning have one
    return stage.seed


def _any_prediction(names: list[str], runs: dict[str, Run], folder: Path) -> Prediction:
    """A prediction that is there, of one of these runs."""
    from sts_eval.pipeline import prediction_file

    for name in names:
        path = prediction_file(runs[name], folders_of(folder, name).run)
        if path.is_file():
            return Prediction.read(path)
    raise FileNotFoundError(f"there is no prediction of {', '.join(names)}")


@contextmanager
def _output_to(path: Path) -> Iterator[None]:
    """Append what this process writes to a file: what Python writes, and what libraries write past it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", buffering=1) as file, _descriptors_to(file.fileno()):
        with redirect_stdout(file), redirect_stderr(file), warnings.catch_warnings():
            yield
        file.flush()


@contextmanager
def _descriptors_to(target: int) -> Iterator[None]:
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(number) for number in (1, 2)]
    try:
        for number in (1, 2):
            os.dup2(target, number)
        yield
    finally:
        for number, old in zip((1, 2), kept, strict=True):
            os.dup2(old, number)
            os.close(old)
