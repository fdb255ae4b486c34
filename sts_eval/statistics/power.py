"""How many runs tell two predictors apart? Components of variance, and comparisons simulated from them.

Within a run, the change of domain d in model m tuned on set s is taken as

    Δ_msd = common_d + by_model_md + by_set_sd + rest_msd + error_msd

with independent normal parts. Covariances between runs over domains give their variances, whatever cells are missing
(Henderson 1953; the mean over pairs of runs that share nothing is that of `common`, and so on); those below 0 are 0.
The error's variance follows from the standard errors. It is taken to fall as 1/(questions), though the part of it that
tuning seeds bring does not.

A predictor is the truth plus an error with such parts of its own: TF-IDF says the same for every model, so its error
is all `common` and `by_set`. Two predictors have errors that correlate. What is simulated is compared as a comparison
compares two predictors, by the paired bootstrap of models, sets and domains.
"""

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from sts_eval.statistics.dependent import PairedDifference, paired_difference
from sts_eval.statistics.interaction import SetByDomainTable
from sts_eval.statistics.resampling import Units
from sts_eval.statistics.result import Floats
from sts_eval.statistics.within_runs import matrices, standardised


@dataclass(frozen=True, slots=True)
class Components:
    """Variances of the parts of a run's figures, within the run, at least 0 each."""

    common: float  # of each domain, in all runs
    by_model: float  # of model × domain
    by_set: float  # of set × domain, in all models
    rest: float  # of model × set × domain

    def __post_init__(self) -> None:
        parts = (self.common, self.by_model, self.by_set, self.rest)
        if min(parts) < 0 or not math.isfinite(sum(parts)):
            raise ValueError(f"variances are finite and at least 0, not {parts}")

    @property
    def total(self) -> float:
        """Variance within a run."""
        return self.common + self.by_model + self.by_set + self.rest

    def scaled(self, factor: float) -> "Components":
        """All parts times the factor."""
        return Components(self.common * factor, self.by_model * factor, self.by_set * factor, self.rest * factor)

    @property
    def about_sets(self) -> "Components":
        """What the means of each domain over a model's sets leave: `by_set` and `rest`."""
        return replace(self, common=0.0, by_model=0.0)


@dataclass(frozen=True, slots=True)
class Noise:
    """What decides how well two predictors can be told apart."""

    change: Components  # of the true changes, in squared points or nats
    error: float  # variance of the error of a change that is measured by one question, what runs share left out
    shared: float  # the same, of the part that all runs of a model share
    questions: float  # a domain, in the matrix that this comes from
    score: Components  # of a predictor's error, summing up to 1
    alike: float  # correlation of two predictors' errors

    def __post_init__(self) -> None:
        if min(self.error, self.shared) < 0 or self.questions < 1 or not -1 < self.alike < 1:
            raise ValueError("errors are at least 0, questions at least 1, the correlation of errors inside (-1, 1)")
        if not math.isclose(self.score.total, 1, abs_tol=1e-6):
            raise ValueError(f"the parts of a predictor's error sum up to 1, not {self.score.total}")

    @property
    def about_sets(self) -> "Noise":
        """Of what is left of set × domain."""
        score = self.score.about_sets
        score = score.scaled(1 / score.total) if score.total else replace(score, rest=1.0)
        return replace(self, change=self.change.about_sets, score=score, shared=0.0)

    def ceiling(self, questions: float) -> float:
        """Highest r with changes measured by so many questions a domain, that of the truth; 0 where nothing changes."""
        total = self.change.total + (self.error + self.shared) / questions
        return math.sqrt(self.change.total / total) if total else 0.0


class Design(NamedTuple):
    """The size of a matrix in which every model is tuned on every set."""

    models: int
    sets: int
    domains: int
    questions: int  # a domain

    @property
    def runs(self) -> int:
        """Models times sets."""
        return self.models * self.sets

    @property
    def units(self) -> Units:
        """Models outermost."""
        return Units.of(np.repeat(np.arange(self.models), self.sets), np.tile(np.arange(self.sets), self.models))


class Power(NamedTuple):
    """How often the better one of two predictors is found."""

    share: float  # of simulated matrices in which the interval of the difference lies on the right side of 0
    by_spread: float  # the same if the spread of the difference were known: Φ(mean/sd - z)
    difference: float  # mean difference of the two r
    spread: float  # its standard deviation over simulated matrices


def components(rows: ArrayLike, units: Units, *, error: float = 0.0, shared: float = 0.0) -> Components:
    """Variances of the parts of rows, shape (n_runs, n_domains), NaN where missing.

    Rows are taken less their means over what they have, n_i and n_j of it, n_c in common; sums of their products are
    n_c (1 - 1/n_i - 1/n_j + n_c/(n_i n_j)) covariances in the mean, n - 1 where nothing is missing.

    `error` is the mean squared error of a figure less what runs of a model share, `shared` that part; both are taken
    off. Where runs cannot tell parts apart, the later one is put into the earlier: with one model, `by_model` is in
    `common` and `rest` in `by_set`; where no set was used in two models, `rest` is in `by_set`.

    Raises:
        ValueError: If no two runs are on different sets, or no two domains are there.
    """
    (values,) = matrices(rows)
    used = np.asarray(np.isfinite(values).sum(axis=1) > 1)
    values, units = values[used], units.at(used)
    if len(set(units.sets)) < 2:  # noqa: PLR2004 - something to compare
        raise ValueError("components need two training sets and two domains")
    present = np.isfinite(values).astype(np.float64)
    left = np.where(np.isfinite(values), values - np.nanmean(values, axis=1, keepdims=True), 0.0)
    common_to, n = present @ present.T, present.sum(axis=1)
    degrees = common_to * (1 - 1 / n[:, None] - 1 / n + common_to / np.outer(n, n))
    covariance = np.divide(left @ left.T, degrees, out=np.full(degrees.shape, np.nan), where=degrees > 0)
    same_model, same_set = (np.equal.outer(labels, labels) for labels in map(np.array, units))

    def mean(of_model: bool, of_set: bool) -> float | None:
        pairs = (same_model == of_model) & (same_set == of_set) & np.isfinite(covariance)
        return float(covariance[pairs].mean()) if pairs.any() else None

    own = float(np.diag(covariance).mean())
    nothing, model, training_set = mean(False, False), mean(True, False), mean(False, True)
    model = None if model is None else model - shared
    common = nothing if nothing is not None else model
    if common is None:
        raise ValueError("components need two training sets and two domains")
    by_model = max(model - common, 0.0) if model is not None else 0.0
    left_over = own - error - shared - max(common, 0.0) - by_model
    by_set = left_over if training_set is None else training_set - common
    by_set = max(by_set, 0.0)
    return Components(max(common, 0.0), by_model, by_set, max(left_over - by_set, 0.0))


def errors_of(x: ArrayLike, y: ArrayLike) -> Floats:
    """What changes y leave of scores x by a line of one slope, both standardised within runs; NaN where missing."""
    scores, changes = (standardised(values) for values in matrices(x, y))
    both = np.isfinite(scores + changes)
    slope = (scores[both] @ changes[both]) / (changes[both] @ changes[both])
    return standardised(scores - slope * changes)


def simulated(
    noise: Noise, design: Design, r: tuple[float, float], rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """Scores of two predictors and measured changes, shape (n_runs, n_domains) each, models outermost.

    r are theirs with changes that are measured by as many questions as in the matrix that the noise comes from.

    Raises:
        ValueError: If an r is not below the ceiling there.
    """
    truth = _drawn(noise.change, design, rng)
    on_all = np.repeat(rng.normal(size=(design.models, 1, design.domains)), design.sets, axis=1).reshape(truth.shape)
    shared, own = (math.sqrt(variance / design.questions) for variance in (noise.shared, noise.error))
    measured = truth + shared * on_all + own * rng.normal(size=truth.shape)
    first, other = _drawn(noise.score, design, rng), _drawn(noise.score, design, rng)
    errors = first, noise.alike * first + math.sqrt(1 - noise.alike**2) * other
    ceiling = noise.ceiling(noise.questions)
    if max(map(abs, r)) >= ceiling:
        raise ValueError(f"no predictor has r = {max(r, key=abs)} where the ceiling is {ceiling:.2f}")
    x, z = (
        one / ceiling * truth / math.sqrt(noise.change.total) + math.sqrt(1 - (one / ceiling) ** 2) * error
        for one, error in zip(r, errors, strict=True)
    )
    return x, z, measured


def power(
    noise: Noise,
    design: Design,
    r: tuple[float, float],
    *,
    about_sets: bool = False,
    level: float = 0.95,
    n_simulations: int = 200,
    n_resamples: int = 200,
    seed: int = 0,
) -> Power:
    """How often a comparison of this design finds the predictor of larger r, by the interval that comparisons have.

    `noise` is that of the question: where sets are compared (`about_sets`), `Noise.about_sets`.

    Raises:
        ValueError: If an r is not below the ceiling.
    """
    rng = np.random.default_rng(seed)
    low, high = sorted(r)
    found = []
    for _ in range(n_simulations):
        x, z, y = simulated(noise, design, (high, low), rng)
        found.append(_compared(x, z, y, design, about_sets, level, n_resamples))
    differences = np.array([np.nan if one.difference is None else one.difference for one in found])
    told = [one.interval is not None and one.interval.low > 0 for one in found]
    mean, spread = float(np.nanmean(differences)), float(np.nanstd(differences, ddof=1))
    known = float(stats.norm.cdf(mean / spread - stats.norm.ppf((1 + level) / 2))) if spread else float("nan")
    return Power(float(np.mean(told)), known, mean, spread)


def _compared(
    x: Floats, z: Floats, y: Floats, design: Design, about_sets: bool, level: float, n_resamples: int
) -> PairedDifference:
    if about_sets:
        return SetByDomainTable(y, design.units, level, n_resamples).difference(x, z)
    return paired_difference(x, z, y, units=design.units, level=level, n_resamples=n_resamples)


def _drawn(parts: Components, design: Design, rng: np.random.Generator) -> Floats:
    """The sum of the parts, shape (n_runs, n_domains), models outermost."""
    models, sets, domains, _ = design
    shapes = (1, 1), (models, 1), (1, sets), (models, sets)
    variances = parts.common, parts.by_model, parts.by_set, parts.rest
    total = np.zeros((models, sets, domains))
    for (of_models, of_sets), variance in zip(shapes, variances, strict=True):
        total += math.sqrt(variance) * rng.normal(size=(of_models, of_sets, domains))
    return total.reshape(models * sets, domains)
