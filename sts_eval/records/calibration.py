"""The record of a calibration: a line from scores to points, and its error on runs that it has not seen."""

from typing import Literal

from pydantic import Field

from sts_eval.records.record import Part, Record

Held = Literal["model", "training_set"]  # what is left out: all runs of one model, or all runs on one training set


class Source(Part):
    """A run that the calibration was made from."""

    outcome_sha256: str
    prediction_sha256: str
    model: str
    training_set: str


class Term(Part):
    """A predictor's part in the line. Raw scores of different models have no common unit, so they are standardised."""

    predictor: str
    slope: float = Field(description="points per standard deviation of the scores over the domains of their run")


HistoryKind = Literal["domain", "same-set", "none"]
"""History beside the scores: a domain's mean change in other runs, or in other models' runs on the same set."""


class HistoryTerm(Part):
    """The part of each domain's history in the line."""

    slope: float = Field(description="points per point; below 1 where a domain's mean says little about the next run")
    mean: dict[str, float] = Field(description="by domain: mean change over the outcomes, points")
    by_set: dict[str, dict[str, float]] = Field(
        default={},
        exclude_if=lambda by_set: not by_set,
        description="by training set and domain, where it is the history on the same set; takes the place of the mean",
    )


class Equation(Part):
    """Expected change of a domain = intercept + Σ slope · standardised score + slope · domain's mean change."""

    intercept: float = Field(description="points")
    terms: tuple[Term, ...]
    history: HistoryTerm | None = Field(description="None where it was not asked for")


class Level(Part):
    """A nominal coverage, and the one that was measured."""

    level: float = Field(gt=0, lt=1, description="nominal share of changes inside the interval")
    half_width: float | None = Field(description="points; None where there are too few held-out points")
    share: float | None = Field(description="of held-out changes in an interval from the residuals of the other groups")
    share_low: float | None = Field(description="95% binomial interval of the share, as if points were independent")
    share_high: float | None
    n: int = Field(description="held-out points that were judged")


class HoldOut(Part):
    """Error on groups of runs that the line, the choice of its predictor and its history have not seen.

    The skill against the run's own mean, which is known only afterwards, may stay below 0 for a useful line.
    """

    by: Held
    n_groups: int
    n_points: int = Field(default=0, description="held-out points with a prediction")
    rmse: float | None = Field(default=None, description="points")
    mae: float | None = Field(default=None, description="points")
    skill_zero: float | None = Field(default=None, description="1 - MSE/MSE of 'nothing changes'")
    skill_run_mean: float | None = Field(default=None, description="against the run's own measured mean")
    skill_domain_mean: float | None = Field(default=None, description="against the domain's mean in the other groups")
    skill_same_set: float | None = Field(
        default=None,
        exclude_if=lambda value: value is None,
        description="against the domain's mean in the other groups' runs on the same set, no line fitted",
    )
    rmse_same_set: float | None = Field(
        default=None, exclude_if=lambda value: value is None, description="points; of that mean itself"
    )
    levels: tuple[Level, ...] = ()
    selected: dict[str, int] = Field(default={}, description="by predictor: folds whose line uses it")
    too_little: str | None = Field(default=None, description="why there are no figures")


class Calibration(Record):
    """A line from scores to points."""

    schema_version: Literal[1] = 1
    created: str = Field(description="UTC, ISO 8601")
    equation: Equation | None = Field(description="None where its error could not be measured")
    with_history: bool
    candidates: tuple[str, ...] = Field(description="predictors to choose from; empty where they were given")
    half_width_80: float | None = Field(description="points; for 80% of changes, the larger of the hold-outs'")
    half_width_90: float | None
    harder: Held | None = Field(description="hold-out of the larger RMSE; it chose predictor and weight of history")
    hold_outs: tuple[HoldOut, ...]
    domains: tuple[str, ...] = Field(description="that have a measured change; no other gets an expected one")
    n_runs: int
    n_models: int
    n_training_sets: int
    n_points: int
    outcomes: tuple[Source, ...]
    too_little: str | None = Field(description="what is not given, and why, in a sentence")


class ExpectedChange(Part):
    """The expected change of one domain, in points of accuracy."""

    domain: str
    points: float
    low80: float | None = Field(description="None where the calibration has too few points for this level")
    high80: float | None
    low90: float | None
    high90: float | None
