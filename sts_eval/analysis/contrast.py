"""Two predictors, models, training sets or SAEs side by side, with the paired interval of the difference of r.

Two predictors are compared over the same runs. Two models are compared over the training sets that both were tuned on,
two sets over the models that were tuned on both, and two SAEs over the models and sets that both were used for: a
resample holds both runs of a pair or neither, and the same domains of both.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sts_eval.analysis.breakdown import Part, Scored, numbered, overall
from sts_eval.analysis.correlations import ends
from sts_eval.records.comparison import SET_BY_DOMAIN, Ends
from sts_eval.statistics import PairedDifference, paired_difference
from sts_eval.statistics.interaction import SetByDomainTable
from sts_eval.statistics.resampling import Units


class Contrast(NamedTuple):
    """Two sides, over what they share, and how their r differ."""

    first: Part
    second: Part
    difference: float | None  # r of the first minus that of the second
    interval: Ends | None  # 95%, paired
    p: float | None  # two-sided, of the same bootstrap
    n_pairs: int  # runs, or pairs of runs, behind the difference
    undefined: str | None  # why there is no difference


def contrast_predictors(first: Scored, second: Scored, names: tuple[str, str], *, n_resamples: int) -> Contrast:
    """Two predictors over the same runs in the same order."""
    if first.question in SET_BY_DOMAIN:
        table = SetByDomainTable(first.outcome, first.units, n_resamples=n_resamples)
        found = table.difference(first.scores, second.scores)
    else:
        found = paired_difference(
            first.scores, second.scores, first.outcome, units=first.units, n_resamples=n_resamples
        )
    return _contrast(first, second, names, found, n_resamples)


def contrast_runs(first: Scored, second: Scored, names: tuple[str, str], *, n_resamples: int) -> Contrast:
    """One predictor on two sides, of which each run of the first is paired with the run of the second in its place.

    What the sides have in common decides what is resampled: two sides of one model each are resampled over sets.
    """
    if first.question in SET_BY_DOMAIN:
        why = "this question is about all training sets of a model, so there are no pairs; ask another"
        return _contrast(first, second, names, PairedDifference(undefined={"all": why}), n_resamples)
    pairs = zip(_pairs(first.models, second.models), _pairs(first.training_sets, second.training_sets), strict=True)
    models, sets = zip(*pairs, strict=True) if first.models else ((), ())
    if not models:
        nothing = PairedDifference(undefined={"all": "no run of the one has a counterpart among those of the other"})
        return _contrast(first, second, names, nothing, n_resamples)
    units = Units(numbered(models), numbered(sets))
    found = paired_difference(
        first.scores, second.scores, first.outcome, y_of_z=second.outcome, units=units, n_resamples=n_resamples
    )
    return _contrast(first, second, names, found, n_resamples)


def _pairs(first: Sequence[str], second: Sequence[str]) -> list[str]:
    return ["\n".join(pair) for pair in zip(first, second, strict=True)]


def _contrast(
    first: Scored, second: Scored, names: tuple[str, str], found: PairedDifference, n_resamples: int
) -> Contrast:
    sides = zip((first, second), names, strict=True)
    one, other = (overall(side, n_resamples=n_resamples, name=name) for side, name in sides)
    why = found.reason("difference") if found.difference is None else None
    return Contrast(one, other, found.difference, ends(found.interval), found.p_value, found.n_runs, why)
