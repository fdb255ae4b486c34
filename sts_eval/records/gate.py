"""Whether fine-tuning broke anything: the verdict on every domain, for a pipeline that must stop where it did."""

from typing import Literal

from pydantic import Field

from sts_eval.records.record import Part, Record

Verdict = Literal["fell", "held", "unclear"]
"""`fell`: by more than the margin, shown. `held`: a fall by the margin is ruled out. `unclear`: neither is shown."""


class GatedDomain(Part):
    """One domain."""

    domain: str
    n: int
    delta: float = Field(description="change of accuracy, points, mean over seeds")
    se: float = Field(description="its standard error, points")
    p_fell: float = Field(description="one-sided p of a fall by no more than the margin, adjusted for the domains")
    p_held: float = Field(description="one-sided p of a fall by at least the margin")
    verdict: Verdict


class Gate(Record):
    """All domains of a transfer."""

    schema_version: Literal[1] = 1
    transfer_sha256: str
    max_drop: float = Field(description="the margin, points")
    level: float
    strict: bool = Field(description="whether every domain must be shown to have held")
    passed: bool
    domains: tuple[GatedDomain, ...]
