"""What a comparison of arms allows one to say, and how sure it is."""

from collections.abc import Sequence

from sts_eval.analysis.wording import UNITS, counted
from sts_eval.records.arm_comparison import ArmMeasure, ArmResult, Estimate

FEWEST_SEEDS = 3
"""Simulated chance of calling any of five arms better that is not: about 5% with three seeds, 14% with two."""


def conclusions(
    results: Sequence[ArmResult], seeds: Sequence[int], measure: ArmMeasure
) -> tuple[str | None, tuple[str, ...]]:
    """The recommended arm, None where none is shown to be better than equal shares, and sentences that say why.

    An arm is recommended where the interval of its difference from equal shares, corrected for the number of arms,
    lies above 0, and there are three seeds. Oracles are never recommended: they are known only after fine-tuning.
    """
    if len(seeds) == 1:
        return None, (
            "One seed cannot tell arms apart: nothing is known of how much another training run would differ. Give "
            f"{FEWEST_SEEDS} or more in tune.seeds.",
        )
    unit = UNITS[measure]
    others = sorted((one for one in results if one.from_equal is not None), key=_gain, reverse=True)
    usable = [one for one in others if not one.oracle]
    better = [one for one in usable if _low(one.from_equal) > 0] if len(seeds) >= FEWEST_SEEDS else []
    corrected = f"intervals corrected for {counted(len(others), 'arm')}"
    lines = []
    if better:
        best = better[0]
        lines.append(
            f"Recommended: {_name(best)}. The mean change of the protected domains is higher than with equal shares by "
            f"{_told(best.from_equal, unit)} ({corrected})."
        )
        if best.cost is not None:
            lines.append(f"Target, against no added rows: {_told(best.cost, unit)}.")
    elif usable:
        if len(seeds) < FEWEST_SEEDS:
            lines.append(
                f"No arm is recommended: with {len(seeds)} seeds the spread between training runs is hardly known. "
                f"Give {FEWEST_SEEDS} or more in tune.seeds."
            )
        else:
            lines.append("No arm is better than an equal split.")
        lines.append(
            f"The largest difference from equal shares is that of {_name(usable[0])}: "
            f"{_told(usable[0].from_equal, unit)} ({corrected})."
        )
        widest = max(usable, key=lambda one: _high(one.from_equal))
        if _high(widest.from_equal) > 0:
            largest = f"{_high(widest.from_equal):.2f} {unit} ({_name(widest)})"
            lines.append(f"An advantage of up to {largest} is not ruled out.")
    worse = [_name(one) for one in others if _high(one.from_equal) < 0]
    if worse:
        lines.append(f"Worse than an equal split: {', '.join(worse)}.")
    lines += [
        f"Weights made from the measured change itself ({one.name}, an oracle) differ from equal shares by "
        f"{_told(one.from_equal, unit)}."
        for one in others
        if one.oracle
    ]
    if any(one.added == 0 for one in results):
        lines.append(
            "The arm without added rows has fewer rows: with tune.epochs it takes fewer steps, with tune.max_steps it "
            "sees each row more often."
        )
    return (better[0].name if better else None), tuple(lines)


def _name(one: ArmResult) -> str:
    return one.name if one.added else "no added rows"


def _gain(one: ArmResult) -> float:
    return one.from_equal.value if one.from_equal is not None else 0.0


def _low(found: Estimate | None) -> float:
    return found.low if found is not None and found.low is not None else 0.0


def _high(found: Estimate | None) -> float:
    return found.high if found is not None and found.high is not None else 0.0


def _told(found: Estimate | None, unit: str) -> str:
    if found is None:
        return "–"
    told = f"{found.value + 0.0:+.2f} {unit}"
    if found.low is None or found.high is None:
        return f"{told} (no error: the arms answer alike)"
    return f"{told}, {found.level:.1%} interval {found.low:+.2f} to {found.high:+.2f}"
