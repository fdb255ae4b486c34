"""Statistics for few domains: pure functions on arrays, on top of scipy and statsmodels.

Changes and their standard errors are in points (percentage points), accuracies and coverages in proportions.
A statistic that the data do not define is None with the reason beside it. Everywhere `level` is the coverage of an
interval, `n_resamples` the number of bootstrap resamples or permutations, and the same `seed` gives the same result.

- `correlation`: r with its intervals, permutation p, rank correlations and leave-one-out range
- `paired`: change between two measurements of the same items
- `seeds`: the same over several training seeds, and averaged over domains
- `noise`: how high r can go, and magnitudes without the bias that noise gives them
- `protocol`: r over the paper's four largest and four smallest changes
- `wording`: what a correlation allows one to say

Over many runs, where a run is one model with one training set and all runs share their domains, scores (in any unit),
changes and errors are matrices of shape (n_runs, n_domains), NaN where missing; others raise a ValueError:

- `pooling`: one correlation over many runs, with its HKSJ and bootstrap intervals
- `dependent`: the difference of two predictors on the same domains
- `multiple`: many predictors at once: family-wise p, and ranks that the data can tell apart
- `sign`: which domains gain and which lose
- `added`: what a predictor adds to a domain's history
- `held_out`: what score and history are worth in points, on groups of runs that nothing has seen
- `placebo`: what a score says of the training set, beyond the same score made for other sets
- `conformal`: from a score to points, on held-out groups, with intervals that keep their coverage
- `guessing`: questions lost and gained, apart, with the luck of guessing taken off
- `interaction`: which training set helps which domain
- `low_rank`: a run completed from other runs by a matrix of low rank
- `within_runs`, `resampling`, `result`: r within every run, bootstrap and permutation, and results, for the files above
"""

from sts_eval.statistics.added import PartialCorrelation, partial_correlation
from sts_eval.statistics.conformal import (
    Line,
    conformal_interval,
    coverage,
    fit_line,
    leave_group_out,
    skill,
)
from sts_eval.statistics.correlation import Correlation, correlate, critical_r, fisher_interval
from sts_eval.statistics.dependent import PairedDifference, paired_difference, williams_t
from sts_eval.statistics.low_rank import complete, completed_history
from sts_eval.statistics.multiple import max_r_permutation, shared_ranks
from sts_eval.statistics.noise import debiased_magnitude, noise_ceiling
from sts_eval.statistics.paired import paired_change, paired_mean_change
from sts_eval.statistics.pooling import pool_correlations, pooled_r
from sts_eval.statistics.protocol import extremes, extremes_r
from sts_eval.statistics.result import Interval
from sts_eval.statistics.seeds import change_over_domains, change_over_seeds, mean_change_over_seeds
from sts_eval.statistics.sign import sign_quality
from sts_eval.statistics.within_runs import standardised
from sts_eval.statistics.wording import conclusion, verdict

__all__ = [
    "Correlation",
    "Interval",
    "Line",
    "PairedDifference",
    "PartialCorrelation",
    "change_over_domains",
    "change_over_seeds",
    "complete",
    "completed_history",
    "conclusion",
    "conformal_interval",
    "correlate",
    "coverage",
    "critical_r",
    "debiased_magnitude",
    "extremes",
    "extremes_r",
    "fisher_interval",
    "fit_line",
    "leave_group_out",
    "max_r_permutation",
    "mean_change_over_seeds",
    "noise_ceiling",
    "paired_change",
    "paired_difference",
    "paired_mean_change",
    "partial_correlation",
    "pool_correlations",
    "pooled_r",
    "shared_ranks",
    "sign_quality",
    "skill",
    "standardised",
    "verdict",
    "williams_t",
]
