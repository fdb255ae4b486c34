"""What became of the stages of a sweep, on disk, and what can be done next.

    stages/STAGE.json     the last attempt at a stage, or its end
    logs/STAGE-N.log      what its Nth attempt wrote

A record counts only for the key that it was made with: a stage whose settings changed is one that was never tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Literal

from pydantic import Field

from sts_eval.errors import UserError
from sts_eval.records.record import Record, now
from sts_eval.sweep.matrix import Kind
from sts_eval.sweep.stages import Stage

Status = Literal["running", "done", "failed", "quarantined"]
"""A stage that failed is tried again; one that is quarantined is not."""

Standing = Literal["done", "running", "queued", "ready", "waiting", "blocked", "quarantined"]
"""Where a stage stands; it is blocked where something that it needs is quarantined."""

End = Literal["done", "mistake", "broken"]
"""How an attempt ends: a mistake is the user's, and trying again mends it as little as waiting does."""

ORDER: tuple[Standing, ...] = ("running", "queued", "ready", "waiting", "blocked", "quarantined", "done")


OVER = ("done", "blocked", "quarantined")
"""Where nothing is left to be done."""


class StageRecord(Record):
    """The last attempt at a stage."""

    schema_version: Literal[1] = 1
    stage: str
    kind: Kind
    key: str = Field(description="hash of what the result depends on")
    status: Status
    attempts: int = Field(description="attempts that have ended, whatever their end")
    started: str = Field(description="of the last attempt; UTC, ISO 8601")
    finished: str | None = Field(description="None while it runs")
    seconds: float = Field(description="of the last attempt; 0 while it runs or where it never told")
    host: str
    pid: int
    line: str | None = Field(description="the last line of the error, None where there is none")
    log: str = Field(description="path of the log below the sweep's folder")
    made: tuple[str, ...] = Field(description="paths of what it made, below the sweep's folder")


@dataclass(frozen=True)
class Ended:
    """How an attempt at a stage ended.

    Attributes:
        stage: Its name.
        end: Done, a user's mistake, or broken by an exception or the loss of the worker.
        seconds: How long it took; 0 where nobody was left to tell.
        host: Where, empty where nobody was left to tell.
        pid: Process, 0 where nobody was left to tell.
        line: The last line of the error.
        made: Paths of what it made, below the sweep's folder.
    """

    stage: str
    end: End
    seconds: float = 0.0
    host: str = ""
    pid: int = 0
    line: str | None = None
    made: tuple[str, ...] = ()


def log_place(stage: str, attempt: int) -> str:
    """Path of the log of an attempt, counted from 1, below the sweep's folder."""
    return f"logs/{stage}-{attempt}.log"


def record_place(folder: Path, stage: str) -> Path:
    """Where the record of a stage is kept."""
    return folder / "stages" / f"{stage}.json"


class Book:
    """The stages of a sweep and their records.

    Args:
        folder: The sweep's.
        stages: Its plan.
        retries: How often a stage that broke is tried again.
    """

    def __init__(self, folder: Path, stages: Sequence[Stage], *, retries: int) -> None:
        """See the class."""
        self.folder = folder
        self.stages: Mapping[str, Stage] = {stage.name: stage for stage in stages}
        self._retries = retries
        self._records: dict[str, StageRecord] = {}
        self.submitted: set[str] = set()
        self._read(self.stages)

    def look(self) -> None:
        """Read the records of what is submitted again: workers say there what they have begun."""
        self._read(self.submitted)

    def _read(self, names: Iterable[str]) -> None:
        found = {name: self._on_disk(self.stages[name]) for name in names}
        self._records |= {name: record for name, record in found.items() if record is not None}

    def _on_disk(self, stage: Stage) -> StageRecord | None:
        path = record_place(self.folder, stage.name)
        try:
            record = StageRecord.read(path) if path.is_file() else None
        except UserError:  # another version's: as good as none
            return None
        if record is None or record.key != stage.key:
            return None
        whole = record.status != "done" or all((self.folder / made).exists() for made in record.made)
        return record if whole else None

    @property
    def records(self) -> Mapping[str, StageRecord]:
        """The records of the stages that were tried under their present settings."""
        return self._records

    def record(self, name: str) -> StageRecord | None:
        """The record of a stage under its present settings, None where it was never tried."""
        return self._records.get(name)

    def standing(self, name: str) -> Standing:
        """Where a stage stands."""
        stage, record = self.stages[name], self._records.get(name)
        if record is not None and record.status in ("done", "quarantined"):
            return "done" if record.status == "done" else "quarantined"
        if name in self.submitted:
            return "running" if record is not None and record.status == "running" else "queued"
        needs = [self.standing(need) for need in stage.needs]
        one_of = [self.standing(need) for need in stage.needs_one]
        lost = ("quarantined", "blocked")
        if any(need in lost for need in needs) or (one_of and all(need in lost for need in one_of)):
            return "blocked"
        if all(need == "done" for need in needs) and (not one_of or "done" in one_of):
            return "ready"
        return "waiting"

    def standings(self) -> dict[str, Standing]:
        """Where all stages stand, in the order of the plan."""
        return {name: self.standing(name) for name in self.stages}

    def ready(self) -> list[Stage]:
        """The stages that can be done now."""
        return [stage for name, stage in self.stages.items() if self.standing(name) == "ready"]

    def attempts(self, name: str) -> int:
        """Attempts at a stage that have ended."""
        record = self._records.get(name)
        return 0 if record is None else record.attempts

    def ended(self, ended: Ended) -> StageRecord:
        """Keep how an attempt ended: done, to be tried again, or quarantined."""
        stage, began = self.stages[ended.stage], self._on_disk(self.stages[ended.stage])
        attempts = self.attempts(stage.name) + 1
        if ended.end == "done":
            status: Status = "done"
        elif ended.end == "mistake" or attempts > self._retries:
            status = "quarantined"
        else:
            status = "failed"
        record = StageRecord(
            stage=stage.name,
            kind=stage.kind,
            key=stage.key,
            status=status,
            attempts=attempts,
            started=began.started if began else now(),
            finished=now(),
            seconds=round(ended.seconds, 3),
            host=ended.host or (began.host if began else ""),
            pid=ended.pid or (began.pid if began else 0),
            line=ended.line,
            log=log_place(stage.name, attempts),
            made=ended.made,
        )
        record.write(record_place(self.folder, stage.name))
        self._records[stage.name] = record
        self.submitted.discard(stage.name)
        return record

    def interrupt(self) -> None:
        """Say of what is recorded as running that it is not: its driver was stopped. It counts as no attempt."""
        for name, record in self._records.items():
            if record.status == "running":
                line = "the sweep was stopped while it ran"
                stopped = record.model_copy(update={"status": "failed", "finished": now(), "line": line})
                stopped.write(record_place(self.folder, name))
                self._records[name] = stopped

    def forgive(self) -> list[str]:
        """Forget the attempts at quarantined stages, so that they are tried again. Their names."""
        names = [name for name in self.stages if self.standing(name) == "quarantined"]
        for name in names:
            record_place(self.folder, name).unlink(missing_ok=True)
            del self._records[name]
        return names

    def seconds_left(self, width: int) -> float | None:
        """A guess from the mean time of each kind of stage; None where a kind that is left was never done.

        Args:
            width: Stages at once.
        """
        spent: dict[str, list[float]] = {}
        for record in self._records.values():
            if record.status == "done":
                spent.setdefault(record.kind, []).append(record.seconds)
        left = [self.stages[name].kind for name, standing in self.standings().items() if standing not in OVER]
        if any(kind not in spent for kind in left):
            return None
        return sum(fmean(spent[kind]) for kind in left) / max(1, width)
