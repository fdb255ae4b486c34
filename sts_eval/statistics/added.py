"""What a predictor knows that a domain's history does not.

The change of the same domain in other runs predicts the change in this one well, so a score may correlate only
because it, too, knows which domain is which. Three figures answer "beyond history": the partial correlation
(Fisher 1924, whose n is n - k for k variables held fixed), the likelihood ratio of the models with and without the
score, and the error on groups of runs that neither model has seen. Only the last says what is gained in points.

The first two count points as independent. Runs share domains, so their p and interval are on the bold side.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from sts_eval.statistics.conformal import leave_group_out
from sts_eval.statistics.correlation import Undefined, fisher_interval
from sts_eval.statistics.interval import Interval
from sts_eval.statistics.within_runs import R_BOUND, centred_within, matrices

_EXPLAINED = 1e-10
"""Share of the variance within runs below which what history leaves of it is rounding error."""

_FLAT = 1e-26
"""Share of the mean square below which the variance within runs is rounding error: scipy's 1e-13, squared."""


@dataclass(frozen=True, slots=True)
class AddedValue:
    """What a score adds to history.

    A field is None where the data do not define it; `undefined` then holds the reason.

    Attributes:
        partial_r: Correlation of score and change with history and run held fixed.
        interval: Fisher's interval of `partial_r`, with standard error 1/√(n - k - 3) of z.
        lr: Likelihood ratio statistic of y ~ history + score + run against y ~ history + run, χ² with 1 degree.
        lr_p: Its p.
        rmse_without: Root mean square error on held-out groups of y ~ history, in points.
        rmse_with: The same of y ~ history + score, in points.
        gain: `rmse_without` - `rmse_with`, in points; positive where the score helps.
        n_runs: Runs with a complete point.
        n_points: Points with score, history and change.
        n_controls: Variables held fixed: those of history, and one less than there are runs.
        undefined: Why fields are None.
    """

    partial_r: float | None
    interval: Interval | None
    lr: float | None
    lr_p: float | None
    rmse_without: float | None
    rmse_with: float | None
    gain: float | None
    n_runs: int
    n_points: int
    n_controls: int
    undefined: tuple[Undefined, ...] = ()

    def reason(self, statistic: str) -> str | None:
        """Why a field is None; None where it is defined.

        Args:
            statistic: The field's name.
        """
        return next((u.reason for u in self.undefined if u.statistic == statistic), None)


def added_value(
    x: ArrayLike, history: ArrayLike, y: ArrayLike, groups: ArrayLike, *, level: float = 0.95
) -> AddedValue:
    """Measure what a score adds to what is known of each domain from other runs.

    History must come from other runs than the row it stands in, or it contains the answer.

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

    partial_r, interval, lr, lr_p = None, None, None, None
    # Dummies of the runs do what centring within runs does. It comes first, so that "nothing left" is judged by the
    # variance within runs and not by the distance between them.
    x_within, y_within, history_within = (centred_within(values, complete) for values in (scores, changes, known))
    x_left, y_left = (_residual(values, history_within) for values in (x_within, y_within))
    obstacle = None
    if n_points - n_controls <= 3:  # noqa: PLR2004 - Fisher's z needs n - k > 3
        obstacle = f"{n_points} points are too few to hold history and runs fixed"
    elif _explained(scores[complete], x_within, x_left):
        obstacle = "history and runs explain the score completely"
    elif _explained(changes[complete], y_within, y_left):
        obstacle = "history and runs explain the change completely"
    undefined = [Undefined(name, obstacle) for name in ("partial_r", "interval", "lr", "lr_p") if obstacle]
    if obstacle is None:
        partial_r = float(x_left @ y_left / np.sqrt((x_left @ x_left) * (y_left @ y_left)))
        if abs(partial_r) > R_BOUND:
            undefined.append(Undefined("interval", "what is left of the points lies on a line"))
        else:
            interval = fisher_interval(partial_r, n_points - n_controls, level=level)
        # Of two nested least-squares fits it is n log(RSS without/RSS with), and the score removes the share r² of
        # what history and runs leave (Frisch and Waugh 1933).
        with np.errstate(divide="ignore"):
            lr = float(-n_points * np.log1p(-min(1.0, partial_r**2)))
        lr_p = float(stats.chi2.sf(lr, 1))

    rmse_without, rmse_with, gain = None, None, None
    if len(np.unique(np.asarray(groups)[runs])) <= 1:
        reason = "the points belong to one group, so nothing can be held out"
        undefined += [Undefined(name, reason) for name in ("rmse_without", "rmse_with", "gain")]
    else:
        measured = np.where(complete, changes, np.nan)
        both = np.concatenate([known, scores[..., None]], axis=-1)
        errors = [leave_group_out(features, measured, groups).residual for features in (known, both)]
        judged = np.isfinite(errors).all(axis=0)  # a group may allow the smaller fit only
        if judged.any():
            rmse_without, rmse_with = (float(np.sqrt(np.mean(error[judged] ** 2))) for error in errors)
            gain = rmse_without - rmse_with
        else:
            reason = "the other groups have too few points to fit"
            undefined += [Undefined(name, reason) for name in ("rmse_without", "rmse_with", "gain")]
    return AddedValue(
        partial_r=partial_r,
        interval=interval,
        lr=lr,
        lr_p=lr_p,
        rmse_without=rmse_without,
        rmse_with=rmse_with,
        gain=gain,
        n_runs=len(runs),
        n_points=n_points,
        n_controls=n_controls,
        undefined=tuple(undefined),
    )


def _residual(values: NDArray[np.float64], controls: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the controls leave of the values, of shape (n_points,) or (n_points, k), by least squares."""
    residual: NDArray[np.float64] = values - controls @ np.linalg.lstsq(controls, values, rcond=None)[0]
    return residual


def _explained(values: NDArray[np.float64], within: NDArray[np.float64], left: NDArray[np.float64]) -> bool:
    """Whether what is left of the values, after runs and then history, is rounding error."""
    return bool(left @ left <= max(_EXPLAINED * (within @ within), _FLAT * (values @ values)))
