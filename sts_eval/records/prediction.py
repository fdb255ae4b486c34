"""The record of a prediction: the scores, and everything needed to make them again."""

from typing import Literal

from pydantic import Field

from sts_eval.experiment import Experiment
from sts_eval.records.meaning import Meanings
from sts_eval.records.older import STS_SUMMARIES
from sts_eval.records.record import Part, Record, absent, is_empty

SCORES = tuple(STS_SUMMARIES)  # STS's scores, the leading one first; they are predictors like any other


ROBUST = {"sts_icl": "sts_icl_robust", "sts_act": "sts_act_robust"}
"""The robust score that stands beside one of STS's."""


class ModelIdentity(Part):
    """The model as it was loaded."""

    id: str
    commit: str | None = Field(description="hub commit, None for a folder")
    architecture: str
    dtype: str
    d_model: int
    n_layers: int
    tokenizer_sha256: str = Field(description="of the serialised tokenizer")
    chat_template: bool = Field(description="whether prompts were rendered as chat turns")
    context: int = Field(description="longest prompt, in tokens")


class SAEIdentity(Part):
    """The SAE as it was loaded."""

    release: str | None
    id: str | None
    path: str | None
    architecture: str
    d_in: int
    d_sae: int
    hook_name: str
    layer: int | None
    neuronpedia_id: str | None
    weights_sha256: str


MISMATCH = 1.0  # fraction of variance unexplained above which an SAE does worse than the mean activation


class SAEFit(Part):
    """How well the SAE reconstructs what the model computes where it reads."""

    fvu: float = Field(description="fraction of variance unexplained, Σ‖a - â‖² / Σ‖a - mean(a)‖²; 0 is perfect")
    n_tokens: int = Field(description="question tokens of the training set, the first of a text left out")

    @property
    def line(self) -> str:
        """In a sentence."""
        return (
            f"The SAE leaves {self.fvu:.2f} of the variance of the model's activations unexplained "
            f"({self.n_tokens:,} question tokens of the training set)."
        )


class DataIdentity(Part):
    """A data source as it was read."""

    source: str
    revision: str | None
    rows: int
    sha256: str = Field(description="of the rows")
    form: str = Field(default="", description="fields that examples were read from", exclude_if=is_empty)
    left_out: int = Field(default=0, description="rows that could not be read", exclude_if=is_empty)
    roles: dict[str, int] = Field(default={}, description="turns by role, in conversations", exclude_if=is_empty)
    version: str = Field(default="", description="versions of the lm-eval tasks that were read", exclude_if=is_empty)


_SINKS = "attention sinks among the question tokens: how many, by token"


class OwnAnswers(Part):
    """The untuned model's own answers that step 1 demonstrated."""

    texts: tuple[str, ...] = Field(description="in the order of the rows shown")
    sampled: int = Field(description="answers in all")
    accepted: int = Field(description="of them, by the reward")


class SeedShift(Part):
    """Step 1 for one seed."""

    seed: int
    features: tuple[int, ...] = Field(description="D_N, most shifted first")
    shift: tuple[float, ...] = Field(description="mean squared difference of each, in the same order")
    share_of_total: float = Field(description="their part of the squared difference over all features")
    demonstrations: tuple[int, ...] = Field(description="rows of the training set shown")
    own: OwnAnswers | None = Field(
        default=None, description="None where the rows' solutions were shown", exclude_if=absent
    )
    questions: tuple[int, ...] = Field(
        default=(), description="rows of the training set whose questions were read", exclude_if=is_empty
    )
    n_questions: int
    n_tokens: int
    seen: tuple[int, ...] = Field(
        default=(), description="how many questions saw 0, 1, ... demonstrations", exclude_if=is_empty
    )
    sinks: dict[str, int] = Field(default={}, description=_SINKS, exclude_if=is_empty)
    prompts_sha256: str = Field(description="of the token ids of all prompts, demonstrations included")


class Score(Part):
    """One predictor's score of one domain."""

    value: float
    se: float | None = Field(
        default=None,
        description="standard error over questions and, where there are several, seeds (in older records, which have "
        "no `seen`, over questions alone); None for one question, or if undefined",
    )
    seed_sd: float | None = Field(default=None, description="standard deviation over seeds; None for one seed")


class PredictorCost(Part):
    """What a predictor costs if it is asked for alone. Work that predictors share is counted for each."""

    seconds: float
    tokens: int = Field(description="tokens that went through the model")
    passes: int = Field(description="forward passes, up to the hook or through the whole model")
    backward_passes: int


class PredictorScores(Part):
    """One predictor's score of every domain; larger means a larger expected rise (STS_ICL: a larger change)."""

    name: str
    group: str
    flags: tuple[str, ...] = Field(
        description="L looks at right answers, G runs backward passes, P trains briefly, O reads the tuned model"
    )
    summary: str
    scores: dict[str, Score] = Field(description="by domain; a domain is missing where the score is not defined")
    seeds: tuple[int, ...] = Field(description="prediction seeds behind the scores; empty where nobody noted them")
    cost: PredictorCost | None = Field(description="None where it was not noted")

    @property
    def values(self) -> dict[str, float]:
        """The plain score by domain."""
        return {domain: score.value for domain, score in self.scores.items()}


class CarrierToken(Part):
    """A token and its part of its question's score."""

    token: str
    before: str = Field(description="the text just before it")
    share: float
    sink: bool = Field(description="whether it is an attention sink")


class CarrierFeature(Part):
    """A feature and its part of a question's score."""

    feature: int
    share: float


class LargestQuestion(Part):
    """The question that carries most of a domain's score, by its mean over the seeds that drew it."""

    question_id: str
    share: float = Field(description="of the sum over the domain's questions")
    chance: float = Field(description="probability of such a share for exponential parts (Fisher 1929)")
    tokens: tuple[CarrierToken, ...] = Field(description="that carry most of it, in its largest reading")
    features: tuple[CarrierFeature, ...]


class DomainQuestions(Part):
    """What was read of one domain."""

    domain: str
    n_questions: int
    n_tokens: int
    prompts_sha256: str = Field(description="of the token ids of all prompts, demonstrations included")
    question_ids: tuple[str, ...] = Field(description="the questions that were read, to be left out of scored ones")
    demonstration_ids: tuple[tuple[str, ...], ...] = Field(
        default=(),
        description="by seed, the demonstrations in the order shown; their numbers from 0 where they have no id",
        exclude_if=is_empty,
    )
    seen: tuple[int, ...] = Field(
        default=(), description="how many readings saw 0, 1, ... demonstrations, over all seeds", exclude_if=is_empty
    )
    sinks: dict[str, int] = Field(default={}, description=_SINKS, exclude_if=is_empty)
    largest: dict[str, LargestQuestion] = Field(
        default={}, description="by score of STS, the question that carries most of it", exclude_if=is_empty
    )


class TokenFiring(Part):
    """A token of the data that fires a feature, in records from before there were meanings."""

    token: str
    before: str = Field(description="the text just before it")
    domain: str
    activation: float


class FeatureReason(Part):
    """Why: one of the first seed's features, the most shifted ones and those most particular to the training set."""

    feature: int
    shift: float
    neuronpedia: str | None
    share_of_act: dict[str, float] = Field(description="by domain: its part of STS_act")
    share_of_icl: dict[str, float] = Field(description="by domain: its part of STS_ICL")
    firings: tuple[TokenFiring, ...] = Field(default=(), description="in older records", exclude_if=is_empty)


class Cost(Part):
    """What the prediction cost."""

    seconds: dict[str, float] = Field(description="wall-clock by stage")
    tokens: int = Field(description="tokens that went through the model")
    passes: int = Field(description="forward passes, each up to the hook only")


class Prediction(Record):
    """Scores per domain for one model, SAE, training set and benchmark."""

    schema_version: Literal[3] = 3
    created: str = Field(description="UTC, ISO 8601")
    experiment: Experiment
    model: ModelIdentity
    sae: SAEIdentity
    sae_fit: SAEFit | None = Field(default=None, description="None where it was not measured", exclude_if=is_empty)
    training_set: DataIdentity
    benchmark: DataIdentity
    shifts: tuple[SeedShift, ...]
    on_policy_shifts: tuple[SeedShift, ...] = Field(
        default=(), description="step 1 with the model's own answers, beside ground truth", exclude_if=is_empty
    )
    domains: tuple[DomainQuestions, ...]
    predictors: tuple[PredictorScores, ...] = Field(description="STS's three scores first, then what was asked for")
    reasons: tuple[FeatureReason, ...]
    meanings: Meanings | None = Field(
        default=None, description="what the shifted features mean; None where nobody asked", exclude_if=absent
    )
    warnings: tuple[str, ...]
    versions: dict[str, str]
    cost: Cost

    def predictor(self, name: str) -> PredictorScores:
        """One predictor's scores.

        Raises:
            KeyError: It was not asked for.
        """
        return {one.name: one for one in self.predictors}[name]

    @property
    def others(self) -> tuple[PredictorScores, ...]:
        """The predictors beside STS and its robust variants."""
        sts = {*SCORES, *ROBUST.values()}
        return tuple(predictor for predictor in self.predictors if predictor.name not in sts)

    def by_predictor(self) -> dict[str, dict[str, float]]:
        """Score by predictor, STS first, and domain."""
        return {predictor.name: predictor.values for predictor in self.predictors}

    def ranked(self, name: str = "sts_icl") -> list[DomainQuestions]:
        """Domains by one predictor's score, highest first; those without a score are left out."""
        values = self.predictor(name).values
        return sorted((one for one in self.domains if one.domain in values), key=lambda one: -values[one.domain])
