"""The deciding table: what every predictor adds to a domain's history.

History is the mean of the domain over all other runs; a second table takes the mean over other models tuned on the same
set, which knows the set as well as the domain. Where a group of runs is held out, its own other runs still
stand in its history, which makes history harder to beat than it would be for a model that nobody has tuned yet.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy import stats

from sts_eval.analysis.aligned_runs import Column, Floats, Matrix
from sts_eval.analysis.correlations import ends
from sts_eval.analysis.history import history_columns
from sts_eval.analysis.ranking import Dials, outcome_of, standing_of
from sts_eval.records.comparison import AddedRow, AddedTable, Measure, Question
from sts_eval.statistics import AddedValue, added_value, standardised
from sts_eval.statistics.partial_permutation import partial_permutations

HeldOut = Literal["models", "training sets"]

HISTORIES = ("history_all", "history_same_set")
"""What is held fixed, a table for each."""

MODELS_TO_HOLD_OUT = 3
"""Models from which on one of them is held out; with fewer, a training set is."""


def deciding_tables(question: Question, measure: Measure, matrix: Matrix, dials: Dials) -> list[AddedTable]:
    """What predictors add to history.

    Args:
        question: `how_much` or `which_way`; history has nothing to say of set by domain.
        measure: By which measure of what happened.
        matrix: The runs.
        dials: How to resample.

    Returns:
        A table for each history that every run has; none for a single run.
    """
    outcome = outcome_of(question, matrix.measures[measure])
    known = history_columns(matrix, outcome, question)
    histories = [known[name] for name in HISTORIES if name in known and np.isfinite(known[name].scores).all()]
    return [_table(history, question, measure, outcome, matrix, dials) for history in histories]


def _table(
    history: Column, question: Question, measure: Measure, outcome: Floats, matrix: Matrix, dials: Dials
) -> AddedTable:
    held_out: HeldOut = "models" if len(matrix.models) >= MODELS_TO_HOLD_OUT else "training sets"
    # Models have features of their own, so scores have no unit in common until each run's spread is 1.
    scores = {name: standardised(column.scores) for name, column in matrix.columns.items()}
    permuted = partial_permutations(scores, history.scores, outcome, n_resamples=dials.n_resamples, seed=dials.seed)
    groups = matrix.model_of if held_out == "models" else matrix.set_of
    rows = []
    for name, column in matrix.columns.items():
        added = added_value(scores[name], history.scores, outcome, groups, level=dials.level)
        rows.append(_row(column, added, permuted[name]))
    rows.sort(key=lambda row: (row.standing == "oracle", row.partial_r is None, -(row.partial_r or 0.0)))
    tested = [row for row in rows if row.p_likelihood is not None and row.standing != "oracle"]
    if tested:
        # Predictors resemble each other in ways nobody knows, for which Benjamini and Yekutieli (2001) hold.
        adjusted = stats.false_discovery_control([row.p_likelihood or 0.0 for row in tested], method="by")
        by_name = {row.name: float(q) for row, q in zip(tested, adjusted, strict=True)}
        rows = [row.model_copy(update={"q_likelihood": by_name.get(row.name)}) for row in rows]
    return AddedTable(question=question, measure=measure, history=history.name, held_out=held_out, rows=tuple(rows))


def _row(column: Column, added: AddedValue, p_permutation: float | None) -> AddedRow:
    return AddedRow(
        name=column.name,
        flags=column.flags,
        standing=standing_of(column),
        partial_r=added.partial_r,
        interval=ends(added.interval),
        p_likelihood=added.lr_p,
        q_likelihood=None,
        p_permutation=None if added.partial_r is None else p_permutation,
        rmse_without=added.rmse_without,
        rmse_with=added.rmse_with,
        n_runs=added.n_runs,
        n_points=added.n_points,
        undefined=added.reason("partial_r"),
    )
