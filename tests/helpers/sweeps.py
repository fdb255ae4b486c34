"""Matrices of the small run, and engines that do what a test says."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from helpers import small_run

from sts_eval.analysis.runs import outcome_of
from sts_eval.experiment import SAESpec, TrainingSetSpec
from sts_eval.lab import sft_path
from sts_eval.records.outcome import Outcome
from sts_eval.sweeps.matrix import Matrix, MatrixModel
from sts_eval.sweeps.perform import Task, attempt
from sts_eval.sweeps.state import StageRecord


def small_matrix(sets: Sequence[str], *, seeds: tuple[int, ...] = (0,), **changes: Any) -> Matrix:
    """The small run on several sets of the lab, with three domains."""
    run = small_run.experiment()
    return Matrix(
        models=(MatrixModel(**run.model.model_dump(), saes=(run.sae,)),),
        training_sets=tuple(TrainingSetSpec(source=str(sft_path(name))) for name in sets),
        benchmarks=(run.benchmark.model_copy(update={"domains": small_run.DOMAINS[:3]}),),
        settings=run.settings,
        tune=run.tune.model_copy(update={"seeds": seeds}),
        measure=run.measure,
        **changes,
    )


def hub_matrix(**changes: Any) -> Matrix:
    """Two models of the hub with two SAEs each, three sets and two seeds: nothing of it is ever loaded."""
    described: dict[str, Any] = {
        "models": (
            MatrixModel(
                id="org/First-7B", saes=(SAESpec(release="a", id="layer_9"), SAESpec(release="a", id="layer_20"))
            ),
            MatrixModel(id="org/second", saes=(SAESpec(path="saes/one"), SAESpec(path="saes/two"))),
        ),
        "training_sets": tuple(TrainingSetSpec(source=source) for source in ("org/law", "org/math", "data/code.jsonl")),
        "tune": {"seeds": (0, 1)},
    }
    return Matrix.model_validate(described | changes)


class InOrder:
    """An engine that does each stage in this process."""

    width = 1
    place = "this process"
    notes: tuple[str, ...] = ()

    def __init__(self) -> None:
        self._queue: deque[Task] = deque()

    def submit(self, task: Task) -> None:
        self._queue.append(task)

    def wait(self, seconds: float) -> list[StageRecord]:
        return [attempt(self._queue.popleft())]

    def close(self) -> None:
        pass


class Scripted:
    """An engine that does nothing and ends attempts as it is told, one a wait, in the order of their coming.

    Args:
        script: By name of the stage, the ends of its attempts: done, broken or mistake; done where none is left.
        stop_after: Ends after which the driver is stopped, as by a user.
    """

    width = 2
    place = "a script"
    notes: tuple[str, ...] = ()

    def __init__(self, script: Mapping[str, Sequence[str]] | None = None, *, stop_after: int | None = None) -> None:
        self._script = {name: deque(ends) for name, ends in (script or {}).items()}
        self._queue: deque[Task] = deque()
        self._left = stop_after
        self.ended: list[str] = []
        self.tasks: list[Task] = []

    def submit(self, task: Task) -> None:
        self._queue.append(task)
        self.tasks.append(task)

    def wait(self, seconds: float) -> list[StageRecord]:
        if self._left is not None and len(self.ended) == self._left:
            raise KeyboardInterrupt
        task = self._queue.popleft()
        ends = self._script.get(task.stage.name)
        end = ends.popleft() if ends else "done"
        self.ended.append(task.stage.name)
        began = task.begin("somewhere", 1)
        error = None if end == "done" else f"{end} on purpose"
        return [task.end(began, error=error, mistake=end == "mistake", seconds=2.0)]

    def close(self) -> None:
        pass


def outcomes(folder: Path, names: Sequence[str]) -> list[dict[str, Any]]:
    """What runs found, without when, in what time and of which records."""
    return [figures(outcome_of(folder / name)) for name in names]


WHEN = {"prediction_sha256", "transfer_sha256", "tuning_seconds", "created", "cost"}
"""What tells when and in what time, and the hashes that cover it."""


def figures(outcome: Outcome) -> dict[str, Any]:
    """An outcome without times."""
    found: dict[str, Any] = _without(outcome.model_dump(mode="json"), WHEN)
    return found


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(one, names) for name, one in value.items() if name not in names}
    return [_without(one, names) for one in value] if isinstance(value, list) else value
