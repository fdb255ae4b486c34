"""What the public functions take: a record, what another function returned, or where it is on disk."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from pathlib import Path
from typing import Any, TypeVar

from sts_eval.api.results import Result, RunResult
from sts_eval.errors import UserError
from sts_eval.experiment import Run
from sts_eval.experiment_file import read_experiment
from sts_eval.records.record import Record

Kept = TypeVar("Kept", bound=Record)


def place(given: object, what: str) -> Path:
    """Where something is.

    Raises:
        UserError: It is neither a text nor a path, or an empty text.
    """
    if not isinstance(given, str | Path) or not str(given):
        raise UserError(f"{given!r} is no {what}", "Give its path as a text or a Path")
    return Path(given)


def several(given: object, what: str) -> tuple[Any, ...]:
    """What was given, one of it by itself included.

    Raises:
        UserError: It is neither one nor a collection of them.
    """
    if isinstance(given, str | Path | RunResult):
        return (given,)
    if not isinstance(given, Iterable):
        raise UserError(f"{given!r} is no list of {what}s", "Give one, or a list of them")
    return tuple(given)


def runs_of(given: object) -> list[Path]:
    """Folders of runs and .jsonl files of outcomes.

    Raises:
        UserError: One is neither a path nor what `run` returned.
    """
    return [one.folder if isinstance(one, RunResult) else place(one, "run") for one in several(given, "run")]


def whole(given: object, name: str) -> int:
    """A whole number.

    Raises:
        UserError: It is something else.
    """
    if isinstance(given, bool) or not isinstance(given, Integral):
        raise UserError(f"{name}={given!r} is no whole number", f"Correct {name}")
    return int(given)


def record(kind: type[Kept], given: str | Path | Kept | Result[Kept]) -> Kept:
    """The record itself.

    Raises:
        UserError: The file is missing or is not such a record.
    """
    held = given.record if isinstance(given, Result) else given
    if isinstance(held, kind):
        return held
    name = kind.__name__.lower()
    if isinstance(held, Record):
        raise UserError(f"{held!r} is no {name}", f"Give a {name}, or the path of its record")
    return kind.read(place(held, f"{name} record"))


def described(experiment: str | Path | Run) -> Run:
    """The experiment itself.

    Raises:
        UserError: The file cannot be read or describes no run.
    """
    return experiment if isinstance(experiment, Run) else read_experiment(place(experiment, "experiment"))


def folder_of(experiment: str | Path | Run, folder: str | Path | None) -> Path:
    """Where the records of a run go: `runs/NAME-OF-EXPERIMENT` unless a folder is given.

    Raises:
        UserError: The experiment comes from no file, so it has no name.
    """
    if folder is None and isinstance(experiment, Run):
        raise UserError("a described experiment has no name", "Pass folder=, where its records go")
    return Path(folder) if folder is not None else Path("runs") / Path(str(experiment)).stem
