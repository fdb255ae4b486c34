"""Outcomes as aligned arrays: runs by domains.

Only domains that every run has take part, so that all figures of a table are over the same domains.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from sts_eval.records.comparison import MeanCost, Measure
from sts_eval.records.outcome import Change, DomainOutcome, Outcome
from sts_eval.records.prediction import PredictorScores
from sts_eval.statistics import debiased_magnitude
from sts_eval.statistics.paired import POINTS
from sts_eval.statistics.resampling import Units

Floats = NDArray[np.float64]

VARIANTS = ("sts_sizes", "sts_layers")  # groups of STS's scores at other numbers of features, and at other layers
HOME = "home"  # group of predictors that know what a training set is made for

HOME_SUMMARIES = {
    "home_domain": "Whether the domain is one that the training set is made for (1 or 0)",
    "home_share": "Share of the training set that is about the domain, as its recipe says",
}
"""The plainest predictors: who knows what a set is made for expects its domains to rise, without a model or a text."""

FREE = MeanCost(seconds=0, passes=0, backward_passes=0, share_of_tuning=None)

FEWEST_DOMAINS = 3  # without which there is nothing to correlate

BESIDE_ACCURACY: tuple[Measure, ...] = ("logprob", "acc_norm", "logprob_per_token")
"""Measures that a domain of an outcome may have, each a field of it."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What tuning changed, by one measure, in points or nats."""

    change: Floats  # signed, shape (n_runs, n_domains)
    se: Floats  # its standard error, same shape
    by_seed: tuple[Floats | None, ...]  # by run: shape (n_seeds, n_domains), None where not recorded
    shared: Floats  # mean covariance of each change's error with those of the model's other runs; 0 where not known

    @property
    def magnitude(self) -> Floats:
        """Size of the change, the paper's outcome, shape (n_runs, n_domains). Noise adds to it: .8 SE where it is 0."""
        return np.abs(self.change)

    @property
    def own_variance(self) -> Floats:
        """Squared error of each change less what it shares with the model's other runs, same shape, at least 0."""
        return np.maximum(self.se**2 - self.shared, 0.0)

    @property
    def noise_taken_off(self) -> Floats:
        """Signed root of Δ² - SE², same shape: the square is unbiased, the root is not."""
        return debiased_magnitude(self.change.ravel(), self.se.ravel()).reshape(self.change.shape)


@dataclass(frozen=True, slots=True)
class AlignedScores:
    """A predictor over all runs."""

    name: str
    group: str
    flags: tuple[str, ...]
    summary: str
    scores: Floats  # shape (n_runs, n_domains), NaN where it has none
    cost: MeanCost | None


@dataclass(frozen=True, slots=True)
class AlignedRuns:
    """Runs by domains."""

    outcomes: tuple[Outcome, ...]  # in the order of the rows
    domains: tuple[str, ...]  # that all runs have, in the order of the columns
    models: tuple[str, ...]  # distinct
    training_sets: tuple[str, ...]  # distinct
    model_of: NDArray[np.intp]  # index into `models`, shape (n_runs,)
    set_of: NDArray[np.intp]  # index into `training_sets`, shape (n_runs,)
    home: NDArray[np.bool_]  # is the run's training set made for the domain? shape (n_runs, n_domains)
    measures: dict[Measure, Changes]  # those beside accuracy only where every run and domain has them
    predictors: dict[str, AlignedScores]
    variants: dict[str, AlignedScores]  # STS at other numbers of features and layers; chosen among, not compared
    left_out: tuple[str, ...]  # domains that some run lacks

    @property
    def units(self) -> Units:
        """What runs share, for resamples."""
        return Units.of(self.model_of, self.set_of)

    @property
    def run_names(self) -> tuple[str, ...]:
        """Model and training set of every run, for titles."""
        return tuple(f"{one.model} on {one.training_set}" for one in self.outcomes)


def align(outcomes: Sequence[Outcome]) -> AlignedRuns:
    """Bring at least one run to one table."""
    by_domain = [{one.domain: one for one in outcome.domains} for outcome in outcomes]
    every = tuple(dict.fromkeys(name for run in by_domain for name in run))
    domains = tuple(name for name in every if all(name in run for run in by_domain))
    models = tuple(dict.fromkeys(outcome.model for outcome in outcomes))
    training_sets = tuple(dict.fromkeys(outcome.training_set for outcome in outcomes))
    measures: dict[Measure, Changes] = {
        "accuracy": _changes(
            [[run[name].accuracy for name in domains] for run in by_domain], _shared(outcomes, by_domain, domains)
        )
    }
    for measure in BESIDE_ACCURACY:
        rows = [[one for name in domains if (one := getattr(run[name], measure)) is not None] for run in by_domain]
        if all(len(row) == len(domains) for row in rows):
            measures[measure] = _changes(rows, np.zeros((len(outcomes), len(domains))))
    found = _predictors(outcomes, domains)
    return AlignedRuns(
        outcomes=tuple(outcomes),
        domains=domains,
        models=models,
        training_sets=training_sets,
        model_of=np.array([models.index(outcome.model) for outcome in outcomes]),
        set_of=np.array([training_sets.index(outcome.training_set) for outcome in outcomes]),
        home=np.array([[name in outcome.home for name in domains] for outcome in outcomes]),
        measures=measures,
        predictors={name: one for name, one in found.items() if one.group not in VARIANTS}
        | _home_predictors(outcomes, domains),
        variants={name: one for name, one in found.items() if one.group in VARIANTS},
        left_out=tuple(name for name in every if name not in domains),
    )


def _changes(rows: Sequence[Sequence[Change]], shared: Floats) -> Changes:
    by_seed: list[Floats | None] = []
    for row in rows:
        whole = len({len(change.by_seed) for change in row}) == 1 and row[0].by_seed
        by_seed.append(np.array([change.by_seed for change in row]).T if whole else None)
    return Changes(
        change=np.array([[change.delta for change in row] for row in rows]),
        se=np.array([[change.se for change in row] for row in rows]),
        by_seed=tuple(by_seed),
        shared=shared,
    )


def _shared(
    outcomes: Sequence[Outcome], by_domain: Sequence[Mapping[str, DomainOutcome]], domains: Sequence[str]
) -> Floats:
    """Mean covariance of the error of each accuracy change with the model's other runs, (n_runs, n_domains), points².

    Runs of one model share the untuned model's answers and the questions. The covariance of two means over the same n
    questions is that of the questions' changes over n. 0 where a run has no changes by question, or other questions.
    """
    shared = np.zeros((len(outcomes), len(domains)))
    for place, name in enumerate(domains):
        groups: dict[tuple[str, str], list[int]] = {}
        for run, outcome in enumerate(outcomes):
            if (questions := by_domain[run][name].questions) is not None:
                groups.setdefault((outcome.model, questions.ids_sha256), []).append(run)
        for rows in (rows for rows in groups.values() if len(rows) > 1):
            changes = np.array([_by_question(by_domain[run][name], len(outcomes[run].seeds)) for run in rows])
            covariance = np.cov(changes) / changes.shape[1]
            shared[rows, place] = (covariance.sum(axis=1) - np.diag(covariance)) / (len(rows) - 1)
    return shared


def _by_question(one: DomainOutcome, n_seeds: int) -> Floats:
    """Change of every question, mean over seeds, in points."""
    return POINTS * np.array(one.questions.right if one.questions else (), dtype=np.float64) / n_seeds


def _predictors(outcomes: Sequence[Outcome], domains: Sequence[str]) -> dict[str, AlignedScores]:
    found: dict[str, dict[int, PredictorScores]] = {}
    for run, outcome in enumerate(outcomes):
        for one in outcome.predictors:
            found.setdefault(one.name, {})[run] = one
    predictors = {}
    for name, by_run in found.items():
        scores = np.full((len(outcomes), len(domains)), np.nan)
        for run, one in by_run.items():
            scores[run] = [one.values.get(domain, np.nan) for domain in domains]
        first = next(iter(by_run.values()))
        flags = tuple(dict.fromkeys(flag for one in by_run.values() for flag in one.flags))
        cost = _mean_cost(by_run, outcomes)
        predictors[name] = AlignedScores(name, first.group, flags, first.summary, scores, cost)
    return predictors


def _home_predictors(outcomes: Sequence[Outcome], domains: Sequence[str]) -> dict[str, AlignedScores]:
    """What is known of home domains, where at least one run says it."""

    def table(known: Sequence[bool], value: Callable[[Outcome, str], float]) -> Floats:
        rows = zip(outcomes, known, strict=True)
        return np.array([[value(one, name) if there else np.nan for name in domains] for one, there in rows])

    scores = {
        "home_domain": table([bool(one.home) for one in outcomes], lambda one, name: float(name in one.home)),
        "home_share": table([bool(one.shares) for one in outcomes], lambda one, name: one.shares.get(name, 0.0)),
    }
    return {
        name: AlignedScores(name, HOME, (), HOME_SUMMARIES[name], values, FREE)
        for name, values in scores.items()
        if np.isfinite(values).any()
    }


def _mean_cost(by_run: dict[int, PredictorScores], outcomes: Sequence[Outcome]) -> MeanCost | None:
    costs = {run: one.cost for run, one in by_run.items() if one.cost is not None}
    if not costs:
        return None
    # A prediction serves all seeds, but what it saves is one tuning, so it is compared with the time of one.
    tuning = {
        run: seconds / max(1, len(outcomes[run].seeds))
        for run in costs
        if (seconds := outcomes[run].tuning_seconds) is not None
    }
    total = sum(tuning.values())
    return MeanCost(
        seconds=fmean(cost.seconds for cost in costs.values()),
        passes=fmean(cost.passes for cost in costs.values()),
        backward_passes=fmean(cost.backward_passes for cost in costs.values()),
        share_of_tuning=sum(costs[run].seconds for run in tuning) / total if total > 0 else None,
    )
