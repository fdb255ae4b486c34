"""Which standard errors a change can have at all.

Of n questions a share p is right before and the change is d (a proportion), with a share b lost and c gained, so
c − b = d. One tuned model's paired error is SE² = [(b + c) − d²]/n (`sts_eval.statistics.paired`). The answers are
unknown, but b + c is not free:

    |d| ≤ b + c ≤ F(d) = 2·min(p, 1 − p − d) + d

On the left every change goes one way, on the right as many as possible cross. Both ends are attained, so the range
of SE is exactly that.

With K seeds (`sts_eval.statistics.seeds`, crossed estimator) the per-seed changes d_k are known and with them
S = Var(d_k)/K. The item part is I = Var(mean over seeds of an item's differences)/n, with n − 1 below:

    I ≤ (F(d) − d²)/(n − 1)            all seeds change the same questions
    I ≥ φ(1 − φ)/(K²(n − 1))           φ the fractional part of K·d: an item's mean is a multiple of 1/K

The error is SE² = I + max(0, S − M), where M = MS_rest/(nK) is what item noise alone adds to S. By the sums of squares
M = [mean F_k' − d² − (n − 1)·I − (K − 1)·S]/((K − 1)(n − 1)) with F_k' ≤ F(d_k) the share that seed k changes, so M is
largest for the smallest I and the largest F. Hence

    SE² ≤ I_max + S,        SE² ≥ I_min + max(0, S − M_max)

since I + S − M rises with I. The upper end is a bound that seeds can come close to, the lower end likewise.
"""

import math
from collections.abc import Sequence

import numpy as np

from sts_eval.statistics.paired import POINTS


def standard_error_range(n: int, accuracy_before: float, delta: float, by_seed: Sequence[float]) -> tuple[float, float]:
    """Least and largest standard error of a change over seeds (`delta`) on n ≥ 1 questions, in points like the changes.

    accuracy_before + delta / 100 has to be a proportion, and the same holds of each change in `by_seed`.
    """
    change, changes = delta / POINTS, [one / POINTS for one in by_seed]
    if len(changes) < 2 or n < 2:  # noqa: PLR2004 - two of both are what a crossed analysis of variance takes
        square_low = max(0.0, abs(change) - change**2) / n
        square_high = max(0.0, _most_flips(accuracy_before, change) - change**2) / n
        return POINTS * math.sqrt(square_low), POINTS * math.sqrt(square_high)
    seeds = len(changes)
    seed_part = float(np.var(changes, ddof=1)) / seeds
    fraction = (seeds * change * n) % n / n  # of K·d, as a share of the items
    item_low = fraction * (1 - fraction) / (seeds**2 * (n - 1))
    item_high = max(0.0, _most_flips(accuracy_before, change) - change**2) / (n - 1)
    flips = float(np.mean([_most_flips(accuracy_before, one) for one in changes]))
    rest = (flips - change**2 - (n - 1) * item_low - (seeds - 1) * seed_part) / ((seeds - 1) * (n - 1))
    square_low = item_low + max(0.0, seed_part - max(0.0, rest))
    return POINTS * math.sqrt(square_low), POINTS * math.sqrt(item_high + seed_part)


def _most_flips(before: float, change: float) -> float:
    """The largest share of answers that can change: F(d)."""
    return 2 * max(0.0, min(before, 1 - before - change)) + change
