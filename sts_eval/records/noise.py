"""The record of a matrix's noise: what decides how many runs a comparison needs, without the runs themselves."""

from typing import Literal

from pydantic import Field

from sts_eval.records.comparison import AWAY, Measure, Question
from sts_eval.records.record import Record
from sts_eval.statistics.power import Noise


class MatrixNoise(Record):
    """Components of variance of a matrix of runs, by measure."""

    schema_version: Literal[1] = 1
    created: str = Field(description="UTC, ISO 8601")
    models: tuple[str, ...] = Field(min_length=1)
    training_sets: tuple[str, ...] = Field(min_length=1)
    n_runs: int = Field(ge=1)
    n_domains: int = Field(ge=1)
    predictors: tuple[str, ...] = Field(description="whose errors were taken")
    by_measure: dict[Measure, Noise] = Field(min_length=1)
    n_home: float = Field(default=0, ge=0, description="home domains of a run, mean")
    away: dict[Measure, Noise] = Field(default={}, description="without home domains; empty where none are named")

    def noise(self, question: Question, measure: Measure) -> Noise | None:
        """Of one question; None where it is not known."""
        return (self.away if question in AWAY else self.by_measure).get(measure)
