"""STS at its best: the number N of shifted features, and the layer, chosen on other runs.

The paper takes N = 100 of its SAE's features at one layer. What is best depends on the SAE, and who has finished runs
can choose. A score whose N was chosen on the run that it is judged on would be judged too well; so the N and the
layer are those with the largest pooled r on runs of other models and other sets, or on all runs but those of the same
model (one set), or of the same set (one model). It is a variant beside the paper's N, not in its place.
"""

import numpy as np
from numpy.typing import NDArray

from sts_eval.analysis.aligned_runs import AlignedRuns, AlignedScores, Floats
from sts_eval.statistics import pooled_r

TUNED = {"sts_icl": "sts_icl_tuned", "sts_act": "sts_act_tuned"}


def tuned_predictors(runs: AlignedRuns, outcome: Floats) -> dict[str, AlignedScores]:
    """STS with N and layer chosen on other runs, where the records hold several and there are other runs.

    `outcome`, shape (n_runs, n_domains), is what tuning changed as the question takes it.
    """
    found = {}
    for name, tuned in TUNED.items():
        variants = {key: one.scores for key, one in runs.variants.items() if key.startswith(f"{name}_")}
        if name in runs.predictors and variants:
            own = runs.predictors[name]
            candidates = {name: own.scores} | variants
            scores = _chosen(candidates, outcome, runs)
            if np.isfinite(scores).any():
                what = "N and layer" if any(one.group == "sts_layers" for one in runs.variants.values()) else "N"
                summary = f"{own.summary}, {what} chosen on other runs"
                found[tuned] = AlignedScores(tuned, own.group, own.flags, summary, scores, own.cost)
    return found


def _chosen(candidates: dict[str, Floats], outcome: Floats, runs: AlignedRuns) -> Floats:
    """Scores of the variant that does best on the other runs, of those that a run has; NaN where there is none."""
    scores = np.full(outcome.shape, np.nan)
    for run in range(len(outcome)):
        others = _others(run, runs)
        here = {name: one for name, one in candidates.items() if others.any() and np.isfinite(one[run]).any()}
        r = {name: pooled_r(one[others], outcome[others]) for name, one in here.items()}
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
