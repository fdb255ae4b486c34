"""What the public functions take: a record, what another function returned, or where it is on disk."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from sts_eval.api.results import Result
from sts_eval.errors import UserError
from sts_eval.experiment import Run
from sts_eval.experiment_file import read_experiment
from sts_eval.records.record import Record

Kept = TypeVar("Kept", bound=Record)


def record(kind: type[Kept], given: str | Path | Kept | Result[Kept]) -> Kept:
    """The record itself.

    Raises:
        UserError: The file is missing or is not such a record.
    """
    if isinstance(given, Result):
        return given.record
    return kind.read(Path(given)) if isinstance(given, str | Path) else given


def described(experiment: str | Path | Run) -> Run:
    """The experiment itself.

    Raises:
        UserError: The file cannot be read or describes no run.
    """
    return experiment if isinstance(experiment, Run) else read_experiment(Path(experiment))


def folder_of(experiment: str | Path | Run, folder: str | Path | None) -> Path:
    """Where the records of a run go: `runs/NAME-OF-EXPERIMENT` unless a folder is given.

    Raises:
        UserError: The experiment comes from no file, so it has no name.
    """
    if folder is None and isinstance(experiment, Run):
        raise UserError("a described experiment has no name", "Pass folder=, where its records go")
    return Path(folder) if folder is not None else Path("runs") / Path(str(experiment)).stem
