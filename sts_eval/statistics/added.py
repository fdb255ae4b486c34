"""What a predictor knows that a domain's history does not.

The change of the same domain in other runs predicts the change in this one well, so a score may correlate only
because it, too, knows which domain is which. Three figures show what it adds: the partial correlation
(Fisher 1924, whose n is n - k for k variables held fixed), the likelihood ratio of the models with and without the
score, and the error on groups of runs that neither model has seen. Only the last says what is gained in points.

The first two count points as independent. Runs share domains, so this p is too small and this interval too
narrow; `partial_permutation` gives a p that allows for it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from sts_eval.statistics.conformal import leave_group_out
from sts_eval.statistics.correlation import fisher_interval
from sts_eval.statistics.result import Interval, Result
from sts_eval.statistics.within_runs import R_BOUND, centred_within, explained, matrices, residual


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedValue(Result):
    """What a score adds to history.

    Attributes:
        partial_r: Correlation of score and change with history and run held fixed.
        interval: Fisher's interval of `partial_r`, with standard error 1/√(n - k - 3) of z.
        lr_p: p of the likelihood ratio of y ~ history + score + run against y ~ history + run, χ² with 1 degree.
        rmse_without: Root mean square error on held-out groups of y ~ history, in points.
        rmse_with: The same of y ~ history + score, in points.
        n_runs: Runs with a complete point.
        n_points: Points with score, history and change.
    """

    partial_r: float | None
    interval: Interval | None
    lr_p: float | None
    rmse_without: float | None
    rmse_with: float | None
    n_runs: int
    n_points: int


def added_value(
    x: ArrayLike, history: ArrayLike, y: ArrayLike, groups: ArrayLike, *, level: float = 0.95
) -> AddedValue:
    """Measure what a score adds to what is known of each domain from other runs.

    History must come from other runs than the row's own; otherwise it contains the answer.

    Args:
        x: Scores, shape (n_runs, n_domains), in a unit that all runs share; NaN where missing. Scores of models with
            different features have no common unit: bring them to one with `within_runs.standardised`.
        history: Shape (n_runs, n_domains), or (n_runs, n_domains, h) for h variables, for instance the domain's
            mean change in other runs, in points.
        y: Changes, shape (n_runs, n_domains), in points.
        groups: Group of each run for the held-out error, integers of shape (n_runs,): its model or training set.
            The models that are held out against each other have no run effects, since a new run's is not known.
        level: Coverage of the interval, a proportion.

    Returns:
        The figures. Points that lack the score, the history or the change are left out of all of them.

    Raises:
        ValueError: If the shapes do not fit.
    """
    scores, changes = matrices(x, y)
    known = np.asarray(history, dtype=np.float64)
    known = known[..., None] if known.shape == scores.shape else known
    if known.shape[:-1] != scores.shape or np.shape(groups) != scores.shape[:1]:
        raise ValueError(f"history {known.shape} or groups {np.shape(groups)} do not fit scores {scores.shape}")
    complete = np.isfinite(scores) & np.isfinite(changes) & np.isfinite(known).all(axis=-1)
    run = np.nonzero(complete)[0]
    runs = np.unique(run)
    n_points, n_controls = len(run), known.shape[-1] + max(0, len(runs) - 1)

    partial_r, interval, lr_p = None, None, None
    # Dummies of the runs do what centring within runs does. It comes first, so that "nothing left" is judged by the
    # variance within runs and not by the distance between them.
    x_within, y_within, history_within = (centred_within(values, complete) for values in (scores, changes, known))
    x_left, y_left = (residual(values, history_within) for values in (x_within, y_within))
    obstacle = None
    if n_points - n_controls <= 3:  # noqa: PLR2004 - Fisher's z needs n - k > 3
        obstacle = f"{n_points} points are too few to hold history and runs fixed"
    elif explained(scores[complete], x_within, x_left):
        obstacle = "history and runs explain the score completely"
    elif explained(changes[complete], y_within, y_left):
        obstacle = "history and runs explain the change completely"
    undefined = dict.fromkeys(("partial_r", "interval", "lr_p"), obstacle) if obstacle else {}
    if obstacle is None:
        partial_r = float(x_left @ y_left / np.sqrt((x_left @ x_left) * (y_left @ y_left)))
        if abs(partial_r) > R_BOUND:
            undefined["interval"] = "what is left of the points lies on a line"
        else:
            interval = fisher_interval(partial_r, n_points - n_controls, level=level)
        # Of two nested least-squares fits the ratio is n log(RSS without/RSS with), and the score removes the share
        # r² of what history and runs leave (Frisch and Waugh 1933).
        with np.errstate(divide="ignore"):
            lr_p = float(stats.chi2.sf(-n_points * np.log1p(-min(1.0, partial_r**2)), 1))

    rmse_without, rmse_with, reason = None, None, None
    if len(np.unique(np.asarray(groups)[runs])) <= 1:
        reason = "the points belong to one group, so nothing can be held out"
    else:
        measured = np.where(complete, changes, np.nan)
        both = np.concatenate([known, scores[..., None]], axis=-1)
        errors = [leave_group_out(features, measured, groups).residual for features in (known, both)]
        judged = np.isfinite(errors).all(axis=0)  # a group may allow the smaller fit only
        if judged.any():
            rmse_without, rmse_with = (float(np.sqrt(np.mean(error[judged] ** 2))) for error in errors)
        else:
            reason = "the other groups have too few points to fit"
    if reason:
        undefined |= dict.fromkeys(("rmse_without", "rmse_with"), reason)
    return AddedValue(
        partial_r=partial_r,
        interval=interval,
        lr_p=lr_p,
        rmse_without=rmse_without,
        rmse_with=rmse_with,
        n_runs=len(runs),
        n_points=n_points,
        undefined=undefined,
    )
