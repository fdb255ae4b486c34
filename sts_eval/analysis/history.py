"""What a domain's history foretells: the mean of what happened to it in other runs.

These columns cost nothing and read no model, so they are what a predictor has to beat. A run never enters its own
history. In each of them a run is left with a constant added, which no correlation within runs sees; so the mean over
all other runs equals, within a run, the fit of the additive model μ + run + domain to the other runs.

Runs of one model share the untuned model's answers, whose luck enters every change. It favours `history_sets` and
`history_all` a little over what they would foretell of freshly drawn questions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sts_eval.analysis.aligned_runs import Column, Floats, Matrix
from sts_eval.records.comparison import MeanCost, Question

SUMMARIES = {
    "history_models": "The domain's mean change in runs of other models",
    "history_sets": "The domain's mean change in runs of the same model on other sets",
    "history_same_set": "The domain's mean change in runs of other models on the same set",
    "history_all": "The domain's mean change in all other runs (within a run, the additive fit run + domain)",
}

FREE = MeanCost(seconds=0, passes=0, backward_passes=0, share_of_tuning=None)


def history_columns(matrix: Matrix, outcome: Floats, question: Question) -> dict[str, Column]:
    """History as predictors.

    For the questions of set by domain only `history_same_set` is given. The mean over the other runs of a model is
    (n · mean - own)/(n - 1), which is minus the run's own change once the domain's mean is taken away: it would
    hold the answer, with its sign turned round. The mean over other models is then constant.

    Args:
        matrix: The runs.
        outcome: What happened, shape (n_runs, n_domains), as the question takes it: magnitudes or signed changes.
        question: The question it is to answer.

    Returns:
        Columns by name, NaN in runs without history; those without any are left out.
    """
    means = history(outcome, matrix.model_of, matrix.set_of)
    names = ("history_same_set",) if question in ("which_set", "which_set_away") else tuple(means)
    return {
        name: Column(name, "history", (), SUMMARIES[name], means[name], FREE)
        for name in names
        if np.isfinite(means[name]).any()
    }


def history(outcome: Floats, model_of: NDArray[np.intp], set_of: NDArray[np.intp]) -> dict[str, Floats]:
    """Leave-run-out means of every domain.

    Args:
        outcome: Shape (n_runs, n_domains).
        model_of: Model of each run, integers of shape (n_runs,).
        set_of: Training set of each run, likewise.

    Returns:
        Shape (n_runs, n_domains) by name, NaN in the rows of runs without such other runs.
    """
    same_model, same_set = (labels[:, None] == labels for labels in (model_of, set_of))
    others = {
        "history_models": ~same_model,
        "history_sets": same_model & ~same_set,
        "history_same_set": ~same_model & same_set,
        "history_all": ~np.eye(len(outcome), dtype=np.bool_),
    }
    means = {}
    for name, used in others.items():
        count = used.sum(axis=1, keepdims=True)
        means[name] = np.where(count > 0, (used @ outcome) / np.maximum(count, 1), np.nan)
    return means
