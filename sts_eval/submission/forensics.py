"""What a statistician would ask of a run's figures before believing them. The answers are warnings and refuse nothing.

Measured changes carry noise: n questions, K tunings. Figures that were made up tend to carry too little of it. With d_i
the change of domain i and s_i its standard error, in points, of D domains:

    counts      n·p and n·(change of a seed) are whole numbers of right answers (the GRIM test, Brown and Heathers 2017)
    smooth      Σ (d_i - mean)²/s_i² is χ² with D - 1 degrees of freedom if no domain differs in truth, and larger if
                some do; warned of below its lower quantile
    seeds       (K - 1)·Var(changes of the seeds of i) is at least w·K·s_i² times χ²/(K - 1 degrees of freedom), if the
                share w of the error differs between seeds; w = .02 is supposed, a tenth of what the lab's runs have
    too close   a score that knew the true changes exactly would leave Σ (d_i - a - b·x_i)²/s_i² as χ² with D - 2
                degrees of freedom, so that less is above the noise ceiling. For sizes |d_i| the variance is at least
                (1 - 2/π)·s_i², that of a folded normal variable around 0
    order       a score that has the order of all changes; a perfect one would have it with the probability that noise
                of these errors leaves that order

Each test has the level `LEVEL` a run, shared among the predictors where it looks at each. A false alarm comes where no
domain differs in truth (smooth) or a score is perfect (the last two), so their rates are upper bounds.
"""

import math
from collections.abc import Iterator
from functools import cache

import numpy as np
from scipy import integrate, stats

from sts_eval.records.outcome import Outcome
from sts_eval.records.submission import Origin
from sts_eval.statistics.paired import POINTS
from sts_eval.statistics.result import Floats

LEVEL = 1e-3  # false alarms a run, of each test
FEWEST = 8  # domains below which nothing is asked
LEAST_BETWEEN = 0.02  # w: share of a change's error that differs between seeds, at least
_WHOLE = 1e-4  # of an answer, which rounding of computed figures explains
_FOLDED = 1 - 2 / math.pi
_FLAT = 1e-12
_STEPS = 4001


def forensic_warnings(outcome: Outcome, origin: Origin) -> tuple[str, ...]:
    """What is hardly possible in measured figures, in sentences without their full stop; none of a paper's figures."""
    if origin == "published":
        return ()
    return tuple(found for test in (_counts, _smooth, _seeds, _scores) for found in test(outcome))


def _counts(outcome: Outcome) -> Iterator[str]:
    broken = []
    for domain in outcome.domains:
        shares = [domain.accuracy_before or 0.0, *(change / POINTS for change in domain.accuracy.by_seed)]
        if any(abs(share * domain.n - round(share * domain.n)) > _WHOLE for share in shares):
            broken.append(domain.domain)
    if broken:
        yield (
            f"No number of right answers gives the accuracies of {len(broken)} of {len(outcome.domains)} domains, "
            f"such as {broken[0]} (GRIM test): they were rounded, or not counted"
        )


def _smooth(outcome: Outcome) -> Iterator[str]:
    change, error = _changes(outcome)
    if len(change) < FEWEST:
        return
    centre = np.average(change, weights=error**-2)
    spread = float((((change - centre) / error) ** 2).sum())
    p = float(stats.chi2.cdf(spread, len(change) - 1))
    if p < LEVEL:
        yield f"The changes differ less between domains than their errors make any changes differ ({_chance(p)})"


def _seeds(outcome: Outcome) -> Iterator[str]:
    n_seeds = len(outcome.seeds)
    kept = [one.accuracy for one in outcome.domains if one.accuracy.se > 0 and len(one.accuracy.by_seed) == n_seeds]
    if n_seeds < 2 or len(kept) < FEWEST:  # noqa: PLR2004 - one seed differs from none
        return
    between = np.array([np.var(one.by_seed, ddof=1) for one in kept])
    least = np.array([LEAST_BETWEEN * n_seeds * one.se**2 for one in kept])
    p = float(stats.chi2.cdf((n_seeds - 1) * float((between / least).sum()), (n_seeds - 1) * len(kept)))
    if p < LEVEL:
        yield f"The {n_seeds} seeds are more alike than tunings of different seeds are ({_chance(p)})"


def _scores(outcome: Outcome) -> Iterator[str]:
    """Scores that follow the measured changes, noise included."""
    asked = [one for one in outcome.predictors if "O" not in one.flags]
    for predictor in asked:
        change, error, score = _changes(outcome, predictor.values)
        if len(change) < FEWEST or np.ptp(score) <= _FLAT * np.abs(score).max():
            continue
        level = LEVEL / (2 * len(asked))
        for what, target, least in (("changes", change, 1.0), ("sizes of the changes", np.abs(change), _FOLDED)):
            left = _residual(score, target, error) / least
            ordered = np.diff(score[np.argsort(target)])
            if left < _quantile(level, len(change) - 2):
                r = float(np.corrcoef(score, target)[0, 1])
                yield (
                    f"{predictor.name} follows the measured {what} more closely (r = {r:+.3f}) than a perfect "
                    f"prediction could, given their errors ({_chance(float(stats.chi2.cdf(left, len(change) - 2)))})"
                )
            elif ((ordered > 0).all() or (ordered < 0).all()) and (chance := order_probability(target, error)) < level:
                yield (
                    f"{predictor.name} puts the measured {what} of all {len(change)} domains in their exact order, "
                    f"which their errors allow no prediction to do ({_chance(chance)})"
                )


def _changes(outcome: Outcome, scores: dict[str, float] | None = None) -> tuple[Floats, ...]:
    """Changes, errors and, if given, scores of the domains that have them; shape (D,) each."""
    kept = [one for one in outcome.domains if one.accuracy.se > 0 and (scores is None or one.domain in scores)]
    columns = [[one.accuracy.delta for one in kept], [one.accuracy.se for one in kept]]
    if scores is not None:
        columns.append([scores[one.domain] for one in kept])
    return tuple(np.asarray(column, dtype=np.float64) for column in columns)


def _residual(score: Floats, target: Floats, error: Floats) -> float:
    """Weighted sum of squares about the best line, in squared errors."""
    weight = error**-2 / (error**-2).sum()
    x, y = score - (weight * score).sum(), target - (weight * target).sum()
    slope = (weight * x * y).sum() / (weight * x**2).sum()
    return float((((y - slope * x) / error) ** 2).sum())


@cache
def _quantile(level: float, freedom: int) -> float:
    return float(stats.chi2.ppf(level, freedom))


def order_probability(target: Floats, error: Floats) -> float:
    """How likely independent normal values around `target`, with these errors, keep the order of `target`; (D,) each.

    P(X_1 < x) is integrated against the density of X_2 up to x, that against the density of X_3, and so on.
    """
    order = np.argsort(target)
    grid = np.linspace((target - 8 * error).min(), (target + 8 * error).max(), _STEPS)
    below = np.ones_like(grid)
    for place in order:
        density = stats.norm.pdf(grid, target[place], error[place])
        below = integrate.cumulative_trapezoid(density * below, grid, initial=0)
    return float(below[-1])


def _chance(p: float) -> str:
    return f"by chance once in {1 / p:,.0f} runs" if p > 1e-6 else "by chance less than once in a million runs"  # noqa: PLR2004 - a million
