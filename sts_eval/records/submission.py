"""What is sent to a leaderboard: one run in short, who ran it and with what, and the evidence if it is attached."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sts_eval.records.outcome import Outcome
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import Part, Record
from sts_eval.records.transfer import Transfer

Origin = Literal["measured", "imported", "published"]
"""`measured`: by this tool, prediction first. `imported`: before and after were evaluated elsewhere. `published`:
figures of a paper. The three never rank together."""


class ModelDescription(Part):
    """The untuned model, as people look for it."""

    id: str = Field(description="hub id, or the name of a model that is nowhere published")
    revision: str | None = Field(description="hub commit")
    family: str | None = Field(description="Llama, Qwen, Gemma, ...")
    parameters: int | None = Field(ge=0, description="how many")


class SAEDescription(Part):
    """The SAE, as people look for it."""

    release: str | None
    id: str | None
    architecture: str | None
    d_sae: int | None = Field(ge=1)
    layer: int | None
    hook_name: str | None
    neuronpedia_id: str | None


class SetDescription(Part):
    """The training set."""

    id: str = Field(description="hub id, or a name")
    revision: str | None
    rows: int | None = Field(ge=1)


class Provenance(Part):
    """With what it was made."""

    versions: dict[str, str] = Field(description="package: version")
    hardware: str | None
    command: str | None = Field(description="what reproduces the run")
    url: str | None = Field(description="where it is described, https only")


class Submission(Record):
    """A run for the leaderboard. Its name is the hash of its content; it never changes."""

    schema_version: Literal[1] = 1
    origin: Origin
    submitter: str = Field(min_length=1, max_length=96)
    created: str = Field(description="UTC, ISO 8601")
    model: ModelDescription
    sae: SAEDescription | None = Field(description="None where no SAE was involved")
    training_set: SetDescription
    benchmark: str = Field(description="what was asked: mmlu_pro, lab_mmlupro, ...")
    provenance: Provenance
    outcome: Outcome
    prediction: Prediction | None = Field(description="the record, attached as evidence")
    transfer: Transfer | None = Field(description="the record with its answers, from which changes are recomputed")
