"""The record of a mixture: which rows of a pool are added to a training set, and why so many of each domain."""

from typing import Literal

from pydantic import Field

from sts_eval.records.calibration import ExpectedChange
from sts_eval.records.prediction import DataIdentity
from sts_eval.records.record import Part, Record

LISTED = 6  # unknown domains that are named

NONE = "none"
"""The arm without added rows."""

ARMS_RECORD, SWEEP_FILE, SWEEP_FOLDER = "arms.json", "sweep.yaml", "sweep"  # in the folder of an experiment with arms


class PoolUse(Part):
    """What was made of the rows of the pool."""

    rows: int = Field(description="that can be read")
    usable: int
    domain_column: str | None = Field(description="column that names the domain; None where similarity decides")
    assigned: int = Field(description="usable rows whose domain was assigned by similarity")
    assignment_accuracy: float | None = Field(
        description="share of one half of the benchmark's questions that the other half assigns to their own domain"
    )
    benchmark_questions: int = Field(description="left out: they hold a question of the benchmark")
    in_training_set: int = Field(description="left out: the training set has the same question")
    repeated: int = Field(description="left out: an earlier row of the pool has the same question")
    without_domain: int = Field(description="left out: no word in common with any domain")
    unknown_domains: dict[str, int] = Field(description="left out: rows by a domain that the benchmark does not have")

    @property
    def left_out(self) -> str:
        """What became of the rows that cannot be used, in words; empty where all can."""
        others = ", ".join(list(self.unknown_domains)[:LISTED]) + (
            ", ..." if len(self.unknown_domains) > LISTED else ""
        )
        counts = {
            "hold a benchmark question": self.benchmark_questions,
            "ask what the training set asks": self.in_training_set,
            "repeat an earlier row": self.repeated,
            "share no word with any domain": self.without_domain,
            f"are of other domains ({others})": sum(self.unknown_domains.values()),
        }
        return "; ".join(f"{count} {what}" for what, count in counts.items() if count)


class SelfDistillation(Part):
    """Targets of the added rows that the untuned model wrote itself."""

    model: str
    answer_tokens: int = Field(description="longest answer")
    temperature: float = Field(description="0: the likeliest token at each step")
    seed: int
    asked: int = Field(description="rows that were answered for this mixture")
    unfinished: int = Field(description="dropped: the answer did not end within the limit, or found no room")
    empty: int = Field(description="dropped: the answer says nothing")


class MixtureDomain(Part):
    """The rows of one domain."""

    domain: str
    score: float | None = Field(description="None where the domain has none")
    weight: float = Field(description="the score, 0 where it is negative or missing")
    share: float = Field(description="of the sum of the weights")
    rounded: int = Field(description="round(B · share), the paper's count; its sum may differ from B")
    wanted: int = Field(description="largest-remainder count; its sum is B")
    there: int = Field(description="usable rows of the pool")
    taken: int
    assigned: int = Field(description="rows taken whose domain was assigned by similarity")
    expected: ExpectedChange | None = Field(description="in points, where a calibration was given")
    why: str = Field(description="why other rows were taken than wanted; empty where they are as wanted")


class Mixture(Record):
    """A training set with rows of a pool added to it."""

    schema_version: Literal[1] = 1
    created: str = Field(description="UTC, ISO 8601")
    prediction_sha256: str
    model: str
    training_set: DataIdentity
    pool: DataIdentity
    benchmark: DataIdentity
    by: str = Field(description="what the weights are: a predictor, calibration, history, damage or equal")
    meaning: str = Field(description="what such a weight stands for, in a sentence")
    oracle: bool = Field(description="whether the weights come from the measured change itself")
    budget: int
    unlike_equal: int = Field(description="rows that would be of another domain if all weights were equal")
    protected: tuple[str, ...] = Field(description="domains that rows may be added for")
    seed: int = Field(description="draws the rows of a domain")
    use: PoolUse
    self_distillation: SelfDistillation | None = Field(
        description="None where the pool's own solutions are the targets"
    )
    domains: tuple[MixtureDomain, ...] = Field(description="the largest share first")
    mixture: DataIdentity | None = Field(
        description="the file that was written, as the training set that it is; None where none was"
    )
    notes: tuple[str, ...]
    versions: dict[str, str]


class Arm(Part):
    """One of the training sets that an experiment compares."""

    name: str
    file: str = Field(description="name of the training set's file beside the record of the arms")
    added: int = Field(description="rows of the pool that it holds")
    unlike_equal: int = Field(description="of these, rows that would be of another domain if all weights were equal")
    oracle: bool = Field(description="whether it could only be made after fine-tuning")
    mixture_sha256: str | None = Field(description="of its record; None where nothing was added")


class Arms(Record):
    """A training set with the same number of rows added in several ways: which file is which."""

    schema_version: Literal[1] = 1
    created: str = Field(description="UTC, ISO 8601")
    prediction_sha256: str
    budget: int
    protected: tuple[str, ...] = Field(description="domains whose mean change is compared")
    target: tuple[str, ...] = Field(description="domains that the training set is made for; empty where not known")
    arms: tuple[Arm, ...]
    not_made: dict[str, str] = Field(description="arms that could not be made, and why")
    notes: tuple[str, ...] = Field(description="what the experiment's settings do to the arms")
