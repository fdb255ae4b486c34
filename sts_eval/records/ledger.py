"""What a store keeps beside submissions: what happened to them, registered predictions, and requests for runs."""

from typing import Literal

from pydantic import Field

from sts_eval.records.record import Record
from sts_eval.records.submission import Label, Line, Name

Action = Literal["accepted", "rejected", "flagged", "withdrawn", "rerun"]
"""`accepted`: it is shown; a later one lifts a rejection, a withdrawal and a flag. `rejected`, `withdrawn`: a
maintainer or its submitter took it down. `flagged`: shown with a doubt. `rerun`: a maintainer's run agrees."""

SHA256 = r"^[0-9a-f]{64}$"


class LedgerEntry(Record):
    """One thing that happened to a submission. Entries are only ever added."""

    schema_version: Literal[1] = 1
    action: Action
    submission: str = Field(pattern=SHA256, description="its name")
    when: str = Field(max_length=40, description="UTC, ISO 8601")
    by: Label
    why: Line
    other: str | None = Field(pattern=SHA256, description="the submission that agrees, for a rerun")


class Preregistration(Record):
    """A prediction's hash, and since when it is in the store. Only the first registration counts."""

    schema_version: Literal[1] = 1
    prediction_sha256: str = Field(pattern=SHA256)
    registered: str = Field(max_length=40, description="UTC, ISO 8601, by the clock of who wrote it into the store")
    by: Label


class EvaluationRequest(Record):
    """A run that somebody wants. Only names from hubs and the lab's: a request cannot name a place on a disk."""

    schema_version: Literal[1] = 1
    model: Name = Field(description="hub id, or lab")
    sae_release: Name | None = Field(description="sae-lens release; the model's known default if None")
    sae_id: Name | None
    training_set: Name = Field(description="hub id, lab, or lab:NAME")
    by: Label
    created: str = Field(max_length=40, description="UTC, ISO 8601")
