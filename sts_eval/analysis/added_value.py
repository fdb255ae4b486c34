"""What every predictor adds to a domain's history.

History is the mean of the domain over all other runs; a second table takes the mean over other models tuned on the same
set, which knows the set as well as the domain. Where both accuracy and log-probability were measured, the partial
correlation holds the less noisy history fixed, whichever the change is measured by; errors in points or nats come
from the history in that unit. A group that is held out stays out of every history.
"""

import numpy as np
from numpy.typing import NDArray

from sts_eval.analysis.aligned_runs import AlignedRuns, Floats
from sts_eval.analysis.correlations import ends
from sts_eval.analysis.history import history, history_predictors, n_behind
from sts_eval.analysis.judged import ComparisonSettings, outcome_of, standing_of
from sts_eval.records.comparison import AddedRow, AddedTable, Measure, Question
from sts_eval.statistics import partial_correlation, standardised
from sts_eval.statistics.added import partial_permutations
from sts_eval.statistics.held_out import held_out_errors

HISTORIES = ("history_all", "history_same_set")  # what is held fixed, a table for each
MODELS_TO_HOLD_OUT = 3  # models from which on one of them is held out; with fewer, a training set is


def added_value_tables(
    question: Question, measure: Measure, runs: AlignedRuns, settings: ComparisonSettings
) -> list[AddedTable]:
    """What predictors add to each history that every run has; no table for a single run.

    The question is `how_much` or `which_way`: history says nothing of set by domain.
    """
    held_fixed = least_noisy(runs, measure)
    known = history_predictors(runs, outcome_of(question, runs.measures[held_fixed]), question)
    return [
        _table(name, known[name].scores, held_fixed, question, measure, runs, settings)
        for name in HISTORIES
        if name in known and np.isfinite(known[name].scores).all()
    ]


def least_noisy(runs: AlignedRuns, measure: Measure) -> Measure:
    """The measure whose changes have the least noise in them, as a share of their spread within runs.

    It is the given one where errors of another are not known.
    """

    def noise(one: Measure) -> float:
        changes = runs.measures[one]
        spread = float(changes.change.var(axis=1, ddof=1).mean())
        known = changes.se.all() and spread > 0
        return float((changes.se**2).mean()) / spread if known else np.inf

    return min([measure, *runs.measures], key=noise)  # the first of equals


def _table(
    name: str,
    known: Floats,
    held_fixed: Measure,
    question: Question,
    measure: Measure,
    runs: AlignedRuns,
    settings: ComparisonSettings,
) -> AddedTable:
    by_model = len(runs.models) >= MODELS_TO_HOLD_OUT
    groups = runs.model_of if by_model else runs.set_of
    outcome = outcome_of(question, runs.measures[measure])
    nested = histories_without(name, outcome, groups, runs)
    # Models have features of their own, so scores have no unit in common until each run's spread is 1.
    scores = {key: standardised(one.scores) for key, one in runs.predictors.items()}
    permuted = partial_permutations(scores, known, outcome, n_resamples=settings.n_resamples, seed=settings.seed)
    rows = []
    for key, one in runs.predictors.items():
        added = partial_correlation(
            scores[key],
            known,
            outcome,
            units=runs.units,
            level=settings.level,
            n_resamples=settings.n_resamples,
            seed=settings.seed,
        )
        errors = held_out_errors(scores[key], nested, outcome, groups)
        row = AddedRow(
            name=key,
            flags=one.flags,
            standing=standing_of(one),
            partial_r=added.r,
            interval=ends(added.interval),
            p_permutation=None if added.r is None else permuted[key],
            rmse_plain=errors.plain,
            rmse_without=errors.without,
            rmse_with=errors.with_score,
            n_runs=added.n_runs,
            n_points=added.n_points,
            undefined=added.reason("r") if added.r is None else None,
        )
        rows.append(row)
    rows.sort(key=lambda row: (row.standing == "oracle", row.partial_r is None, -(row.partial_r or 0.0)))
    return AddedTable(
        question=question,
        measure=measure,
        history=name,
        history_measure=held_fixed,
        n_history=n_behind(name, runs),
        held_out="models" if by_model else "training sets",
        rows=tuple(rows),
    )


def histories_without(name: str, outcome: Floats, groups: NDArray[np.intp], runs: AlignedRuns) -> dict[int, Floats]:
    """By group, the history of every run as it is without that group's outcomes, shape (n_runs, n_domains)."""
    return {
        int(group): history(outcome, runs.model_of, runs.set_of, groups != group)[name] for group in np.unique(groups)
    }
