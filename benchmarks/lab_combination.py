"""Is a combination of predictors better than the best single one? Chosen on one half, reported once on the other.

    python benchmarks/lab_combination.py

Every equal-weight mean of one, two or three predictors that need neither labels, gradients nor training (each
standardised within its run) is tried on two models and three training sets. The best of them is then held against the
best single predictor on the third model and the other three sets, which no choice has seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from evidence_blocks import RESULTS
from lab_evidence import MATRIX
from numpy.typing import NDArray

from sts_eval.analysis.wording import interval, signed
from sts_eval.records.outcome import Outcome, read_outcomes
from sts_eval.records.record import write_atomically
from sts_eval.statistics import paired_difference, pool_correlations, pooled_r, standardised

DEVELOPED_ON = ({"less", "deep"}, {"math", "code", "health"})
MOST = 3

Floats = NDArray[np.float64]


def main() -> None:
    """Choose, freeze, report."""
    outcomes = read_outcomes(MATRIX)
    models, sets = DEVELOPED_ON
    one = [run for run in outcomes if run.model in models and run.training_set in sets]
    other = [run for run in outcomes if run.model not in models and run.training_set not in sets]
    names = [predictor.name for predictor in one[0].predictors if not predictor.flags]
    names = [name for name in names if all(len(run.scores(name)) == len(run.domains) for run in outcomes)]
    tried = [group for size in range(1, MOST + 1) for group in combinations(names, size)]
    outcome = changes(one)
    found = {group: pooled_r(mean(one, group), outcome) or 0.0 for group in tried}
    best = max(tried, key=lambda group: found[group])
    single = max((group for group in tried if len(group) == 1), key=lambda group: found[group])
    lines = [
        f"{len(tried)} combinations of {len(names)} predictors, chosen by r with the signed change of log-probability "
        f"on {len(one)} runs, reported on {len(other)} others:",
        "",
        "| what | chosen | r where it was chosen | r on the other runs |",
        "|---|---|---|---|",
    ]
    for label, group in (("best combination", best), ("best single one", single), ("STS_act", ("sts_act",))):
        later = pool_correlations(mean(other, group), changes(other))
        ends = later.bootstrap
        shown = f"{signed(later.r)} {interval((ends.low, ends.high)) if ends else ''}"
        lines.append(f"| {label} | {', '.join(f'`{name}`' for name in group)} | {signed(found[group])} | {shown} |")
    gain = paired_difference(mean(other, best), mean(other, single), changes(other))
    ends = gain.interval
    lines += [
        "",
        f"Combination minus single one, on the other runs: {signed(gain.difference)} "
        f"{interval((ends.low, ends.high)) if ends else ''}.",
    ]
    text = "\n".join(lines) + "\n"
    write_atomically(RESULTS / "lab_combination.md", text)
    print(text)


def mean(runs: Sequence[Outcome], group: Sequence[str]) -> Floats:
    """Mean of standardised scores, shape (n_runs, n_domains)."""
    scores = [
        standardised(np.array([[run.scores(name)[one.domain] for one in run.domains] for run in runs]))
        for name in group
    ]
    return np.asarray(np.mean(scores, axis=0))


def changes(runs: Sequence[Outcome]) -> Floats:
    """Signed change of log-probability, shape (n_runs, n_domains)."""
    return np.array([[one.logprob.delta if one.logprob else np.nan for one in run.domains] for run in runs])


if __name__ == "__main__":
    main()
