"""Does a score know which domains gain and which lose?

Most changes after fine-tuning are losses, so "always down" is right nine times in ten. Sign accuracy therefore says
nothing. Two figures replace it, on which such a rule scores no better than chance: the area under the ROC curve (the
chance that a gaining domain scores above a losing one; Hanley and McNeil 1982) and Matthews' correlation coefficient
(1975). Only changes that are larger than their noise have a sign to be known.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sts_eval.statistics.resampling import Units, percentile_interval, resamples
from sts_eval.statistics.result import Floats, Interval, Result
from sts_eval.statistics.within_runs import jointly_present, matrices, standardised

CLEAR = 1.96  # standard errors that a change must exceed for its sign to count: two-sided 5% under a normal error


@dataclass(frozen=True, slots=True, kw_only=True)
class SignQuality(Result):
    """How well a score separates domains that clearly gain from those that clearly lose."""

    auroc: float | None = None  # area under the ROC curve for "up", .5 for a score that knows nothing
    mcc: float | None = None  # Matthews' correlation of the signs of score and change; 0 for a score that knows nothing
    n_up: int  # domains of all runs that clearly gain
    n_down: int  # domains of all runs that clearly lose
    interval: Interval | None = None  # percentile interval of `auroc` over resampled models, sets and domains


def sign_quality(
    score: ArrayLike,
    delta: ArrayLike,
    se: ArrayLike,
    *,
    zero: bool,
    units: Units | None = None,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> SignQuality:
    """Judge a score, higher for "up", by the signs of the changes, over the points of all runs together.

    Only cells with |delta| > 1.96 se count. If no domain gains or none loses, the figures are None with the reason.
    `zero` says whether 0 means "no change" to the score, as for a predicted change. If not, there is no `mcc`, and
    scores are standardised within each run before runs are put together, so that their units do not matter; a run
    whose scores are all equal then has scores of 0. `units` says which runs share a model or a training set.

    Raises:
        ValueError: If the shapes are not two-dimensional and equal, or a standard error is negative.
    """
    scores, changes, errors = jointly_present(*matrices(score, delta, se))
    if (errors < 0).any():
        raise ValueError("a standard error is negative")
    # A score is standardised over all domains that have one, clear or not: which are clear is known only afterwards.
    comparable = scores if zero else standardised(matrices(score)[0])
    up, down = changes > CLEAR * errors, -changes > CLEAR * errors  # NaN compares as False
    n_up, n_down = int(up.sum()), int(down.sum())
    if not n_up or not n_down:
        which = "clearly gains" if not n_up else "clearly loses"
        return SignQuality(n_up=n_up, n_down=n_down, undefined={"all": f"no domain {which}"})

    from sklearn.metrics import matthews_corrcoef, roc_auc_score

    clear = up | down
    undefined: dict[str, str] = {}
    units = units or Units.separate(len(comparable))
    interval = _interval(comparable, up, down, units, level, n_resamples, seed)
    if isinstance(interval, str):
        undefined["interval"] = interval
    mcc: float | None = None
    predicted_up = scores[clear] > 0
    if not zero:
        undefined["mcc"] = "the score has no meaningful zero"
    elif predicted_up.all() or not predicted_up.any():
        # scikit-learn answers 0 for 0/0, which would pass for a measured figure.
        undefined["mcc"] = "the score has one sign everywhere"
    else:
        mcc = float(matthews_corrcoef(up[clear], predicted_up))
    return SignQuality(
        auroc=float(roc_auc_score(up[clear], comparable[clear])),
        mcc=mcc,
        n_up=n_up,
        n_down=n_down,
        interval=interval if isinstance(interval, Interval) else None,
        undefined=undefined,
    )


def _interval(
    scores: Floats,
    up: NDArray[np.bool_],
    down: NDArray[np.bool_],
    units: Units,
    level: float,
    n_resamples: int,
    seed: int,
) -> Interval | str:
    """Percentile interval of the AUROC: the share of won (up, down) pairs, each as often as both were drawn."""
    drawn = resamples(units, scores.shape[1], n_resamples, seed)
    (up_run, up_domain), (down_run, down_domain) = np.nonzero(up), np.nonzero(down)
    times_up = drawn.runs[:, up_run] * drawn.domains[:, up_domain]
    times_down = drawn.runs[:, down_run] * drawn.domains[:, down_domain]
    won = (np.sign(scores[up][:, None] - scores[down][None, :]) + 1) / 2
    pairs = times_up.sum(axis=1) * times_down.sum(axis=1)
    total = ((times_up @ won) * times_down).sum(axis=1)
    auroc = np.divide(total, pairs, out=np.full(n_resamples, np.nan), where=pairs > 0)
    return percentile_interval(auroc, level)
