"""What a store keeps beside submissions: what happened to them, who owns names, its settings, and requests for runs."""

from typing import Annotated, Literal

from pydantic import Field

from sts_eval.records.record import Part, Record, absent, is_empty
from sts_eval.records.submission import OWNER, SHA256, Label, Line, Name

Action = Literal["accepted", "rejected", "flagged", "withdrawn", "rerun", "registered", "reproduced"]
"""`accepted`: it is shown; a later one lifts a rejection, a withdrawal and a flag. `rejected`, `withdrawn`: a
maintainer or its submitter took it down. `flagged`: shown with a doubt. `rerun`: a maintainer's run agrees.
`registered`: a prediction's hash, before fine-tuning. `reproduced`: its experiment was run again; figures say how."""


class ReproductionFigures(Part):
    """How a run of the same experiment compares with a submission (`sts_eval.submission.reproduction`)."""

    agrees: bool
    obstacles: tuple[Line, ...] = Field(description="why not, if it does not")
    score_difference: float = Field(ge=0, description="largest difference of a score, in spreads over domains")
    score_tolerance: float = Field(gt=0, description="what is allowed of it")
    n_predictors: int = Field(ge=0, description="predictors whose scores were compared")
    z: dict[str, float] = Field(max_length=100, description="by domain: difference of the changes over its error")
    p: float | None = Field(description="chance of differences as large as all of these together")
    transfer_sha256: str = Field(pattern=SHA256, description="of the new measurement")
    versions: dict[Name, Name] = Field(max_length=64, description="package: version")
    hardware: Line | None


class LedgerEntry(Record):
    """One thing that happened to a submission. Entries are only ever added."""

    schema_version: Literal[1] = 1
    action: Action
    submission: str = Field(pattern=SHA256, description="its name; of a registration, the prediction's hash")
    when: str = Field(max_length=40, description="UTC, ISO 8601, by the clock of who wrote it into the store")
    by: Label
    why: Line
    other: str | None = Field(pattern=SHA256, description="the submission that agrees, for a rerun")
    owner: str | None = Field(
        default=None, pattern=OWNER, exclude_if=absent, description="whose secret or account stood behind it"
    )
    figures: ReproductionFigures | None = Field(default=None, exclude_if=absent, description="of a reproduction")
    previous: str | None = Field(
        default=None, pattern=SHA256, exclude_if=absent, description="hash of the entry before it; None for the first"
    )


class NameClaim(Record):
    """Who first used a name, and for what."""

    schema_version: Literal[1] = 1
    kind: Literal["submitter", "model", "training set", "benchmark", "run"]
    name: str = Field(max_length=400)
    owner: str | None = Field(pattern=OWNER, description="None where nobody showed a secret or signed in")
    content: str | None = Field(max_length=128, description="hash of what it names; None without evidence")
    submission: str = Field(pattern=SHA256, description="the first one that used it")


class StoreSettings(Record):
    """What the maintainers of a store decide."""

    schema_version: Literal[1] = 1
    benchmark: Name | None = Field(default=None, description="compared where none is chosen; None: the commonest")
    maintainers: tuple[Annotated[str, Field(pattern=OWNER)], ...] = Field(
        default=(), exclude_if=is_empty, description="owners who answer for the store; their runs count as checked"
    )


class EvaluationRequest(Record):
    """A run that somebody wants. Only names from hubs and the lab's: a request cannot name a place on a disk."""

    schema_version: Literal[1] = 1
    model: Name = Field(description="hub id, or lab")
    sae_release: Name | None = Field(description="sae-lens release; the model's known default if None")
    sae_id: Name | None
    training_set: Name = Field(description="hub id, lab, or lab:NAME")
    by: Label
    created: str = Field(max_length=40, description="UTC, ISO 8601")
