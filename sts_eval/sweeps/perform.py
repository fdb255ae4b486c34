"""Doing one stage, in whatever process. Everything goes through files in the sweep's folder."""

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

from sts_eval.errors import UserError
from sts_eval.progress import Progress, silent, told_in_lines
from sts_eval.quiet import quiet_libraries
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import now
from sts_eval.records.run_folder import RunFolder
from sts_eval.sweeps.matrix import Matrix
from sts_eval.sweeps.stages import Stage
from sts_eval.sweeps.state import StageRecord, Status, record_place


@dataclass(frozen=True)
class Task:
    """An attempt at a stage, as it is handed to a worker."""

    stage: Stage
    matrix: Matrix
    folder: Path  # the sweep's, absolute
    home: Path  # where relative paths in the matrix start
    attempts: int  # those that have ended before
    avoid: str = ""  # host of the last of them, empty where there was none

    def begin(self, host: str, pid: int) -> StageRecord:
        """The record of the attempt as it begins, in a process of a host."""
        return StageRecord(
            stage=self.stage.name,
            kind=self.stage.kind,
            key=self.stage.key,
            status="running",
            attempts=self.attempts,
            started=now(),
            host=host,
            pid=pid,
            log=f"logs/{self.stage.name}-{self.attempts + 1}.log",
        )

    def end(
        self,
        began: StageRecord,
        *,
        error: str | None = None,
        mistake: bool = False,
        seconds: float = 0.0,
        made: tuple[str, ...] = (),
    ) -> StageRecord:
        """The record of the attempt as it ends: done (no error), to be tried again, or quarantined.

        A mistake in the user's description is not tried again. `made` are paths below the sweep's folder.
        """
        failed: Status = "quarantined" if mistake or self.attempts >= self.matrix.retries else "failed"
        changes = {"status": "done" if error is None else failed, "attempts": self.attempts + 1, "finished": now()}
        return began.model_copy(update=changes | {"seconds": round(seconds, 3), "line": error, "made": made})

    def lose(self, error: str) -> StageRecord:
        """The record of an attempt whose worker is gone. Where it ran is known if it had begun."""
        path = record_place(self.folder, self.stage.name)
        began = StageRecord.read(path) if path.is_file() else None
        if began is None or began.status != "running":
            began = self.begin("", 0)
        return self.end(began, error=error)


def attempt(task: Task) -> StageRecord:
    """Try a stage: its record says that it runs, its log takes all output, and no exception leaves it."""
    stage, start = task.stage, time.perf_counter()
    began = task.begin(socket.gethostname(), os.getpid())
    error: str | None = None
    mistake, made = False, tuple[str, ...]()
    try:
        if task.home.is_dir():  # where it is not, paths are expected to be absolute
            os.chdir(task.home)
        began.write(record_place(task.folder, stage.name))
        with _output_to(task.folder / began.log):
            heading = f"{stage.name}, attempt {task.attempts + 1}, {now()}, {began.host}, process {began.pid}"
            print(heading, flush=True)  # noqa: T201 -- the log's first line
            try:
                with told_in_lines(sys.stderr) as tell:
                    done = perform(stage, task.matrix, task.folder, tell)
                made = tuple(str(path.relative_to(task.folder)) for path in done)
            except BaseException:
                traceback.print_exc()
                raise
    except UserError as wrong:
        error, mistake = str(wrong), True
    except (Exception, SystemExit) as broken:
        error = traceback.format_exception_only(broken)[-1].strip()
    gc.collect()  # models of this stage, before the next one loads its own
    return task.end(began, error=error, mistake=mistake, seconds=time.perf_counter() - start, made=made)


def perform(stage: Stage, matrix: Matrix, folder: Path, progress: Progress = silent) -> tuple[Path, ...]:
    """Do a stage with the pipeline, or find it done: records that are there are not made again.

    Returns:
        The files without which it is not done.

    Raises:
        UserError: The user's description, or what it names, is wrong.
    """
    # They load torch, which whoever only plans does without.
    from sts_eval.pipeline import make_evaluation, make_prediction, make_report, make_seed, prediction_file
    from sts_eval.reporting.files import write_report
    from sts_eval.reporting.prediction import draw_scores
    from sts_eval.reporting.report import print_report

    runs = dict(matrix.expand())
    run, files = runs[stage.run], RunFolder.of_sweep(folder, stage.run)
    if stage.kind == "predict":
        make_prediction(run, files, progress)
        return (prediction_file(run, files),)
    if stage.kind == "tune" and stage.seed is not None:
        return (make_seed(run, stage.seed, files, progress).facts,)
    if stage.kind == "report":
        prediction = make_prediction(run, files, progress)
        report = make_report(run, prediction, files, post_hoc=matrix.post_hoc, progress=progress)
        draw_scores(prediction, "sts_icl", files.prediction_plot)
        print_report(report)
        return tuple(write_report(report, files.run))
    candidates = {name: one for name, one in runs.items() if f"predict-{name}" in stage.needs_one} or {stage.run: run}
    for name, one in candidates.items():
        path = prediction_file(one, RunFolder.of_sweep(folder, name))
        if path.is_file():
            return (make_evaluation(run, stage.seed, Prediction.read(path), files, progress),)
    raise FileNotFoundError(f"there is no prediction of {', '.join(candidates)}")


@contextmanager
def _output_to(path: Path) -> Iterator[None]:
    """Append what this process writes to a file: what Python writes, and what libraries write past it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", buffering=1) as file:
        sys.stdout.flush()
        sys.stderr.flush()
        kept = [os.dup(number) for number in (1, 2)]
        try:
            for number in (1, 2):
                os.dup2(file.fileno(), number)
            with redirect_stdout(file), redirect_stderr(file), warnings.catch_warnings():
                quiet_libraries()
                yield
            file.flush()
        finally:
            for number, old in zip((1, 2), kept, strict=True):
                os.dup2(old, number)
                os.close(old)
