"""What a predictor knows that a domain's history does not.

The change of the same domain in other runs predicts the change in this one well, so a score may correlate only
because it, too, knows which domain is which. The partial correlation of score and change holds history and run fixed.

Points are far from independent: a domain that loses more than its history says often does so in several runs, so 20
runs of 14 domains are not 280 points. The interval is a bootstrap of models, training sets and domains (`resampling`).
The p comes from permutations: what history and runs leave of the changes is exchanged between domains, in one way for
all runs at once, and fitted again (Freedman and Lane 1983; the exchange of whole blocks as in Winkler et al. 2014,
NeuroImage 92, 381-397). History keeps its tie with the score.

History is a mean of few noisy runs. Holding a noisy measure fixed holds the truth behind it fixed only in part
(Kahneman 1965, Psychological Bulletin 64, 326-329), so a score that knows nothing but that truth seems to add to it:
beside two runs whose noise is .6 of the spread of the true changes in all of 100 simulated data sets, beside noise
of .3 in 69, of .15 in 14. Of several measures of one history the caller therefore gives the least noisy, and says
beside how many runs a score adds something.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sts_eval.statistics.resampling import (
    ROUNDING,
    Resamples,
    Units,
    percentile_interval,
    permutation_p,
    permutations,
    resamples,
)
from sts_eval.statistics.result import Floats, Interval, Result
from sts_eval.statistics.within_runs import centred_within, explained, matrices, residual

_RIDGE = 1e-9  # on the controls' sums of squares: a resample may hold a control constant


@dataclass(frozen=True, slots=True, kw_only=True)
class PartialCorrelation(Result):
    """The correlation of a score with the changes, history and run held fixed."""

    r: float | None = None
    interval: Interval | None = None  # percentile interval over resampled models, training sets and domains
    n_runs: int  # runs with a complete point
    n_points: int  # points with score, history and change


def partial_correlation(
    x: ArrayLike,
    history: ArrayLike,
    y: ArrayLike,
    *,
    units: Units | None = None,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> PartialCorrelation:
    """Correlate what history and run leave of the scores x with what they leave of the changes y.

    Points that lack the score, the history or the change are left out. History, of the shape of x and y, must come from
    other runs than the row's own; otherwise it contains the answer. Scores are in a unit that all runs share
    (`within_runs.standardised` brings them to one); `units` says which runs share a model or a training set.

    Raises:
        ValueError: If the shapes are not two-dimensional and equal.
    """
    scores, known, changes = matrices(x, history, y)
    cells = np.isfinite(scores) & np.isfinite(changes) & np.isfinite(known)
    used: NDArray[np.bool_] = np.any(cells, axis=1)
    n_runs, n_points = int(used.sum()), int(cells.sum())
    nothing = PartialCorrelation(n_runs=n_runs, n_points=n_points)
    # Dummies of the runs do what centring within runs does. It comes first, so that "nothing left" is judged by the
    # variance within runs and not by the distance between them.
    x_within, y_within, controls = (centred_within(values, cells) for values in (scores, changes, known[..., None]))
    x_left, y_left = (residual(values, controls) for values in (x_within, y_within))
    obstacle = None
    if n_points - max(1, n_runs) <= 3:  # noqa: PLR2004 - a line through three points says nothing
        obstacle = f"{n_points} points are too few to hold history and runs fixed"
    elif explained(scores[cells], x_within, x_left):
        obstacle = "history and runs explain the score completely"
    elif explained(changes[cells], y_within, y_left):
        obstacle = "history and runs explain the change completely"
    if obstacle:
        return replace(nothing, undefined={"all": obstacle})
    r = float(x_left @ y_left / np.sqrt((x_left @ x_left) * (y_left @ y_left)))
    drawn = resamples((units or Units.separate(len(cells))).at(used), cells.shape[1], n_resamples, seed)
    variables = np.array([scores[used], changes[used], known[used]])
    interval = percentile_interval(_resampled(variables, cells[used], drawn), level)
    if isinstance(interval, str):
        return replace(nothing, r=r, undefined={"interval": interval})
    return replace(nothing, r=r, interval=interval)


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


def _resampled(variables: Floats, cells: NDArray[np.bool_], drawn: Resamples) -> Floats:
    """Partial r in every resample, NaN where undefined; of score, change and history, shape (3, n_runs, n_domains).

    A resample is a table of weights, run by domain, and what is left within runs follows from weighted sums:
    Σ w x̃ ỹ = Σ_r w_r (Σ_d w_d x y - Σ_d w_d x · Σ_d w_d y / Σ_d w_d).
    """
    present = cells.astype(np.float64)
    taking_part = np.where(cells, variables, 0.0)
    mean = taking_part.sum(axis=2, keepdims=True) / np.maximum(present.sum(axis=1), 1)[None, :, None]
    centred = np.where(cells, taking_part - mean, 0.0)
    centred /= np.sqrt((centred**2).sum(axis=(1, 2), keepdims=True)) + ROUNDING
    n = np.maximum(drawn.domains @ present.T, 1.0)
    sums = [drawn.domains @ one.T for one in centred]

    def product(first: int, second: int) -> Floats:
        within = drawn.domains @ (centred[first] * centred[second]).T - sums[first] * sums[second] / n
        total: Floats = (drawn.runs * within).sum(axis=1)
        return total

    control = product(2, 2) + _RIDGE
    xx, yy, xy = (
        product(first, second) - product(first, 2) * product(second, 2) / control
        for first, second in ((0, 0), (1, 1), (0, 1))
    )
    defined = (xx > _RIDGE) & (yy > _RIDGE)
    r: Floats = np.divide(xy, np.sqrt(np.where(defined, xx * yy, 1.0)), out=np.full(len(xy), np.nan), where=defined)
    return r


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
