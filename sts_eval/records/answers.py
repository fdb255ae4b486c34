"""How one model answered a benchmark, question by question.

A column holds one entry per question, in the order of `question_ids`. Verdicts are letters of a string, so
that twelve thousand questions make a record of some hundred kilobytes:

    r  right        w  wrong        u  unparsed: no answer could be read off, which counts as wrong
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sts_eval.records.record import Record, absent

RIGHT, WRONG, UNPARSED = "r", "w", "u"

VERDICT_NAMES = {RIGHT: "right", WRONG: "wrong", UNPARSED: "unparsed"}
"""Verdicts in files that are made for others."""

LengthUnit = Literal["tokens", "characters"]

OptionCounts = tuple[Annotated[int, Field(ge=2)], ...]
N_OPTIONS = "options of each question; None where they are not known or a question has none"


class Replies(Record):
    """One model's answers to a domain's questions, in a fixed order of questions."""

    verdicts: str = Field(pattern="^[rwu]*$", description="one letter per question: right, wrong, unparsed")
    logprob: tuple[float, ...] | None = Field(default=None, description="of the right option over all options, in nats")
    acc_norm: str | None = Field(
        default=None,
        exclude_if=absent,
        pattern="^[01]*$",
        description="1 where the option that is likeliest per character is right",
    )
    logprob_per_token: tuple[float, ...] | None = Field(
        default=None, exclude_if=absent, description="of the right option's own text, per token, in nats"
    )
    lengths: tuple[int, ...] | None = Field(default=None, description="length of each generated answer")
    truncated: str | None = Field(default=None, pattern="^[01]*$", description="1 where the length limit cut it off")

    @property
    def right(self) -> list[bool]:
        """Whether each answer is right; an unparsed one is not."""
        return [verdict == RIGHT for verdict in self.verdicts]

    @property
    def n_unparsed(self) -> int:
        """Answers from which no option could be read."""
        return self.verdicts.count(UNPARSED)

    @property
    def n_truncated(self) -> int | None:
        """Answers that were cut off, None where that is not known."""
        return None if self.truncated is None else self.truncated.count("1")

    @property
    def mean_length(self) -> float | None:
        """Mean length, None where that is not known."""
        return sum(self.lengths) / len(self.lengths) if self.lengths else None

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        for name in ("logprob", "acc_norm", "logprob_per_token", "lengths", "truncated"):
            column = getattr(self, name)
            if column is not None and len(column) != len(self.verdicts):
                raise ValueError(f"{name} has {len(column)} entries for {len(self.verdicts)} verdicts")
        return self


class DomainEvaluation(Record):
    """One model on one domain."""

    domain: str
    question_ids: tuple[str, ...]
    targets: tuple[str, ...] = Field(description="the right answers, to tell whether two evaluations agree on them")
    replies: Replies
    n_options: OptionCounts | None = Field(default=None, exclude_if=absent, description=N_OPTIONS)

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        lengths = {*map(len, (self.question_ids, self.targets, self.replies.verdicts, self.n_options or self.targets))}
        if len(lengths) > 1:
            raise ValueError(f"the columns of {self.domain} have different lengths")
        return self


class Evaluation(Record):
    """One model on a benchmark: untuned, or one seed's tuned model."""

    schema_version: Literal[1] = 1
    created: str = Field(description="UTC, ISO 8601")
    key: str = Field(description="hash of everything that went into it: model, adapter, task, questions, versions")
    model: str
    adapter_sha256: str | None = Field(description="of the tuned weights; None for the untuned model")
    task: str
    length_unit: LengthUnit
    domains: tuple[DomainEvaluation, ...]
    seconds: float
    notes: tuple[str, ...] = Field(default=(), exclude_if=absent, description="how it was scored, where not as asked")
    versions: dict[str, str]
