"""Statistics for few domains: pure functions on arrays, on top of scipy and statsmodels.

Changes and their standard errors are in points (percentage points), accuracies and coverages in proportions.
A statistic that the data do not define is None with the reason beside it.

- `correlation`: r with its intervals, permutation p, rank correlations and leave-one-out range
- `paired`: change between two measurements of the same items
- `seeds`: the same over several training seeds
- `noise`: how high r can go, and magnitudes without the bias that noise gives them
- `protocol`: the paper's four largest and four smallest changes, beside all domains
- `wording`: what a correlation allows one to say

Over many runs, where a run is one model with one training set and all runs share their domains:

- `pooling`: one correlation over many runs, with its HKSJ and bootstrap intervals
- `dependent`: the difference of two predictors on the same domains
- `multiple`: many predictors at once: family-wise p, and ranks that the data can tell apart
- `sign`: which domains gain and which lose
- `added`: what a predictor adds to a domain's history
- `conformal`: from a score to points, on held-out groups, with intervals that keep their coverage
- `centring`: which training set helps which domain
- `within_runs`, `resampling`: r within every run and the two-way bootstrap, for the files above
"""

from sts_eval.statistics.added import AddedValue, added_value
from sts_eval.statistics.centring import SetByDomain, double_centred, set_by_domain_correlation
from sts_eval.statistics.conformal import (
    Coverage,
    HeldOut,
    Line,
    conformal_interval,
    coverage,
    fit_line,
    leave_group_out,
    skill,
)
from sts_eval.statistics.correlation import (
    Correlation,
    LeaveOneOut,
    Undefined,
    correlate,
    critical_r,
    fisher_interval,
)
from sts_eval.statistics.dependent import PairedDifference, WilliamsTest, paired_difference, williams_t
from sts_eval.statistics.interval import Interval
from sts_eval.statistics.multiple import max_r_permutation, shared_ranks
from sts_eval.statistics.noise import (
    NoiseCeiling,
    debiased_magnitude,
    debiased_square,
    noise_ceiling,
    relative_to_ceiling,
)
from sts_eval.statistics.paired import (
    PairedChange,
    PairedMeanChange,
    paired_change,
    paired_change_from_counts,
    paired_mean_change,
)
from sts_eval.statistics.pooling import PooledCorrelation, pool_correlations, pooled_r
from sts_eval.statistics.protocol import ProtocolComparison, compare_protocols, extremes, range_corrected
from sts_eval.statistics.seeds import (
    SeededChange,
    Spread,
    change_over_seeds,
    combine_seed_changes,
    mean_change_over_seeds,
    spread_over_seeds,
)
from sts_eval.statistics.sign import SignQuality, sign_quality
from sts_eval.statistics.within_runs import standardised
from sts_eval.statistics.wording import Conclusion, conclusion, verdict

__all__ = [
    "AddedValue",
    "Conclusion",
    "Correlation",
    "Coverage",
    "HeldOut",
    "Interval",
    "LeaveOneOut",
    "Line",
    "NoiseCeiling",
    "PairedChange",
    "PairedDifference",
    "PairedMeanChange",
    "PooledCorrelation",
    "ProtocolComparison",
    "SeededChange",
    "SetByDomain",
    "SignQuality",
    "Spread",
    "Undefined",
    "WilliamsTest",
    "added_value",
    "change_over_seeds",
    "combine_seed_changes",
    "compare_protocols",
    "conclusion",
    "conformal_interval",
    "correlate",
    "coverage",
    "critical_r",
    "debiased_magnitude",
    "debiased_square",
    "double_centred",
    "extremes",
    "fisher_interval",
    "fit_line",
    "leave_group_out",
    "max_r_permutation",
    "mean_change_over_seeds",
    "noise_ceiling",
    "paired_change",
    "paired_change_from_counts",
    "paired_difference",
    "paired_mean_change",
    "pool_correlations",
    "pooled_r",
    "range_corrected",
    "relative_to_ceiling",
    "set_by_domain_correlation",
    "shared_ranks",
    "sign_quality",
    "skill",
    "spread_over_seeds",
    "standardised",
    "verdict",
    "williams_t",
]
