"""STS at its best: the number N of shifted features chosen on other runs.

The paper takes N = 100 of its SAE's features. How many are best depends on the SAE, and who has finished runs can
choose. A score whose N was chosen on the run that it is judged on would be judged too well; so N is the one with the
largest pooled r on runs of other models and other sets, or on all runs but those of the same model (one set), or of the
same set (one model). It is a variant beside the paper's N, not in its place.
"""

import numpy as np
from numpy.typing import NDArray

from sts_eval.analysis.aligned_runs import AlignedRuns, AlignedScores, Floats
from sts_eval.statistics import pooled_r

TUNED = {"sts_icl": "sts_icl_tuned", "sts_act": "sts_act_tuned"}


def tuned_predictors(runs: AlignedRuns, outcome: Floats) -> dict[str, AlignedScores]:
    """STS with N chosen on other runs, where the records hold scores of several N and there are other runs.

    `outcome`, shape (n_runs, n_domains), is what tuning changed as the question takes it.
    """
    found = {}
    for name, tuned in TUNED.items():
        sizes = {key: one for key, one in runs.variants.items() if key.startswith(f"{name}_n")}
        if name in runs.predictors and sizes:
            own = runs.predictors[name]
            candidates = {name: own.scores} | {key: one.scores for key, one in sizes.items()}
            scores = _chosen(candidates, outcome, runs)
            if np.isfinite(scores).any():
                summary = f"{own.summary}, N chosen on other runs"
                found[tuned] = AlignedScores(tuned, own.group, own.flags, summary, scores, own.cost)
    return found


def _chosen(candidates: dict[str, Floats], outcome: Floats, runs: AlignedRuns) -> Floats:
    """Scores of the N that does best on each run's other runs; NaN where there is no other run."""
    scores = np.full(outcome.shape, np.nan)
    for run in range(len(outcome)):
        others = _others(run, runs)
        r = {name: pooled_r(one[others], outcome[others]) for name, one in candidates.items()} if others.any() else {}
        known = {name: value for name, value in r.items() if value is not None}
        if known:
            scores[run] = candidates[max(known, key=lambda name: known[name])][run]
    return scores


def _others(run: int, runs: AlignedRuns) -> NDArray[np.bool_]:
    others: NDArray[np.bool_] = np.ones(len(runs.outcomes), dtype=np.bool_)
    if len(runs.models) > 1:
        others &= runs.model_of != runs.model_of[run]
    if len(runs.training_sets) > 1:
        others &= runs.set_of != runs.set_of[run]
    others[run] = False
    return others
