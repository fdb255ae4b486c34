"""How high r could go over several runs, on the scale that r is pooled on.

The true changes are not known, but how much of the spread of the measured ones is noise is: mean SE² against mean
squared distance from the run's mean, over all runs together. (Taking a ceiling run by run and averaging would cut each
estimate at 0 by itself and so read too low where there is little signal: .60 where .69 is true.) True changes are then
taken as the measured ones drawn in towards the run's mean until their spread is what noise leaves (Louis 1984), noise
of the measured size is added again, and r of the two is pooled over runs exactly as a predictor's is. It is simulated
for a row of spreads once; the interval resamples models, training sets and domains and reads the row off.

Where other models were tuned on the same sets, there is a second estimate that needs no standard errors. What two
models' changes have in common is no noise, so a perfect predictor reaches at least √r of the two (the reliability of
one measurement is its correlation with another of the same). Models differ in truth too, so this errs on the low side.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sts_eval.statistics.resampling import Resamples, Units, percentile_interval, resamples
from sts_eval.statistics.result import Floats, Interval, Result
from sts_eval.statistics.within_runs import average, resampled_correlations

Taken = Callable[[Floats], Floats]
"""What a question takes of changes, for instance their size; element by element."""

_DRAWS = 60  # simulated measurements of all runs at each share of signal
_AT = np.linspace(0, 2, 21)  # spreads of the true changes, in units of the measured spread; resamples may exceed 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling(Result):
    """The pooled r of a perfect predictor."""

    r: float | None = None
    interval: Interval | None = None  # percentile interval over resampled models, training sets and domains


def ceiling_within_runs(
    y: ArrayLike,
    se: ArrayLike,
    taken: Taken = np.asarray,
    *,
    units: Units | None = None,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> Ceiling:
    """Ceiling of an r that is taken within runs and pooled; y signed changes, se their errors, (n_runs, n_domains).

    `taken` is applied to measured and to true changes.
    """
    changes = np.asarray(y, dtype=np.float64)
    present = np.isfinite(changes)
    n = present.sum(axis=1, keepdims=True)
    mean = np.nansum(changes, axis=1, keepdims=True) / np.maximum(n, 1)
    left = np.where(present, changes - mean, 0.0)
    noise = np.where(present, np.asarray(se, dtype=np.float64), 0.0)
    if (n <= 1).all() or not left.any():
        return Ceiling(undefined={"all": "the changes within runs are all equal"})
    squares = left**2 * (n / np.maximum(n - 1, 1))
    drawn = resamples(units or Units.separate(len(changes)), changes.shape[1], n_resamples, seed)
    spread, error = _mean_squares(squares, noise**2, present, drawn)
    signal = np.sqrt(np.maximum(spread - error, 0.0) / spread[0])

    rng = np.random.default_rng(seed)
    reached = [0.0]
    drawing = (_DRAWS * len(changes), changes.shape[1])  # every run again for each simulated measurement
    for shrink in _AT[1:]:
        true = np.tile(np.where(present, mean + shrink * left, np.nan), (_DRAWS, 1))
        measured = true + np.tile(noise, (_DRAWS, 1)) * rng.standard_normal(drawing)
        r = resampled_correlations(taken(true), taken(measured), np.ones((1, changes.shape[1])))
        draws = average(*(part.reshape(_DRAWS, -1) for part in r))
        reached.append(float(np.nanmean(draws)) if np.isfinite(draws).any() else np.nan)
    if np.isnan(reached).any():
        return Ceiling(undefined={"all": "changes of one size leave nothing to correlate with"})
    found = np.interp(signal, _AT, reached)
    interval = percentile_interval(found[1:], level)
    return Ceiling(
        r=float(found[0]),
        interval=interval if isinstance(interval, Interval) else None,
        undefined={"interval": interval} if isinstance(interval, str) else {},
    )


def ceiling_of_rest(left: ArrayLike, noise: ArrayLike, freedom: float, drawn: Resamples, *, level: float) -> Ceiling:
    """Ceiling of one r over all points of what an additive model leaves, with `freedom` of the points left free.

    `left` are its residuals, NaN where missing, and `noise` the squared error of each that the model does not remove
    whole, both (n_rows, n_columns).
    """
    rest = np.asarray(left, dtype=np.float64)
    present = np.isfinite(rest)
    squares = np.where(present, rest**2, 0.0) * present.sum() / freedom
    if not squares.any():
        return Ceiling(undefined={"all": "no change is left"})
    spread, error = _mean_squares(squares, np.where(present, noise, 0.0), present, drawn)
    found = np.sqrt(np.maximum(1 - np.divide(error, spread, out=np.full(len(spread), np.nan), where=spread > 0), 0.0))
    interval = percentile_interval(found[1:], level)
    return Ceiling(
        r=float(found[0]),
        interval=interval if isinstance(interval, Interval) else None,
        undefined={"interval": interval} if isinstance(interval, str) else {},
    )


def agreement(left: ArrayLike, units: Units) -> float | None:
    """√ of the mean r between runs of two models on one set, of changes less their means, (n_rows, n_columns).

    None without such runs, or where they agree no better than chance.
    """
    rest = np.asarray(left, dtype=np.float64)
    models, sets = (np.array(labels) for labels in units)
    first, second = np.nonzero((sets[:, None] == sets) & (models[:, None] < models))
    both = np.isfinite(rest[first]) & np.isfinite(rest[second])
    a, b = np.where(both, rest[first], 0.0), np.where(both, rest[second], 0.0)
    size = float(np.sqrt((a**2).sum() * (b**2).sum()))
    r = float((a * b).sum()) / size if size else 0.0
    return float(np.sqrt(r)) if r > 0 else None


def _mean_squares(
    squares: Floats, noise: Floats, present: NDArray[np.bool_], drawn: Resamples
) -> tuple[Floats, Floats]:
    """Mean squares of changes and of their errors, of the data and then in every resample; NaN where none is drawn."""

    def total(values: Floats) -> Floats:
        resampled = ((drawn.runs @ values) * drawn.domains).sum(axis=1)
        return np.concatenate([[values.sum()], resampled])

    n = total(present.astype(np.float64))
    spread, error = (np.divide(total(one), n, out=np.full(len(n), np.nan), where=n > 0) for one in (squares, noise))
    return spread, error
