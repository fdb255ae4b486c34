"""Correlations of scores with measured changes, as `sts-eval compare` computes them, for the paper's tables.

Each function returns a measure: what a check asks of the records, None where they do not have it. Intervals draw
models, training sets and domains (`sts_eval.statistics.resampling`).
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from sts_eval.analysis.aligned_runs import AlignedRuns, AlignedScores, Floats, align
from sts_eval.analysis.correlations import WithinRuns
from sts_eval.analysis.history import history_predictors
from sts_eval.analysis.judged import outcome_of
from sts_eval.analysis.wording import counted
from sts_eval.records.outcome import Outcome
from sts_eval.records.paper_answer import Measured
from sts_eval.records.prediction import Prediction
from sts_eval.reproduction.evidence import Evidence
from sts_eval.statistics.ceiling import Ceiling, ceiling_within_runs
from sts_eval.statistics.resampling import percentile_interval, resamples
from sts_eval.statistics.result import Interval

Measure = Callable[[Evidence], Measured | None]
Chosen = Callable[[Evidence], Sequence[Outcome]]

N_RESAMPLES, SEED = 2000, 0  # those of `sts-eval compare`

CLAIMED = 0.5
"""The r of a score that goes with |Δ|. The paper's are .60 to .90 over the 8 most extreme domains of 14; corrected for
that choice, those of STS_ICL are about .68 to .74."""


def supervised(evidence: Evidence) -> Sequence[Outcome]:
    """Runs of supervised fine-tuning."""
    return evidence.supervised


def reinforced(evidence: Evidence) -> Sequence[Outcome]:
    """Runs of GRPO."""
    return evidence.reinforced


def made_for(domain: str) -> Chosen:
    """Supervised runs on sets that are made for a domain and not for mathematics first."""
    return lambda evidence: [one for one in evidence.supervised if one.home[:1] == (domain,)]


def r_with_size(name: str, chosen: Chosen = supervised, *, squared: bool = False) -> Measure:
    """Pooled r of a predictor with |Δ|; squared with its sign kept, so that a negative r explains nothing."""

    def measure(evidence: Evidence) -> Measured | None:
        runs = _aligned(chosen(evidence))
        found = None if runs is None else _r(runs, name)
        if found is None or not squared:
            return found
        ends = {end: _signed_square(getattr(found, end)) for end in ("value", "low", "high")}
        return found.model_copy(update=ends)

    return measure


def advantage(name: str, rival: str, chosen: Chosen = supervised) -> Measure:
    """Pooled r of one predictor with |Δ| less that of another, over the points that both have."""

    def measure(evidence: Evidence) -> Measured | None:
        runs = _aligned(chosen(evidence))
        if runs is None:
            return None
        within = _within(runs, (name, rival))
        if len(within.scores) < 2:  # noqa: PLR2004 -- both are needed
            return None
        found = within.difference(name, rival)
        if found.difference is None:
            return None
        return _measured(found.difference, found.interval, basis(runs))

    return measure


def weakest(names: Sequence[str]) -> Measure:
    """The lowest of the pooled r of several predictors with |Δ|; None unless there are two."""

    def measure(evidence: Evidence) -> Measured | None:
        runs = _aligned(evidence.supervised)
        return None if runs is None else _lowest({name: _r(runs, name) for name in names})

    return measure


def weakest_sae(place: Callable[[Prediction], str], sae: Callable[[Prediction], str]) -> Measure:
    """The lowest pooled r of STS_ICL over several SAEs; only where they are alike in `place` and unlike in `sae`."""

    def measure(evidence: Evidence) -> Measured | None:
        if len({place(run.prediction) for run in evidence.runs}) != 1:
            return None
        return _lowest({label: _r(runs, "sts_icl") for label, runs in evidence.by_sae(sae).items()})

    return measure


def sizes_differ(evidence: Evidence) -> Measured | None:
    """How high the r of a perfect predictor of |Δ| could go: 0 where domains differ by no more than noise."""
    runs = _aligned(evidence.supervised)
    if runs is None:
        return None
    found = _ceiling(runs)
    return None if found.r is None else _measured(found.r, found.interval, basis(runs))


def share_of_falls(evidence: Evidence) -> Measured | None:
    """Share of domains whose accuracy fell, over all runs."""
    runs = _aligned(evidence.supervised)
    if runs is None:
        return None
    fell = (runs.measures["accuracy"].change < 0).astype(np.float64)
    drawn = resamples(runs.units, fell.shape[1], N_RESAMPLES, SEED)

    def total(values: Floats) -> Floats:
        summed: Floats = ((drawn.runs @ values) * drawn.domains).sum(axis=1)
        return summed

    interval = percentile_interval(total(fell) / total(np.ones_like(fell)), 0.95)
    return _measured(float(fell.mean()), interval if isinstance(interval, Interval) else None, basis(runs))


def basis(runs: AlignedRuns) -> str:
    """What a figure rests on."""
    models, sets = (
        counted(len(names), noun) if len(names) > 3 else ", ".join(names)  # noqa: PLR2004 -- names while they are few
        for names, noun in ((runs.models, "model"), (runs.training_sets, "training set"))
    )
    return f"{counted(len(runs.outcomes), 'run')} ({models} on {sets}), {counted(len(runs.domains), 'domain')}"


def _aligned(outcomes: Sequence[Outcome]) -> AlignedRuns | None:
    return align(outcomes) if outcomes else None


def _within(runs: AlignedRuns, names: Sequence[str]) -> WithinRuns:
    """Those of the predictors that there are, against |Δ|."""
    size = outcome_of("how_much", runs.measures["accuracy"])
    known: Mapping[str, AlignedScores] = runs.predictors | runs.variants
    if any(name.startswith("history_") for name in names):
        known = {**known, **history_predictors(runs, size, "how_much")}
    scores = {name: known[name].scores for name in names if name in known}
    return WithinRuns(scores, size, runs.units, N_RESAMPLES, SEED)


def _r(runs: AlignedRuns, name: str) -> Measured | None:
    """Pooled r with |Δ|; without an interval where the noise in |Δ| keeps even a perfect score below the claim."""
    within = _within(runs, (name,))
    found = within.estimate(name) if within.scores else None
    if found is None or found.r is None:
        return None
    reach = _ceiling(runs).r or 0.0
    if reach < CLAIMED:
        told = f"{basis(runs)}; by the noise in |Δ| a perfect score would reach {reach:.2f}, so no interval is given"
        return Measured(value=found.r, basis=told)
    low, high = found.bootstrap or (None, None)
    return Measured(value=found.r, low=low, high=high, basis=basis(runs))


def _ceiling(runs: AlignedRuns) -> Ceiling:
    changes = runs.measures["accuracy"]
    return ceiling_within_runs(changes.change, changes.se, np.abs, units=runs.units, n_resamples=N_RESAMPLES, seed=SEED)


def _lowest(found: Mapping[str, Measured | None]) -> Measured | None:
    known = {name: one for name, one in found.items() if one is not None}
    if len(known) < 2:  # noqa: PLR2004 -- one says nothing of others
        return None
    name = min(known, key=lambda one: known[one].value)
    told = f"{name}, the lowest of {', '.join(known)}; {known[name].basis}"
    return known[name].model_copy(update={"basis": told})


def _signed_square(value: float | None) -> float | None:
    return None if value is None else value * abs(value)


def _measured(value: float, interval: Interval | None, basis: str) -> Measured:
    low, high = (interval.low, interval.high) if interval else (None, None)
    return Measured(value=value, low=low, high=high, basis=basis)
