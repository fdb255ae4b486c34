"""One predictor within one run: the figures that only a single run has, and the sentences that follow from them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sts_eval.analysis.aligned_runs import Floats
from sts_eval.analysis.correlations import ends
from sts_eval.records.comparison import SingleRun
from sts_eval.statistics import conclusion, correlate, extremes_r, verdict


def correlate_single_run(
    scores: Floats, outcome: Floats, domains: Sequence[str], *, ceiling: float | None, delta: Floats | None = None
) -> SingleRun:
    """Correlate one predictor with one outcome over the domains that it scores.

    Args:
        scores: Shape (n_domains,), NaN where it has none.
        outcome: What tuning changed, same shape.
        domains: Names of the domains.
        ceiling: How high r could go with a perfect predictor.
        delta: Signed changes for the paper's 4+4 domains; None where the outcome is not their size.
    """
    scored = np.isfinite(scores)
    names = [name for name, one in zip(domains, scored, strict=True) if one]
    correlation = correlate(scores[scored], outcome[scored])
    without_one = correlation.leave_one_out
    return SingleRun(
        n=correlation.n,
        r=correlation.pearson,
        r2=correlation.r2,
        fisher=ends(correlation.fisher),
        bootstrap=ends(correlation.bootstrap),
        p_permutation=correlation.p_permutation,
        spearman=correlation.spearman,
        kendall=correlation.kendall,
        leave_one_out=(without_one.low, without_one.high) if without_one else None,
        extremes=None if delta is None else extremes_r(scores[scored], delta[scored]),
        conclusion=conclusion(correlation),
        verdict=verdict(correlation, domains=names, ceiling=ceiling),
    )
