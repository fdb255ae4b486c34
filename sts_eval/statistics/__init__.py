"""Statistics for few domains: pure functions on arrays, on top of scipy and statsmodels.

Changes and their standard errors are in points (percentage points), accuracies and coverages in proportions.
A statistic that the data do not define is None with the reason beside it.

- `correlation`: r with its intervals, permutation p, rank correlations and leave-one-out range
- `paired`: change between two measurements of the same items
- `seeds`: the same over several training seeds
- `noise`: how high r can go, and magnitudes without the bias that noise gives them
- `protocol`: the paper's four largest and four smallest changes, beside all domains
- `wording`: what a correlation allows one to say
"""

from sts_eval.statistics.correlation import (
    Correlation,
    LeaveOneOut,
    Undefined,
    correlate,
    critical_r,
    fisher_interval,
)
from sts_eval.statistics.interval import Interval
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
from sts_eval.statistics.protocol import ProtocolComparison, compare_protocols, extremes, range_corrected
from sts_eval.statistics.seeds import (
    SeededChange,
    Spread,
    change_over_seeds,
    combine_seed_changes,
    mean_change_over_seeds,
    spread_over_seeds,
)
from sts_eval.statistics.wording import Conclusion, conclusion, verdict

__all__ = [
    "Conclusion",
    "Correlation",
    "Interval",
    "LeaveOneOut",
    "NoiseCeiling",
    "PairedChange",
    "PairedMeanChange",
    "ProtocolComparison",
    "SeededChange",
    "Spread",
    "Undefined",
    "change_over_seeds",
    "combine_seed_changes",
    "compare_protocols",
    "conclusion",
    "correlate",
    "critical_r",
    "debiased_magnitude",
    "debiased_square",
    "extremes",
    "fisher_interval",
    "mean_change_over_seeds",
    "noise_ceiling",
    "paired_change",
    "paired_change_from_counts",
    "paired_mean_change",
    "range_corrected",
    "relative_to_ceiling",
    "spread_over_seeds",
    "verdict",
]
