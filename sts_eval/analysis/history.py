"""History as a predictor: the mean change of a domain in other runs.

It costs nothing and reads no model, so it is the baseline that a predictor has to beat. A run never enters its own
history. Correlations within runs do not see a constant added to a run; so the mean over all other runs is as good as
the fit of the additive model μ + run + domain to the other runs.

Runs of one model share the untuned model's answers, and the luck in these enters every change. It makes `history_sets`,
`history_all` and `history_low_rank` look a little better than they would on freshly drawn questions.

`history_low_rank` completes the matrix of (training set, domain) pairs by models (`sts_eval.statistics.low_rank`). That
layout was chosen after the 18 runs of the lab matrix had been seen, so it is never taken for the best history.
"""

import numpy as np
from numpy.typing import NDArray

from sts_eval.analysis.aligned_runs import FREE, AlignedRuns, AlignedScores, Floats
from sts_eval.records.comparison import SET_BY_DOMAIN, Question
from sts_eval.statistics.low_rank import completed_history

LOW_RANK = "history_low_rank"
SUMMARIES = {
    "history_models": "The domain's mean change in runs of other models",
    "history_sets": "The domain's mean change in runs of the same model on other sets",
    "history_same_set": "The domain's mean change in runs of other models on the same set",
    "history_all": "The domain's mean change in all other runs (within a run, the additive fit run + domain)",
    LOW_RANK: "The mean of other models on the same set times a factor of the model (completion at rank 1)",
}


def history_predictors(runs: AlignedRuns, outcome: Floats, question: Question) -> dict[str, AlignedScores]:
    """History as predictors.

    For the questions of set by domain only `history_same_set` is given. The mean over the other runs of a model is
    (n · mean - own)/(n - 1), which is minus the run's own change once the domain's mean is taken away: it would
    hold the answer with its sign reversed. The mean over other models is then constant. The factor of
    `history_low_rank` comes from the model's other sets as well.

    `outcome`, shape (n_runs, n_domains), is what tuning changed as the question takes it. Scores are NaN in runs
    without history; histories that no run has are left out.
    """
    means = history(outcome, runs.model_of, runs.set_of)
    if question not in SET_BY_DOMAIN:
        means[LOW_RANK] = completed_history(outcome, runs.model_of, runs.set_of, rank=1)
    names = ("history_same_set",) if question in SET_BY_DOMAIN else tuple(means)
    return {
        name: AlignedScores(name, "history", (), SUMMARIES[name], means[name], FREE)
        for name in names
        if np.isfinite(means[name]).any()
    }


def history(
    outcome: Floats, model_of: NDArray[np.intp], set_of: NDArray[np.intp], known: NDArray[np.bool_] | None = None
) -> dict[str, Floats]:
    """Leave-run-out means of every domain by name, shape (n_runs, n_domains), NaN in runs without such other runs.

    `model_of` and `set_of` number the model and the training set of each run, shape (n_runs,). Of `known` runs the
    outcome may be used, all of them if None; a group that is held out stays out of every history.
    """
    seen = np.ones(len(outcome), dtype=np.bool_) if known is None else known
    means = {}
    for name, others in _other_runs(model_of, set_of).items():
        used = others & seen
        count = used.sum(axis=1, keepdims=True)
        total = used @ np.where(seen[:, None], outcome, 0.0)
        means[name] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return means


def n_behind(name: str, runs: AlignedRuns) -> int:
    """How many other runs a history is the mean of, the most that any run has."""
    return int(_other_runs(runs.model_of, runs.set_of)[name].sum(axis=1).max())


def _other_runs(model_of: NDArray[np.intp], set_of: NDArray[np.intp]) -> dict[str, NDArray[np.bool_]]:
    """By history, which runs, in columns, each run's is the mean of."""
    same_model, same_set = (labels[:, None] == labels for labels in (model_of, set_of))
    return {
        "history_models": ~same_model,
        "history_sets": same_model & ~same_set,
        "history_same_set": ~same_model & same_set,
        "history_all": ~np.eye(len(model_of), dtype=np.bool_),
    }
