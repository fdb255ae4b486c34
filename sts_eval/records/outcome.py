"""One run in short: every predictor's scores, and what happened to each domain.

It is what comparisons, calibrations and the leaderboard work on. It follows from a prediction and its
transfer, whose hashes it carries, and leaves the answers to single questions behind.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from sts_eval.errors import UserError
from sts_eval.records.prediction import PredictorScores
from sts_eval.records.record import Part, Record, absent, is_empty, write_atomically


class Change(Part):
    """What happened to one measure of a domain."""

    delta: float
    se: float = Field(ge=0, description="over questions and, with several seeds, training runs")
    by_seed: tuple[float, ...]


class QuestionChanges(Part):
    """The change of every question of a domain, from which follows what runs of one model share."""

    ids_sha256: str = Field(description="of the ids of the questions, in their order")
    right: tuple[int, ...] = Field(description="right answers after less before, summed over seeds")


class DomainOutcome(Part):
    """One domain. Accuracies are proportions, their changes points."""

    domain: str
    n: int
    accuracy_before: float | None = Field(description="None where a published figure is a change alone")
    accuracy: Change = Field(description="points")
    logprob: Change | None = Field(description="of the right option over all options, nats; None for generation")
    acc_norm: Change | None = Field(
        default=None, exclude_if=absent, description="of the option that is likeliest per character, points"
    )
    logprob_per_token: Change | None = Field(
        default=None, exclude_if=absent, description="of the right option's own text, nats per token"
    )
    questions: QuestionChanges | None = Field(
        default=None,
        exclude_if=absent,
        description="where the run's answers were at hand and asked for",
    )


class Outcome(Record):
    """A run: one model tuned on one training set."""

    schema_version: Literal[2] = 2
    model: str = Field(description="short name; runs of one model share it")
    training_set: str = Field(description="short name; runs on one set share it")
    home: tuple[str, ...] = Field(description="domains that the training set is about, where somebody said so")
    shares: dict[str, float] = Field(
        default={},
        exclude_if=lambda shares: not shares,
        description="share of the training set about each domain, where its recipe says so",
    )
    created: str = Field(description="of the prediction, UTC, ISO 8601")
    prediction_sha256: str
    transfer_sha256: str
    post_hoc: bool
    unrelated: tuple[str, ...] = Field(
        default=(), description="how prediction and transfer differ in what they are about", exclude_if=is_empty
    )
    seeds: tuple[int, ...]
    domains: tuple[DomainOutcome, ...] = Field(min_length=1)
    predictors: tuple[PredictorScores, ...]
    tuning_seconds: float | None = Field(description="of all seeds")

    def scores(self, predictor: str) -> dict[str, float]:
        """One predictor's scores by domain.

        Raises:
            KeyError: It has no scores here.
        """
        return {one.name: one for one in self.predictors}[predictor].values


def write_outcomes(path: Path, outcomes: tuple[Outcome, ...]) -> None:
    """Write runs as JSON lines, one a line, whole or not at all.

    Raises:
        UserError: The file cannot be written.
    """
    write_atomically(path, "".join(outcome.canonical() + "\n" for outcome in outcomes))


def read_outcomes(path: Path) -> tuple[Outcome, ...]:
    """Read runs from JSON lines.

    Raises:
        UserError: The file cannot be read, or a line is no such record.
    """
    outcomes = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read ({type(error).__name__})", "Give a .jsonl file of outcomes") from error
    for number, line in enumerate(lines, start=1):
        try:
            outcomes.append(Outcome.from_json(line))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the line"
            raise UserError(
                f"{path} line {number} is no outcome: {where}: {first['msg']}", "Mend or remove that line"
            ) from error
    return tuple(outcomes)
