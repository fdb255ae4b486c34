"""The record of a judge's labels: its words for what features mean, and how far they foretell where these fire."""

from typing import Literal

from pydantic import Field

from sts_eval.records.record import Part, Record


class FeatureLabel(Part):
    """A label in free text, and its score by detection on excerpts that the judge was not shown."""

    feature: int
    text: str = Field(max_length=400)
    n_fires: int = Field(description="held-out excerpts on which the feature fires")
    n_found: int = Field(description="of these, those in which the judge found what its label says")
    n_silent: int = Field(description="random excerpts on which it does not fire")
    n_rejected: int = Field(description="of these, those in which the judge did not find it")
    n_unreadable: int = Field(description="answers that were neither yes nor no; they count as wrong")
    balanced_accuracy: float | None = Field(description="mean of the two shares, .5 by chance; None without excerpts")
    low: float | None = Field(description="95% interval (Newcombe, from two Wilson intervals)")
    high: float | None


class FeatureLabels(Record):
    """Labels for the shifted features of one prediction."""

    schema_version: Literal[1] = 1
    created: str = Field(description="UTC, ISO 8601")
    prediction_sha256: str
    judge: str = Field(description="a folder, a hub id, or an address and the model's name there")
    labels: tuple[FeatureLabel, ...]
