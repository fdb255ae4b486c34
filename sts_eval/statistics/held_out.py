"""What a score and a domain's history are worth in points, on groups of runs that nothing has seen.

An error is held out only if the history of the runs that a line is fitted to does not contain the group it is judged
on. Otherwise the line has seen the answers (in the lab perturbing them moved its predictions by .3 to .8 points). So
history is made again without each group. The plain history, with no line fitted, is a null beside both lines: with
few runs to fit, a slope can cost more than it gains.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from sts_eval.statistics.conformal import fit_line
from sts_eval.statistics.result import Result
from sts_eval.statistics.within_runs import matrices


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutErrors(Result):
    """Root mean square errors over the same held-out points, in the unit of the changes."""

    plain: float | None = None  # of history itself, no line fitted
    without: float | None = None  # of y ~ history
    with_score: float | None = None  # of y ~ history + score


def held_out_errors(x: ArrayLike, histories: Mapping[int, ArrayLike], y: ArrayLike, groups: ArrayLike) -> HeldOutErrors:
    """Judge scores x on every group of runs, fitted to the others.

    Args:
        x: Scores in a unit that all runs share, shape (n_runs, n_domains).
        histories: By group, the history of every run as it is without that group's changes, same shape; NaN where a
            run then has none.
        y: Changes, same shape.
        groups: Group of each run, integers of shape (n_runs,): its model or training set. Lines have no run effects,
            since a new run's is not known.

    Raises:
        ValueError: If the shapes do not fit.
    """
    labels = np.asarray(groups)
    residuals: list[ArrayLike] = []
    for group, history in histories.items():
        scores, known, changes = matrices(x, history, y)
        complete = np.isfinite(scores) & np.isfinite(known) & np.isfinite(changes)
        own = (labels == group)[:, None] & complete
        others = (labels != group)[:, None] & complete
        both = np.stack([known, scores], axis=-1)
        without, with_score = fit_line(known[others], changes[others]), fit_line(both[others], changes[others])
        if without is None or with_score is None or not own.any():
            continue
        predicted = known[own], without.predict(known[own]), with_score.predict(both[own])
        residuals.append(np.array([changes[own] - one for one in predicted]))
    nothing = HeldOutErrors()
    if len(histories) <= 1:
        return replace(nothing, undefined={"all": "the runs belong to one group, so nothing can be held out"})
    if not residuals:
        return replace(nothing, undefined={"all": "without one group the others have no history, or too few points"})
    plain, without_score, with_it = np.sqrt(np.mean(np.concatenate(residuals, axis=1) ** 2, axis=1)).tolist()
    return HeldOutErrors(plain=plain, without=without_score, with_score=with_it)
