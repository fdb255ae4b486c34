"""Change between two measurements of the same items, as after and before a fine-tuning run.

The items are the same, so what the two measurements share cancels and only items that changed carry
information. For right/wrong answers with b lost and c gained of n, the change is (c - b)/n, its squared
standard error [b + c - (b - c)²/n]/n² (Fleiss, Levin and Paik 2003, section 13.1; the variance of the
differences -1, 0, 1 over n), and the exact test of "no change" is the binomial one of McNemar (1947) on
b out of b + c.

Worked example: of 100 answers 12 are lost and 20 gained. The change is +8 points; SE² = (32 - 64/100)/100²,
so SE = 5.6 points, where two independent samples of 100 near 50% would have 7.1.

Errors here are over items: they say how the figure would vary with other questions of the same kind, for
this one tuned model. Variation over training seeds is added in `sts_eval.statistics.seeds`.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from sts_eval.statistics.result import Interval

POINTS = 100.0  # percentage points per unit of proportion
SMALL_SAMPLE = 30  # items below which a change is flagged: its standard error is itself too uncertain to lean on
FEW_DISCORDANT = 10  # b + c below which the normal interval is flagged and the exact test is to be read

Flag = Literal["small_sample", "few_discordant"]
"""`small_sample`: n < 30. `few_discordant`: b + c < 10, so the SE (0 if b + c = 0) understates the error."""


@dataclass(frozen=True, slots=True)
class PairedChange:
    """Change of accuracy on the same questions."""

    n: int
    accuracy_before: float  # proportion right
    accuracy_after: float
    lost: int  # right before and wrong after (b)
    gained: int  # wrong before and right after (c)
    delta: float  # signed change in points
    se: float  # standard error of `delta` over questions, in points
    interval: Interval | None  # 95%, `delta` ± z · `se` in points; None if no question changed (the SE is then 0)
    p_mcnemar: float  # exact two-sided p of McNemar's test
    flags: tuple[Flag, ...]  # what makes the error unreliable


@dataclass(frozen=True, slots=True)
class PairedMeanChange:
    """Change of a continuous measure on the same items, in the unit of the measure."""

    n: int
    mean_before: float
    mean_after: float
    delta: float  # mean of after - before
    se: float | None  # of `delta` over items (sample sd of the differences over √n), None for one item


def paired_change(before: ArrayLike, after: ArrayLike) -> PairedChange:
    """Compare right (True or 1) and wrong (False or 0) answers to the same questions in the same order, shape (n,).

    An answer that could not be parsed is a wrong answer; the caller passes False for it.

    Raises:
        ValueError: If the shapes differ, no item is given, or a value is neither 0 nor 1.
    """
    was, is_now = right_or_wrong(before), right_or_wrong(after)
    if was.ndim != 1 or was.shape != is_now.shape or not was.size:
        raise ValueError(f"needs two equally long rows of answers, not {was.shape} and {is_now.shape}")
    n, right_before, right_after = was.size, int(was.sum()), int(is_now.sum())
    lost, gained = int((was & ~is_now).sum()), int((~was & is_now).sum())
    changed = lost + gained
    delta = POINTS * (gained - lost) / n
    # The radicand is n · Σ(d - mean)², which rounding alone can push below 0.
    se = POINTS * math.sqrt(max(0.0, changed - (lost - gained) ** 2 / n)) / n
    half = float(stats.norm.ppf(0.975)) * se
    flags: tuple[Flag, ...] = ("small_sample",) if n < SMALL_SAMPLE else ()
    if changed < FEW_DISCORDANT:
        flags += ("few_discordant",)
    table = [[right_before - lost, lost], [gained, n - right_before - gained]]
    return PairedChange(
        n=n,
        accuracy_before=right_before / n,
        accuracy_after=right_after / n,
        lost=lost,
        gained=gained,
        delta=delta,
        se=se,
        interval=Interval(delta - half, delta + half) if se else None,
        p_mcnemar=float(mcnemar(table, exact=True).pvalue),
        flags=flags,
    )


def paired_mean_change(before: ArrayLike, after: ArrayLike) -> PairedMeanChange:
    """Compare a continuous measure on the same items, for instance nats per token of gold answers, shape (n,) each.

    Raises:
        ValueError: If the shapes differ, no item is given, or a value is not finite.
    """
    was, is_now = np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64)
    if was.ndim != 1 or was.shape != is_now.shape or not was.size:
        raise ValueError(f"needs two equally long rows of values, not {was.shape} and {is_now.shape}")
    difference = is_now - was
    if not np.isfinite(difference).all():
        raise ValueError("a value is not finite; leave the item out of both rows")
    n = was.size
    return PairedMeanChange(
        n=n,
        mean_before=float(was.mean()),
        mean_after=float(is_now.mean()),
        delta=float(difference.mean()),
        se=float(stats.sem(difference)) if n > 1 else None,
    )


def right_or_wrong(answers: ArrayLike) -> NDArray[np.bool_]:
    """Answers, 1 for right and 0 for wrong, as booleans of the same shape.

    Raises:
        ValueError: If a value is anything else, NaN included.
    """
    values = np.asarray(answers)
    if not np.isin(values, (0, 1)).all():
        raise ValueError("answers must be right (1) or wrong (0); count one without a verdict as wrong")
    return values.astype(np.bool_)
