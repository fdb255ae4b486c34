"""The record of an experiment with arms: what each way of adding rows did to every domain."""

from typing import Literal

from pydantic import Field

from sts_eval.records.record import Part, Record, absent

ArmMeasure = Literal["accuracy", "logprob"]
"""Accuracy in points, or the log-probability of the right option in nats."""


class Estimate(Part):
    """A change, or a difference of two changes, with its error over questions and seeds."""

    value: float
    se: float = Field(description="over questions and seeds; of a single seed over questions alone")
    low: float | None = Field(description="of the interval; None for a single seed, or where nothing varies")
    high: float | None
    level: float = Field(description="nominal coverage of the interval")


class DomainOfArm(Part):
    """One domain in one arm."""

    domain: str
    n: int = Field(description="questions")
    change: Estimate = Field(description="after less before, on the same questions")
    from_equal: Estimate | None = Field(description="less the change with equal shares; None in that arm itself")


class ArmResult(Part):
    """One arm."""

    name: str
    added: int
    oracle: bool
    domains: tuple[DomainOfArm, ...]
    worst: str = Field(description="the domain that fell most, or rose least")
    mean: Estimate = Field(description="mean change of the protected domains, each with the same weight")
    from_equal: Estimate | None = Field(description="of that mean; its level is corrected for the number of arms")
    from_none: Estimate | None = Field(
        default=None, exclude_if=absent, description="of that mean, less that of the arm without added rows"
    )
    target: Estimate | None = Field(description="mean change of the domains that the training set is made for")
    cost: Estimate | None = Field(description="of that change, less that of the arm without added rows")


class ArmComparison(Record):
    """Arms side by side, on the same questions and with the same seeds."""

    schema_version: Literal[1] = 1
    created: str = Field(description="UTC, ISO 8601")
    arms_sha256: str
    transfer_sha256: dict[str, str] = Field(description="by arm")
    measure: ArmMeasure
    seeds: tuple[int, ...]
    protected: tuple[str, ...]
    target: tuple[str, ...]
    results: tuple[ArmResult, ...]
    missing: dict[str, str] = Field(description="arms without a result, and why")
    recommended: str | None = Field(
        description="an arm that is better than equal shares; None where none is shown to be"
    )
    conclusions: tuple[str, ...]
