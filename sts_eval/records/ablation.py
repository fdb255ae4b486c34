"""What happens to the model's answers when features are set to zero, before fine-tuning and after."""

from typing import Literal

from pydantic import Field

from sts_eval.experiment import AblationSettings
from sts_eval.records.record import Part, Record

FeatureSet = Literal["none", "predicted", "actual", "most_active", "random", "matched"]
Measure = Literal["target", "logprob", "accuracy"]

ALIKE = 1.25  # ratio of mean activations up to which two sets count as equally active

SET_NAMES: dict[FeatureSet, str] = {
    "none": "none",
    "predicted": "predicted",
    "actual": "actually moved",
    "most_active": "most active",
    "random": "random live",
    "matched": "matched random",
}


class AblationCell(Record):
    """One model's answers with some features at zero."""

    schema_version: Literal[1] = 1
    key: str = Field(description="hash of the model, the SAE, the features, the questions and the rows")
    features: tuple[int, ...]
    right: dict[str, str] = Field(description="by domain, 1 for each question whose likeliest option is right, else 0")
    logprob: dict[str, tuple[float, ...]] = Field(description="by domain, of the right option over all options, nats")
    target: tuple[float, ...] = Field(description="of each held-out row's answer, nats per token")
    seconds: float


class Effect(Part):
    """A mean difference over questions (and draws, or tuning seeds, where there are several)."""

    value: float
    se: float | None = Field(description="standard error; None for a single question")
    interval: tuple[float, float] | None = Field(description="95%; None where the error is 0 or not known")


class DomainEffect(Part):
    """What setting features to zero does to a domain."""

    domain: str
    logprob: Effect = Field(description="of the right option, nats")
    accuracy: Effect = Field(description="points")


class CurvePoint(Part):
    """So many features at zero, against none, by one model."""

    tuned: bool = Field(description="whether the model is the tuned one; the mean over tuning seeds")
    features: FeatureSet
    count: int
    target: Effect = Field(description="held-out answers of the training set, nats per token")
    logprob: Effect = Field(description="right option over the questions of all domains, nats")
    accuracy: Effect = Field(description="over the questions of all domains, points")
    domains: tuple[DomainEffect, ...]


class Contrast(Part):
    """Predicted features at zero against as many others, on the same questions."""

    tuned: bool
    count: int
    against: FeatureSet
    measure: Measure
    effect: Effect = Field(description="negative: predicted features hurt more")


class Balance(Part):
    """How active a set is as a multiple of as many predicted features, mean over draws."""

    features: FeatureSet
    count: int
    frequency: float = Field(description="of the mean firing frequency")
    activation: float = Field(description="of the mean activation")

    @property
    def alike(self) -> bool:
        """Whether the sets are about as active: mean activations within a quarter of each other."""
        return 1 / ALIKE <= self.activation <= ALIKE


class LevelBefore(Part):
    """One model with nothing at zero."""

    tuned: bool
    target: float = Field(description="held-out answers of the training set, nats per token")
    logprob: float
    accuracy: float = Field(description="per cent")


class Ablation(Record):
    """Zero-ablation of predicted features and controls."""

    schema_version: Literal[1] = 1
    created: str = Field(description="UTC, ISO 8601")
    prediction_sha256: str
    model: str
    training_set: str
    hook_name: str
    settings: AblationSettings
    tuning_seeds: tuple[int, ...] = Field(description="of the tuned models; empty where only the untuned one was there")
    n_features: int
    n_live: int = Field(description="features that fire on a question token of the training set")
    headline: int = Field(
        description="the count that the conclusion is about: the largest up to the prediction's N at which matched "
        "features are as active as the predicted; else the smallest"
    )
    left_out: tuple[str, ...] = Field(description="what was asked for and cannot be done")
    questions: dict[str, tuple[str, ...]] = Field(description="ids of the scored questions, by domain")
    rows: tuple[int, ...] = Field(description="scored rows of the training set, which tuning holds out")
    levels: tuple[LevelBefore, ...]
    points: tuple[CurvePoint, ...]
    contrasts: tuple[Contrast, ...]
    balances: tuple[Balance, ...]
    seconds: float
    versions: dict[str, str]

    def point(self, features: FeatureSet, count: int, *, tuned: bool) -> CurvePoint | None:
        """The point of a curve, None where there is none."""
        found = (one for one in self.points if (one.features, one.count, one.tuned) == (features, count, tuned))
        return next(found, None)

    def balance(self, features: FeatureSet, count: int) -> Balance | None:
        """How active a set is, None where there is no such set."""
        return next((one for one in self.balances if (one.features, one.count) == (features, count)), None)

    def contrast(self, against: FeatureSet, count: int, measure: Measure, *, tuned: bool) -> Contrast | None:
        """Predicted features against others, None where there is no such contrast."""
        wanted = (against, count, measure, tuned)
        found = (one for one in self.contrasts if (one.against, one.count, one.measure, one.tuned) == wanted)
        return next(found, None)
