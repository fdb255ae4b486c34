"""What every predictor adds to a domain's history.

History is the mean of the domain over all other runs; a second table takes the mean over other models tuned on the same
set, which knows the set as well as the domain. Where a group of runs is held out, its own other runs still
stand in its history, which makes history harder to beat than it would be for a model that nobody has tuned yet.
"""

import numpy as np
from scipy import stats

from sts_eval.analysis.aligned_runs import AlignedRuns, AlignedScores, Floats
from sts_eval.analysis.correlations import ends
from sts_eval.analysis.history import history_predictors
from sts_eval.analysis.ranking import ComparisonSettings, outcome_of, standing_of
from sts_eval.records.comparison import AddedRow, AddedTable, Measure, Question
from sts_eval.statistics import added_value, standardised
from sts_eval.statistics.added import partial_permutations

HISTORIES = ("history_all", "history_same_set")  # what is held fixed, a table for each
MODELS_TO_HOLD_OUT = 3  # models from which on one of them is held out; with fewer, a training set is


def added_value_tables(
    question: Question, measure: Measure, runs: AlignedRuns, settings: ComparisonSettings
) -> list[AddedTable]:
    """What predictors add to each history that every run has; no table for a single run.

    The question is `how_much` or `which_way`: history says nothing of set by domain.
    """
    outcome = outcome_of(question, runs.measures[measure])
    known = history_predictors(runs, outcome, question)
    histories = [known[name] for name in HISTORIES if name in known and np.isfinite(known[name].scores).all()]
    return [_table(history, question, measure, outcome, runs, settings) for history in histories]


def _table(
    history: AlignedScores,
    question: Question,
    measure: Measure,
    outcome: Floats,
    runs: AlignedRuns,
    settings: ComparisonSettings,
) -> AddedTable:
    by_model = len(runs.models) >= MODELS_TO_HOLD_OUT
    groups = runs.model_of if by_model else runs.set_of
    # Models have features of their own, so scores have no unit in common until each run's spread is 1.
    scores = {name: standardised(one.scores) for name, one in runs.predictors.items()}
    permuted = partial_permutations(
        scores, history.scores, outcome, n_resamples=settings.n_resamples, seed=settings.seed
    )
    rows = []
    for name, one in runs.predictors.items():
        added = added_value(scores[name], history.scores, outcome, groups, level=settings.level)
        row = AddedRow(
            name=name,
            flags=one.flags,
            standing=standing_of(one),
            partial_r=added.partial_r,
            interval=ends(added.interval),
            p_likelihood=added.lr_p,
            q_likelihood=None,
            p_permutation=None if added.partial_r is None else permuted[name],
            rmse_without=added.rmse_without,
            rmse_with=added.rmse_with,
            n_runs=added.n_runs,
            n_points=added.n_points,
            undefined=added.reason("partial_r"),
        )
        rows.append(row)
    rows.sort(key=lambda row: (row.standing == "oracle", row.partial_r is None, -(row.partial_r or 0.0)))
    p = {row.name: row.p_likelihood for row in rows if row.p_likelihood is not None and row.standing != "oracle"}
    if p:
        # Predictors resemble each other in ways nobody knows, for which Benjamini and Yekutieli (2001) hold.
        q = dict(zip(p, stats.false_discovery_control(list(p.values()), method="by").tolist(), strict=True))
        rows = [row.model_copy(update={"q_likelihood": q.get(row.name)}) for row in rows]
    return AddedTable(
        question=question,
        measure=measure,
        history=history.name,
        held_out="models" if by_model else "training sets",
        rows=tuple(rows),
    )
