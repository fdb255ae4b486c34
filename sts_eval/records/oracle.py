"""The record of what predictors could say that had the tuned model. It stands outside any ranking."""

from typing import Literal

from pydantic import Field

from sts_eval.records.prediction import PredictorScores
from sts_eval.records.record import Record


class Oracle(Record):
    """Scores of the domains that were read from one tuned model."""

    schema_version: Literal[2] = 2
    created: str = Field(description="UTC, ISO 8601")
    tuning_seed: int
    n_questions: int = Field(description="of all domains, those that the prediction's first seed read")
    predictors: tuple[PredictorScores, ...] = Field(description="all flagged O")
