"""Are the dimensions that demonstrations move the ones that tuning moves?

    predicted_j = E_x (h_j(x) - h_j(demonstrations, x))²        both by the untuned model
    actual_j    = E_x (h_j(x; tuned) - h_j(x; untuned))²        both without demonstrations

over the same questions x of the training set, in SAE features and in the residual stream's own dimensions
(the paper's figures 1a and 2). Very active dimensions move under anything, so the overlap of the two top lists
stands beside a null of dimensions that are as active. Activity is matched within a factor of √2.
"""

from typing import Literal

import numpy as np

from sts_eval.hindsight.actual_shift import Floats, Movement, Shifts
from sts_eval.records.overlap import Overlap, OverlapAt, SpaceOverlap
from sts_eval.records.record import now
from sts_eval.statistics.matched import matched_null
from sts_eval.study.shifted_features import top

SIZES = (50, 100, 200)


def measure_overlap(shifts: Shifts, *, tuning_seed: int, on_policy: Shifts | None = None) -> Overlap:
    """Compare predicted with actual shifts on the questions that step 1 of the prediction compared.

    `on_policy` are the shifts with demonstrations by the model itself, where it was predicted with both kinds.
    """
    return Overlap(
        created=now(),
        seed=shifts.seed,
        tuning_seed=tuning_seed,
        n_questions=len(shifts.turns),
        n_tokens=sum(len(turn.span) for turn in shifts.turns),
        spaces=_spaces(shifts),
        on_policy=_spaces(on_policy) if on_policy is not None else (),
    )


def _spaces(shifts: Shifts) -> tuple[SpaceOverlap, ...]:
    return (
        _space("sae", shifts.features, shifts.features.frequency, "firing frequency"),
        _space("residual", shifts.residual, shifts.residual.magnitude, "mean magnitude"),
    )


def overlap_at(n: int, predicted: Floats, actual: Floats, activity: Floats) -> OverlapAt:
    """Overlap of the two top lists, and its exact distribution under the null.

    Under the null the predicted list is replaced by random dimensions, as many from each band of activity (not
    negative) as it has there. The overlap is then a sum of independent hypergeometric counts. All arrays are of
    shape (d,), the lists of length n.

    Raises:
        ValueError: Nothing changed.
    """
    total = float(actual.sum())
    if total <= 0:
        raise ValueError("no dimension changed")
    top_predicted, top_actual = top(predicted, n), top(actual, n)
    listed = np.arange(len(actual))
    null = matched_null(np.isin(listed, top_actual), np.isin(listed, top_predicted), activity)
    common = len(np.intersect1d(top_predicted, top_actual))
    return OverlapAt(
        n=n,
        common=common,
        expected=null.mean,
        null_sd=null.sd,
        p_value=null.at_least(common),
        uniform=n**2 / len(actual),
        share_actual=float(actual[top_actual].sum()) / total,
        share_predicted=float(actual[top_predicted].sum()) / total,
    )


def _space(
    space: Literal["sae", "residual"],
    moved: Movement,
    activity: Floats,
    named: Literal["firing frequency", "mean magnitude"],
) -> SpaceOverlap:
    n_dims = len(moved.actual)
    at = tuple(overlap_at(n, moved.predicted, moved.actual, activity) for n in SIZES if n < n_dims)
    return SpaceOverlap(space=space, dims=n_dims, activity=named, at=at)
