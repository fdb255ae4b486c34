"""The whole loop on the lab, as small as it can be: five domains, two seeds, two steps, four questions a domain."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

from sts_eval.cli import main
from sts_eval.experiment import MeasureSettings, PredictSettings, Run, TuneSettings
from sts_eval.experiment_file import template
from sts_eval.lab.experiment import lab_experiment
from sts_eval.records.answers import Evaluation
from sts_eval.records.oracle import Oracle
from sts_eval.records.overlap import Overlap
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import Record
from sts_eval.records.report import Report
from sts_eval.records.transfer import DomainChange, Transfer
from sts_eval.records.tuning import SeedTraining, Tuning

DOMAINS = ("math", "law", "health", "physics", "history")

SETTINGS = PredictSettings(shift_tokens=300, domain_tokens=200, seeds=(0,))
TUNE = TuneSettings(
    max_steps=2,
    batch=4,
    per_device_batch=4,
    max_rows=16,
    held_out=4,
    learning_rate=2e-2,
    warmup=0,
    rank=4,
    seeds=(0, 1),
)
MEASURE = MeasureSettings(task="lab_mmlupro", batch_size="64", max_questions=4)

RECORDS: dict[str, type[Record]] = {
    "prediction": Prediction,
    "training": SeedTraining,
    "tuning": Tuning,
    "evaluation": Evaluation,
    "overlap": Overlap,
    "oracle": Oracle,
    "transfer": Transfer,
    "report": Report,
}
"""What a file of a run holds, by the first word of its name."""


def experiment(**changes: dict[str, Any]) -> Run:
    """The small run, with changes by section."""
    lab = lab_experiment("math")
    sections = {
        "model": lab.model.model_copy(update={"device": "cpu"}),
        "benchmark": lab.benchmark.model_copy(update={"domains": DOMAINS}),
        "settings": SETTINGS,
        "tune": TUNE,
        "measure": MEASURE,
    }
    small = lab.model_copy(update=sections)
    return small.model_copy(
        update={name: getattr(small, name).model_copy(update=values) for name, values in changes.items()}
    )


def write_experiment(path: Path, **changes: dict[str, Any]) -> Path:
    """Write the small run's experiment file."""
    path.write_text(template(experiment(**changes)), encoding="utf-8")
    return path


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


def call(*words: object) -> Ended:
    """Call the entry point as the console script does."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        mock.patch.object(sys, "argv", ["sts-eval", *map(str, words)]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
    return Ended(code, out.getvalue(), err.getvalue())


def copied(runs: Path, to: Path) -> Path:
    """A copy of a folder of runs, times of change included, and the run in it."""
    shutil.copytree(runs, to)
    return to / "small"


def records(runs: Path) -> dict[Path, tuple[Record, int]]:
    """Every record below a folder, read and checked, with its time of change. Reports are left out."""
    found = {}
    for path in sorted(runs.rglob("*.json")):
        place = path.relative_to(runs)
        if any(part.startswith(".") or part == "weights" for part in place.parts):
            continue
        record = RECORDS[path.stem.split("-")[0]].read(path)
        if not isinstance(record, Report):
            found[place] = record, path.stat().st_mtime_ns
    return found


def figures(runs: Path) -> tuple[DomainChange, ...]:
    """What the only transfer of a folder of runs says of the domains."""
    (path,) = (runs / "small").glob("transfer*.json")
    return Transfer.read(path).domains


@contextlib.contextmanager
def counted() -> Iterator[Counter[str]]:
    """How often each costly step is taken."""
    import lm_eval

    from sts_eval import pipeline
    from sts_eval.tuning import training

    counter: Counter[str] = Counter()

    def counting(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def counts(*arguments: Any, **named: Any) -> Any:
            counter[name] += 1
            return real(*arguments, **named)

        return counts

    with contextlib.ExitStack() as patches:
        for name, module, function in (
            ("predict", pipeline, "predict"),
            ("train", training, "train"),
            ("evaluate", lm_eval, "simple_evaluate"),
        ):
            real = getattr(module, function)
            patches.enter_context(mock.patch.object(module, function, counting(name, real)))
        yield counter


def environment() -> dict[str, str]:
    """The environment of a process that computes as this one does."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}
