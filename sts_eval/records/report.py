"""The record of a comparison: what the prediction said, what happened, and how well they agree."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sts_eval.records.overlap import Overlap
from sts_eval.records.prediction import Score
from sts_eval.records.record import Part, Record

Target = Literal["delta", "magnitude", "logprob"]
"""`delta`: signed change in points. `magnitude`: its size in points, with the noise's share taken off.
`logprob`: signed change of the right option's log-probability, where the task gives one."""


class DomainRow(Part):
    """One domain: prediction beside outcome."""

    domain: str
    scores: dict[str, Score]
    n: int
    accuracy_before: float
    accuracy_after: float
    delta: float = Field(description="points")
    se: float = Field(description="points, over questions and, with several seeds, training runs")
    logprob_delta: float | None = Field(description="nats")
    verdict: str = Field(description="what the change alone allows one to say")
    flags: tuple[str, ...]


class Agreement(Part):
    """A score against an outcome, over domains."""

    score: str
    target: Target
    n: int
    pearson: float | None
    fisher: tuple[float, float] | None = Field(description="95% interval of r")
    bootstrap: tuple[float, float] | None = Field(description="95% BCa interval of r")
    p_permutation: float | None
    spearman: float | None
    kendall: float | None
    r2: float | None
    leave_one_out: tuple[float, float] | None = Field(description="lowest and highest r without one domain")
    ceiling: float | None = Field(description="how high r could go with a perfect predictor, given the noise")
    extremes: float | None = Field(description="r with |Δ| over the paper's 4+4 domains; only for magnitude")
    conclusion: str
    verdict: str


class Report(Record):
    """A prediction held against a transfer."""

    schema_version: Literal[1] = 1
    created: str
    prediction_sha256: str
    transfer_sha256: str
    model: str
    training_set: str
    post_hoc: bool
    rows: tuple[DomainRow, ...]
    agreements: tuple[Agreement, ...]
    overlaps: tuple[Overlap, ...] = Field(description="predicted and actually shifted dimensions, by tuned seed")
    signal_to_noise: float | None = Field(description="of the signed changes over domains")
    seconds: dict[str, float] = Field(description="wall-clock by stage")
    warnings: tuple[str, ...]

    def agreement(self, score: str, target: Target) -> Agreement:
        """The agreement of one score with one outcome.

        Raises:
            KeyError: There is none.
        """
        for agreement in self.agreements:
            if (agreement.score, agreement.target) == (score, target):
                return agreement
        raise KeyError(score, target)
