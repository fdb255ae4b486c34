"""The state of a sweep's stages, on disk, and what can be done next.

    stages/STAGE.json     the last attempt at a stage
    logs/STAGE-N.log      what its Nth attempt wrote

A record counts only for the key that it was made with: a stage whose settings changed was never tried.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Literal

from pydantic import Field

from sts_eval.errors import UserError
from sts_eval.records.record import Record, now
from sts_eval.sweeps.matrix import Kind
from sts_eval.sweeps.stages import Stage

Status = Literal["running", "done", "failed", "quarantined"]
"""A stage that failed is tried again; one that is quarantined is not."""

Standing = Literal["running", "queued", "ready", "waiting", "blocked", "quarantined", "done"]
"""Where a stage stands; it is blocked where something that it needs is quarantined."""

LOST = ("quarantined", "blocked")

OVER = ("done", *LOST)  # where nothing is left to be done


class StageRecord(Record):
    """The last attempt at a stage."""

    schema_version: Literal[1] = 1
    stage: str
    kind: Kind
    key: str = Field(description="hash of what the result depends on")
    status: Status
    attempts: int = Field(description="attempts that have ended, however they ended")
    started: str = Field(description="of the last attempt; UTC, ISO 8601")
    finished: str | None = Field(default=None, description="None while it runs")
    seconds: float = Field(default=0.0, description="of the last attempt; 0 while it runs or where it is not known")
    host: str = Field(description="where it ran, empty where that is not known")
    pid: int = Field(description="its process, 0 where that is not known")
    line: str | None = Field(default=None, description="the last line of the error, None where there is none")
    log: str = Field(description="path of the log below the sweep's folder")
    made: tuple[str, ...] = Field(default=(), description="paths of what it made, below the sweep's folder")


def record_place(folder: Path, stage: str) -> Path:
    """Where the record of a stage is kept."""
    return folder / "stages" / f"{stage}.json"


class Book:
    """The stages of a sweep's plan and their records, in the sweep's folder."""

    def __init__(self, folder: Path, stages: Sequence[Stage]) -> None:
        self.folder = folder
        self.stages: Mapping[str, Stage] = {stage.name: stage for stage in stages}
        self.records: dict[str, StageRecord] = {}  # of the stages that were tried under their present settings
        self.submitted: set[str] = set()  # stages that an engine has taken
        self.look(self.stages)

    def look(self, names: Iterable[str]) -> None:
        """Read the records of stages, where workers write what they have begun."""
        for name in names:
            try:
                record = StageRecord.read(record_place(self.folder, name))
            except UserError:  # there is none, or it is another version's
                continue
            whole = record.status != "done" or all((self.folder / made).exists() for made in record.made)
            if record.key == self.stages[name].key and whole:
                self.records[name] = record

    def standing(self, name: str) -> Standing:
        """Where a stage stands."""
        stage, record = self.stages[name], self.records.get(name)
        if record is not None and record.status in ("done", "quarantined"):
            return "done" if record.status == "done" else "quarantined"
        if name in self.submitted:
            return "running" if record is not None and record.status == "running" else "queued"
        needs = [self.standing(need) for need in stage.needs]
        one_of = [self.standing(need) for need in stage.needs_one]
        if any(need in LOST for need in needs) or (one_of and all(need in LOST for need in one_of)):
            return "blocked"
        if all(need == "done" for need in needs) and (not one_of or "done" in one_of):
            return "ready"
        return "waiting"

    def standings(self) -> dict[str, Standing]:
        """Where all stages stand, in the order of the plan."""
        return {name: self.standing(name) for name in self.stages}

    def end(self, record: StageRecord) -> None:
        """Keep how an attempt ended."""
        self._keep(record)
        self.submitted.discard(record.stage)

    def _keep(self, record: StageRecord) -> None:
        record.write(record_place(self.folder, record.stage))
        self.records[record.stage] = record

    def interrupt(self) -> None:
        """Mark as failed what is recorded as running: its driver was stopped. It counts as no attempt."""
        for record in list(self.records.values()):
            if record.status == "running":
                line = "the sweep was stopped while it ran"
                self._keep(record.model_copy(update={"status": "failed", "finished": now(), "line": line}))

    def forgive(self) -> None:
        """Forget the attempts at quarantined stages, so that they are tried again."""
        for name in [name for name, record in self.records.items() if record.status == "quarantined"]:
            record_place(self.folder, name).unlink(missing_ok=True)
            del self.records[name]

    def seconds_left(self, width: int) -> float | None:
        """An estimate from the mean time of each kind of stage; None where a kind that is left was never done."""
        spent: dict[str, list[float]] = {}
        for record in self.records.values():
            if record.status == "done":
                spent.setdefault(record.kind, []).append(record.seconds)
        left = [self.stages[name].kind for name, standing in self.standings().items() if standing not in OVER]
        if any(kind not in spent for kind in left):
            return None
        return sum(fmean(spent[kind]) for kind in left) / max(1, width)
