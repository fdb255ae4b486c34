"""The record of a report: one run, domain by domain, and the comparison of all its predictors."""

from typing import Literal

from pydantic import Field

from sts_eval.errors import UserError
from sts_eval.records.comparison import Comparison
from sts_eval.records.overlap import Overlap
from sts_eval.records.prediction import Score
from sts_eval.records.record import Part, Record, absent, is_empty
from sts_eval.records.tuning import Reinforcement


class Turnover(Part):
    """Questions lost (right before, wrong after) and gained, per hundred, means over seeds.

    `known_`: with guessing taken off (`sts_eval.statistics.guessing`); None where numbers of options are not recorded.
    """

    lost: float
    gained: float
    known_lost: float | None = None
    known_lost_se: float | None = Field(default=None, description="over questions")
    known_gained: float | None = None
    known_gained_se: float | None = None


class DomainRow(Part):
    """One domain: STS's scores beside the measured change."""

    domain: str
    scores: dict[str, Score] = Field(description="by predictor, STS's three")
    n: int
    accuracy_before: float
    accuracy_after: float
    delta: float = Field(description="points")
    se: float = Field(description="points, over questions and, with several seeds, training runs")
    logprob_delta: float | None = Field(description="nats")
    turnover: Turnover | None = Field(default=None, exclude_if=absent, description="None in older reports")
    verdict: str = Field(description="what the change alone allows one to say")
    flags: tuple[str, ...]


class Report(Record):
    """A prediction beside the change that followed it."""

    schema_version: Literal[3] = 3
    created: str
    prediction_sha256: str
    transfer_sha256: str
    model: str
    training_set: str
    post_hoc: bool
    unrelated: tuple[str, ...] = Field(
        default=(), description="how prediction and transfer differ in what they are about", exclude_if=is_empty
    )
    rows: tuple[DomainRow, ...]
    comparison: Comparison | None = Field(description="of this one run; None in reports of schema 1")
    overlaps: tuple[Overlap, ...] = Field(description="predicted and actually shifted dimensions, by tuned seed")
    reinforcement: tuple[Reinforcement, ...] = Field(
        default=(), description="what reinforcement learning did, by tuned seed", exclude_if=is_empty
    )
    signal_to_noise: float | None = Field(description="of the signed changes over domains")
    seconds: dict[str, float] = Field(description="wall-clock by stage")
    warnings: tuple[str, ...]

    def compared(self) -> Comparison:
        """The comparison.

        Raises:
            UserError: The report is of schema 1, which had none.
        """
        if self.comparison is None:
            problem = "this report was made by an earlier version and compares no predictors"
            raise UserError(problem, "Make the report again")
        return self.comparison
