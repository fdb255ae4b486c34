"""Outcomes as aligned arrays: runs by domains.

Only domains that every run has take part, so that all figures of a table are over the same domains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from sts_eval.records.comparison import MeanCost, Measure
from sts_eval.records.outcome import Change, DomainOutcome, Outcome
from sts_eval.records.prediction import PredictorScores
from sts_eval.statistics import debiased_magnitude

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Measured:
    """What happened, by one measure.

    Attributes:
        change: Signed, shape (n_runs, n_domains), in points or nats.
        se: Its standard error, same shape and unit.
        by_seed: The change of every tuning seed of a run, shape (n_seeds, n_domains) each; None where not recorded.
    """

    change: Floats
    se: Floats
    by_seed: tuple[Floats | None, ...]

    @property
    def magnitude(self) -> Floats:
        """Size of the change with the noise's share taken off, shape (n_runs, n_domains)."""
        return debiased_magnitude(self.change.ravel(), self.se.ravel()).reshape(self.change.shape)


@dataclass(frozen=True, slots=True)
class Column:
    """A predictor over all runs.

    Attributes:
        name: Its name.
        group: Its family.
        flags: What it needs.
        summary: What it is, in a line.
        scores: Shape (n_runs, n_domains), NaN where it said nothing.
        cost: Means over the runs that booked it.
    """

    name: str
    group: str
    flags: tuple[str, ...]
    summary: str
    scores: Floats
    cost: MeanCost | None


@dataclass(frozen=True, slots=True)
class Matrix:
    """Runs by domains.

    Attributes:
        outcomes: The runs, in the order of the rows.
        domains: Domains that all runs have, in the order of the columns.
        models: Distinct models.
        training_sets: Distinct training sets.
        model_of: Index into `models`, shape (n_runs,).
        set_of: Index into `training_sets`, shape (n_runs,).
        home: Whether the run's training set is about the domain, shape (n_runs, n_domains).
        measures: What happened; log-probability only where every run and domain has it.
        columns: What was said, by name.
        left_out: Domains that some run lacks.
    """

    outcomes: tuple[Outcome, ...]
    domains: tuple[str, ...]
    models: tuple[str, ...]
    training_sets: tuple[str, ...]
    model_of: NDArray[np.intp]
    set_of: NDArray[np.intp]
    home: NDArray[np.bool_]
    measures: dict[Measure, Measured]
    columns: dict[str, Column]
    left_out: tuple[str, ...]

    @property
    def run_names(self) -> tuple[str, ...]:
        """Model and training set of every run, for titles."""
        return tuple(f"{one.model} on {one.training_set}" for one in self.outcomes)


def align(outcomes: Sequence[Outcome]) -> Matrix:
    """Bring runs to one table.

    Args:
        outcomes: At least one run.
    """
    everywhere = set.intersection(*({one.domain for one in outcome.domains} for outcome in outcomes))
    every = list(dict.fromkeys(one.domain for outcome in outcomes for one in outcome.domains))
    domains = tuple(name for name in every if name in everywhere)
    models = tuple(dict.fromkeys(outcome.model for outcome in outcomes))
    training_sets = tuple(dict.fromkeys(outcome.training_set for outcome in outcomes))
    accuracy = [[by_domain[name].accuracy for name in domains] for by_domain in map(_by_domain, outcomes)]
    logprob = [[by_domain[name].logprob for name in domains] for by_domain in map(_by_domain, outcomes)]
    measures: dict[Measure, Measured] = {"accuracy": _measured(accuracy)}
    known = [[change for change in row if change is not None] for row in logprob]
    if all(len(row) == len(domains) for row in known):
        measures["logprob"] = _measured(known)
    return Matrix(
        outcomes=tuple(outcomes),
        domains=domains,
        models=models,
        training_sets=training_sets,
        model_of=np.array([models.index(outcome.model) for outcome in outcomes]),
        set_of=np.array([training_sets.index(outcome.training_set) for outcome in outcomes]),
        home=np.array([[name in outcome.home for name in domains] for outcome in outcomes]),
        measures=measures,
        columns=_columns(outcomes, domains),
        left_out=tuple(name for name in every if name not in everywhere),
    )


def _by_domain(outcome: Outcome) -> dict[str, DomainOutcome]:
    return {one.domain: one for one in outcome.domains}


def _measured(rows: Sequence[Sequence[Change]]) -> Measured:
    by_seed: list[Floats | None] = []
    for row in rows:
        whole = len({len(change.by_seed) for change in row}) == 1 and row[0].by_seed
        by_seed.append(np.array([change.by_seed for change in row]).T if whole else None)
    return Measured(
        change=np.array([[change.delta for change in row] for row in rows]),
        se=np.array([[change.se for change in row] for row in rows]),
        by_seed=tuple(by_seed),
    )


def _columns(outcomes: Sequence[Outcome], domains: Sequence[str]) -> dict[str, Column]:
    found: dict[str, dict[int, PredictorScores]] = {}
    for run, outcome in enumerate(outcomes):
        for one in outcome.predictors:
            found.setdefault(one.name, {})[run] = one
    columns = {}
    for name, by_run in found.items():
        scores = np.full((len(outcomes), len(domains)), np.nan)
        for run, one in by_run.items():
            scores[run] = [one.values.get(domain, np.nan) for domain in domains]
        first = next(iter(by_run.values()))
        flags = tuple(dict.fromkeys(flag for one in by_run.values() for flag in one.flags))
        columns[name] = Column(name, first.group, flags, first.summary, scores, _mean_cost(by_run, outcomes))
    return columns


def _mean_cost(by_run: dict[int, PredictorScores], outcomes: Sequence[Outcome]) -> MeanCost | None:
    booked = {run: one.cost for run, one in by_run.items() if one.cost is not None}
    if not booked:
        return None
    # A prediction serves all seeds, but what it saves is one tuning, so it is held against the time of one.
    timed = {
        run: seconds / max(1, len(outcomes[run].seeds))
        for run in booked
        if (seconds := outcomes[run].tuning_seconds) is not None
    }
    tuning = sum(timed.values())
    return MeanCost(
        seconds=fmean(cost.seconds for cost in booked.values()),
        passes=fmean(cost.passes for cost in booked.values()),
        backward_passes=fmean(cost.backward_passes for cost in booked.values()),
        share_of_tuning=sum(booked[run].seconds for run in timed) / tuning if tuning > 0 else None,
    )
