"""What a predictor knows that a domain's history does not.

The change of the same domain in other runs predicts the change in this one well, so a score may correlate only
because it, too, knows which domain is which. Three figures show what it adds: the partial correlation
(Fisher 1924, whose n is n - k for k variables held fixed), the likelihood ratio of the models with and without the
score, and the error on groups of runs that neither model has seen. Only the last says what is gained in points.

The first two count points as independent. Runs share domains, so this p is too small and this interval too
narrow: a domain that loses more than its history says often does so in several runs, so 20 runs of 14 domains are far
from 280 points. `partial_permutations` gives a p that allows for it: what history and runs leave of the changes is
exchanged between domains, in one way for all runs at once, and fitted again (Freedman and Lane 1983; the exchange of
whole blocks as in Winkler et al. 2014, NeuroImage 92, 381-397). History keeps its tie with the score.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from sts_eval.statistics.conformal import leave_group_out
from sts_eval.statistics.correlation import fisher_interval
from sts_eval.statistics.resampling import ROUNDING, permutation_p, permutations
from sts_eval.statistics.result import Floats, Interval, Result
from sts_eval.statistics.within_runs import R_BOUND, centred_within, explained, matrices, residual


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedValue(Result):
    """What a score adds to history."""

    partial_r: float | None = None  # correlation of score and change with history and run held fixed
    interval: Interval | None = None  # Fisher's interval of `partial_r`, with standard error 1/√(n - k - 3) of z
    lr_p: float | None = None  # likelihood ratio of y ~ history + score + run to y ~ history + run, χ² with 1 degree
    rmse_without: float | None = None  # root mean square error on held-out groups of y ~ history, in points
    rmse_with: float | None = None  # the same of y ~ history + score, in points
    n_runs: int  # runs with a complete point
    n_points: int  # points with score, history and change


def added_value(
    x: ArrayLike, history: ArrayLike, y: ArrayLike, groups: ArrayLike, *, level: float = 0.95
) -> AddedValue:
    """Measure what a score adds to what is known of each domain from other runs.

    Points that lack the score, the history or the change are left out of all figures. History must come from other
    runs than the row's own; otherwise it contains the answer.

    Args:
        x: Scores in a unit that all runs share. Scores of models with different features have no common unit: bring
            them to one with `within_runs.standardised`.
        history: Shape (n_runs, n_domains), or (n_runs, n_domains, h) for h variables, for instance the domain's
            mean change in other runs, in points.
        y: Changes, in points.
        groups: Group of each run for the held-out error, integers of shape (n_runs,): its model or training set.
            The models that are held out against each other have no run effects, since a new run's is not known.
        level: Coverage of the interval.

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

    added = AddedValue(n_runs=len(runs), n_points=n_points)
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
        interval = None
        partial_r = float(x_left @ y_left / np.sqrt((x_left @ x_left) * (y_left @ y_left)))
        if abs(partial_r) > R_BOUND:
            undefined["interval"] = "what is left of the points lies on a line"
        else:
            interval = fisher_interval(partial_r, n_points - n_controls, level=level)
        # Of two nested least-squares fits the ratio is n log(RSS without/RSS with), and the score removes the share
        # r² of what history and runs leave (Frisch and Waugh 1933).
        with np.errstate(divide="ignore"):
            lr_p = float(stats.chi2.sf(-n_points * np.log1p(-min(1.0, partial_r**2)), 1))
        added = replace(added, partial_r=partial_r, interval=interval, lr_p=lr_p)

    reason = None
    if len(np.unique(np.asarray(groups)[runs])) <= 1:
        reason = "the points belong to one group, so nothing can be held out"
    else:
        measured = np.where(complete, changes, np.nan)
        both = np.concatenate([known, scores[..., None]], axis=-1)
        errors = [leave_group_out(features, measured, groups).residual for features in (known, both)]
        judged = np.isfinite(errors).all(axis=0)  # a group may allow the smaller fit only
        if judged.any():
            rmse_without, rmse_with = (float(np.sqrt(np.mean(error[judged] ** 2))) for error in errors)
            added = replace(added, rmse_without=rmse_without, rmse_with=rmse_with)
        else:
            reason = "the other groups have too few points to fit"
    if reason:
        undefined |= dict.fromkeys(("rmse_without", "rmse_with"), reason)
    return replace(added, undefined=undefined)


def partial_permutations(
    scores: Mapping[str, ArrayLike], history: ArrayLike, y: ArrayLike, *, n_resamples: int = 2000, seed: int = 0
) -> dict[str, float | None]:
    """Two-sided p of the partial correlation of each score with the change y, history and run held fixed.

    Scores are in a unit that all runs share; those that lack the same cells share the permuted changes. History is what
    other runs say of each domain. p = (1 + number of permutations with |r| at least as large)/(1 + n_resamples), never
    below that of the number of orders of the domains; None where history and runs explain the score or the change.

    Raises:
        ValueError: If the shapes are not two-dimensional and equal.
    """
    known, changes, *each = matrices(history, y, *scores.values())
    orders = permutations(changes.shape[1], n_resamples, seed)
    fitted: dict[bytes, tuple[Floats, Floats | None]] = {}
    found: dict[str, float | None] = {}
    for name, score in zip(scores, each, strict=True):
        cells = np.isfinite(score) & np.isfinite(known) & np.isfinite(changes)
        key = cells.tobytes()
        if key not in fitted:
            controls = _controls(known, cells)
            fitted[key] = controls, _permuted(changes, cells, controls, orders)
        controls, permuted = fitted[key]
        within = centred_within(score, cells)
        left = residual(within, controls)
        found[name] = None
        if permuted is not None and not explained(score[cells], within, left):
            r = np.abs(left / np.linalg.norm(left) @ permuted)
            found[name] = permutation_p(float(r[0]), r[1:])
    return found


def _controls(known: Floats, cells: NDArray[np.bool_]) -> Floats:
    """History within runs, shape (n_points, 1); 0 where it is constant there and spans nothing beyond the runs."""
    history = centred_within(known, cells)
    constant = np.linalg.norm(history) <= ROUNDING * np.linalg.norm(known[cells])
    return np.zeros((len(history), 1)) if constant else history[:, None]


def _permuted(changes: Floats, cells: NDArray[np.bool_], controls: Floats, orders: NDArray[np.intp]) -> Floats | None:
    """What history and runs leave of the changes in every order of the domains, each of length 1 or 0.

    Shape (n_points, n_orders); None where history and runs explain the changes.
    """
    within = centred_within(changes, cells)
    left = residual(within, controls)
    if explained(changes[cells], within, left):
        return None
    full = np.zeros(changes.shape)
    full[cells] = left
    moved = np.moveaxis(full[:, orders], 1, 2)  # (n_runs, n_domains, n_orders)
    again = residual(centred_within(moved, cells), controls)
    size = np.linalg.norm(again, axis=0)
    scaled: Floats = np.divide(again, size, out=np.zeros_like(again), where=size > 0)
    return scaled
