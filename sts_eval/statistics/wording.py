"""What a correlation allows one to say, in sentences that follow its intervals.

The same numbers always give the same sentences. A finding is claimed only if every interval excludes 0 and
the permutation p agrees, and it is taken back in the next sentence if leaving out one domain undoes it.
"""

from collections.abc import Sequence
from typing import Literal

from sts_eval.statistics.correlation import Correlation, critical_r
from sts_eval.statistics.result import Interval

WEAK, STRONG = 0.3, 0.8
"""Sizes of r that an interval should be able to tell apart before the verdict says anything about size."""

Conclusion = Literal["undefined", "inconclusive", "positive", "negative"]
"""What may be said of the relation; `inconclusive` means that the data show neither a relation nor its absence."""


def conclusion(correlation: Correlation) -> Conclusion:
    """Whether the data show a relation, and of which sign.

    "positive" or "negative" if no interval includes 0 and the permutation p is below 1 - level, "inconclusive"
    otherwise, and "undefined" if there is no r.
    """
    if correlation.pearson is None:
        return "undefined"
    if _doubt(correlation) is not None:
        return "inconclusive"
    return "positive" if correlation.pearson > 0 else "negative"


def verdict(correlation: Correlation, *, domains: Sequence[str], ceiling: float | None = None) -> str:
    """Say in one paragraph of plain English what the correlation of one run shows and what it does not.

    `domains` are the names in the order of the points, to name the one that r rests on; `ceiling` is the noise
    ceiling of the same outcome, where known.

    Raises:
        ValueError: If `domains` does not have one name per point.
    """
    if len(domains) != correlation.n:
        raise ValueError(f"{len(domains)} names for {correlation.n} domains")
    r = correlation.pearson
    if r is None:
        return f"There is no correlation to report: {correlation.reason('pearson')}."
    doubt = _doubt(correlation)
    sentences = [_figure(r, correlation)]
    if doubt is None:
        sentences += [_found(r, correlation), _without_one(r, correlation, domains)]
    else:
        sentences += [doubt, *_left_open(r, correlation, domains)]
    if ceiling == 0:
        sentences.append("The measured changes differ no more than their noise explains: there is nothing to predict.")
    elif ceiling is not None:
        sentences.append(f"With the noise in the measured changes a perfect score would reach about {_two(ceiling)}.")
    sentences.append("This is one run, so nothing follows for other models or training sets.")
    return " ".join(sentences)


def _figure(r: float, correlation: Correlation) -> str:
    text = f"r = {_two(r)} over {correlation.n} domains"
    if correlation.fisher is None:
        return f"{text}, without an interval: {correlation.reason('fisher')}."
    text = f"{text}, {correlation.level:.0%} interval {_ends(correlation.fisher)}"
    if correlation.bootstrap is None:
        return f"{text}; there is no BCa bootstrap interval, because {correlation.reason('bootstrap')}."
    return f"{text}, by BCa bootstrap {_ends(correlation.bootstrap)}."


def _doubt(correlation: Correlation) -> str | None:
    """Why no relation may be claimed, or None if one may."""
    so = "so the result is inconclusive."
    if correlation.fisher is not None and 0 in correlation.fisher:
        return f"The interval includes 0, {so}"
    if correlation.bootstrap is not None and 0 in correlation.bootstrap:
        return f"The bootstrap interval includes 0 though Fisher's does not, {so}"
    p, alpha = correlation.p_permutation, 1 - correlation.level
    if p is not None and p >= alpha:
        return f"The permutation p is {p:.3f}, not below {alpha:.2g}, {so}"
    return None


def _left_open(r: float, correlation: Correlation, domains: Sequence[str]) -> list[str]:
    """What an inconclusive result does not rule out, and what it lacks."""
    sentences = []
    if any(abs(end) >= STRONG for interval in _intervals(correlation) for end in (interval.low, interval.high)):
        sentences.append(f"A relation as strong as {STRONG} is not ruled out.")
    needed = correlation.critical_r
    if needed is not None and abs(r) < needed:
        alpha = 1 - correlation.level
        sentences.append(f"{correlation.n} domains need |r| of at least {needed:.3f} for p < {alpha:.2g}.")
    else:
        # A high r in doubt is most often one far point.
        sentences.append(_without_one(r, correlation, domains))
    return sentences


def _found(r: float, correlation: Correlation) -> str:
    """The claim, and how little it may say about size."""
    together = "go together" if r > 0 else "go in opposite directions"
    intervals = _intervals(correlation)
    if not intervals:
        return f"By the permutation p score and change {together}; how strongly is not known."
    claim = f"The interval excludes 0, so score and change {together} over these domains"
    weak, strong = (WEAK, STRONG) if r > 0 else (-WEAK, -STRONG)
    if all(any(size in interval for interval in intervals) for size in (weak, strong)):
        return f"{claim}, but it is too wide to tell {weak} from {strong}."
    return f"{claim}."


def _without_one(r: float, correlation: Correlation, domains: Sequence[str]) -> str:
    """Whether r survives leaving out any one domain."""
    left_out = correlation.leave_one_out
    if left_out is None or left_out.undefined:
        index = left_out.undefined[0] if left_out else 0
        return f"Without {domains[index]} one variable is constant: r rests on that domain."
    weakest, index = (left_out.low, left_out.without_low) if r > 0 else (left_out.high, left_out.without_high)
    needed = critical_r(correlation.n - 1, alpha=1 - correlation.level)
    if abs(weakest) >= needed and weakest * r > 0:
        return f"Leaving out any one domain keeps r between {_two(left_out.low)} and {_two(left_out.high)}."
    return (
        f"Without {domains[index]} r is {_two(weakest)}, where {correlation.n - 1} domains need "
        f"{needed:.3f}: r rests on that domain."
    )


def _intervals(correlation: Correlation) -> list[Interval]:
    return [interval for interval in (correlation.fisher, correlation.bootstrap) if interval is not None]


def _ends(interval: Interval) -> str:
    return f"{_two(interval.low)} to {_two(interval.high)}"


def _two(value: float) -> str:
    """Two decimals, and no minus before a zero."""
    return f"{round(value, 2) + 0.0:.2f}"
