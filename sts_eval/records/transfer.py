"""The record of what happened: accuracy before and after on the same questions.

It holds the answers themselves and the figures per domain that follow from them. The figures are a
convenience for readers; `sts_eval.transfer.domain_changes` makes them from the answers and can check them.
Accuracies are proportions, changes and their errors are points (percentage points).
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sts_eval.records.answers import N_OPTIONS, LengthUnit, OptionCounts, Replies
from sts_eval.records.record import Record, absent, is_empty, write_atomically
from sts_eval.records.tuning import PredictionReference, Tuning

DomainFlag = Literal["small_sample", "few_discordant", "unparsed_changed", "truncated_changed", "only_one_seed"]
"""`unparsed_changed`, `truncated_changed`: the share of such answers moved by two points or more, so part
of the change is form rather than knowledge. `only_one_seed`: the error over training runs is unknown."""

RunFlag = Literal["post_hoc", "nothing_changed", "same_questions", "prompts_differ", "no_prediction"]
"""`post_hoc`: the prediction is younger than the tuning. `nothing_changed`: training left the held-out loss
as it was. `same_questions`: the prediction read questions that are scored. `prompts_differ`: the two
evaluations asked in different words. `no_prediction`: nothing was predicted first."""


class Measured(Record):
    """Both sides were evaluated by this tool."""

    kind: Literal["measured"] = "measured"
    task: str
    backend: str
    num_fewshot: int | None = Field(description="None for the task's own number")
    questions: Literal["disjoint", "same"]
    n_read: int = Field(description="questions left out because the prediction had read them")
    benchmark_sha256: str = Field(
        default="", description="of the benchmark that the prediction read", exclude_if=is_empty
    )
    before_key: str = Field(description="key of the untuned model's evaluation")
    after_keys: tuple[str, ...] = Field(description="keys of the tuned models' evaluations, in the order of seeds")
    seconds: dict[str, float]


class Imported(Record):
    """Both sides were evaluated elsewhere."""

    kind: Literal["imported"] = "imported"
    format: str
    sources: tuple[str, ...] = Field(description="file or folder names, without their place")
    sources_sha256: tuple[str, ...]


class DomainAnswers(Record):
    """The questions of a domain and what the models made of them. Columns follow `question_ids`."""

    domain: str
    question_ids: tuple[str, ...]
    before: Replies
    after: tuple[Replies, ...] = Field(min_length=1, description="one per seed")
    n_options: OptionCounts | None = Field(default=None, exclude_if=absent, description=N_OPTIONS)

    @model_validator(mode="after")
    def _same_length(self) -> Self:
        if self.n_options is not None and len(self.n_options) != len(self.question_ids):
            raise ValueError(f"{self.domain} has numbers of options of {len(self.n_options)} questions")
        if any(len(replies.verdicts) != len(self.question_ids) for replies in (self.before, *self.after)):
            raise ValueError(f"the columns of {self.domain} have different lengths")
        if len(set(self.question_ids)) != len(self.question_ids):
            raise ValueError(f"a question of {self.domain} occurs twice")
        return self


class Form(Record):
    """The outward form of a model's answers, means over seeds."""

    unparsed: float = Field(description="proportion from which no answer could be read")
    truncated: float | None = Field(description="proportion that ran into the length limit; None where unknown")
    mean_length: float | None


class SeedChange(Record):
    """One tuned model against the untuned one, over the questions of a domain."""

    seed: int
    accuracy_after: float
    delta: float
    se: float = Field(description="paired, over questions")
    lost: int = Field(description="right before, wrong after")
    gained: int = Field(description="wrong before, right after")
    p_mcnemar: float
    logprob_delta: float | None
    acc_norm_delta: float | None = Field(default=None, exclude_if=absent, description="points")
    logprob_per_token_delta: float | None = Field(default=None, exclude_if=absent)
    form: Form


class MeanChange(Record):
    """A measure beside accuracy, in its own unit."""

    before: float
    after: float
    delta: float
    item_se: float | None
    seed_sd: float | None
    se: float | None = Field(description="over questions and seeds; None for one seed")


class DomainChange(Record):
    """One domain. `after` figures are means over seeds."""

    domain: str
    n: int
    accuracy_before: float
    accuracy_after: float
    delta: float
    paired_se: float = Field(description="over questions: the change with other questions")
    seed_sd: float | None = Field(description="over seeds, question noise included; None for one seed")
    total_se: float | None = Field(description="over questions and seeds; None for one seed")
    interval: tuple[float, float] | None = Field(description="95%, over what the error covers; None if it is 0")
    by_seed: tuple[SeedChange, ...]
    logprob: MeanChange | None = Field(description="of the right option over all options, in nats; None for generation")
    acc_norm: MeanChange | None = Field(
        default=None,
        exclude_if=absent,
        description="accuracy by likelihood per character: proportions, their change and its errors in points",
    )
    logprob_per_token: MeanChange | None = Field(
        default=None,
        exclude_if=absent,
        description="of the right option's own text, nats per token; None if generated",
    )
    form_before: Form
    form_after: Form
    flags: tuple[DomainFlag, ...]

    @property
    def se(self) -> float:
        """The best error at hand: over questions and seeds, or over questions alone."""
        return self.paired_se if self.total_se is None else self.total_se

    @property
    def p_mcnemar(self) -> float:
        """The largest p over seeds: every seed shows the change at least this clearly."""
        return max(change.p_mcnemar for change in self.by_seed)


class Transfer(Record):
    """What fine-tuning did to every domain."""

    schema_version: Literal[1] = 1
    created: str = Field(description="UTC, ISO 8601")
    origin: Annotated[Measured | Imported, Field(discriminator="kind")]
    model_before: str
    model_after: str = Field(description="the tuned model, or the training set of the tuning that made it")
    prediction: PredictionReference | None
    tuning: Tuning | None = Field(description="None where it happened elsewhere")
    seeds: tuple[int, ...]
    length_unit: LengthUnit
    answers: tuple[DomainAnswers, ...]
    domains: tuple[DomainChange, ...]
    only_before: int = Field(description="questions left out because the tuned side lacks them")
    only_after: int = Field(description="questions left out because the untuned side lacks them")
    flags: tuple[RunFlag, ...]
    warnings: tuple[str, ...]
    versions: dict[str, str]

    def domain(self, name: str) -> DomainChange:
        """The change of one domain.

        Raises:
            KeyError: There is no such domain.
        """
        return {change.domain: change for change in self.domains}[name]

    @property
    def post_hoc(self) -> bool:
        """Whether the prediction is younger than the tuning it should have preceded."""
        return "post_hoc" in self.flags

    @model_validator(mode="after")
    def _one_column_per_seed(self) -> Self:
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError("a seed occurs twice")
        for table in self.answers:
            if len(table.after) != len(self.seeds):
                raise ValueError(f"{table.domain} has {len(table.after)} tuned models for {len(self.seeds)} seeds")
        if [table.domain for table in self.answers] != [change.domain for change in self.domains]:
            raise ValueError("answers and figures are not of the same domains")
        return self

    def write(self, path: Path) -> None:
        """Write the record in its canonical form: columns that were indented would fill most of the file."""
        write_atomically(path, self.canonical() + "\n")
