"""Every predictor against one outcome, and their differences: the figures behind one table.

Two kinds of correlation answer the same three requests: one predictor's estimate, the difference of two predictors'
r, and the p of each |r| as one of many. `WithinRuns` correlates within each run and combines the runs.
`DomainBySet` takes each domain's and each run's mean away first and correlates what is left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from sts_eval.analysis.aligned_runs import Floats
from sts_eval.records.comparison import Ends
from sts_eval.statistics import Interval, PairedDifference, max_r_permutation, paired_difference, pool_correlations
from sts_eval.statistics.dependent import difference_of_runs
from sts_eval.statistics.interaction import SetByDomainTable, subtract
from sts_eval.statistics.placebo import Placebo, PlaceboChanges
from sts_eval.statistics.resampling import ROUNDING, Resamples, Units, resamples, two_sided_p
from sts_eval.statistics.within_runs import ResampledChanges, fisher_z, jointly_present, matrices


class Estimate(NamedTuple):
    """One predictor's correlation over all runs, in the fields of a `Row`."""

    r: float | None
    hksj: Ends | None
    bootstrap: Ends | None
    spearman: float | None
    n_runs: int
    n_points: int
    undefined: str | None


@dataclass(frozen=True)
class WithinRuns:
    """Correlations within runs, combined."""

    scores: Mapping[str, Floats]  # by predictor, shape (n_runs, n_domains)
    outcome: Floats  # what tuning changed, same shape
    units: Units  # what runs share
    n_resamples: int  # of every bootstrap and permutation
    seed: int
    _differences: dict[tuple[str, str], PairedDifference] = field(default_factory=dict)
    _z: dict[str, tuple[Floats, Floats]] = field(default_factory=dict)

    def estimate(self, name: str) -> Estimate:
        """Random effects with their HKSJ interval, and the bootstrap of models, training sets and domains."""
        pooled = pool_correlations(
            self.scores[name], self.outcome, units=self.units, n_resamples=self.n_resamples, seed=self.seed
        )
        return Estimate(
            r=pooled.r,
            hksj=ends(pooled.interval),
            bootstrap=ends(pooled.bootstrap),
            spearman=pooled.spearman,
            n_runs=pooled.n_runs,
            n_points=pooled.n_points,
            undefined=pooled.reason("r") if pooled.r is None else None,
        )

    def difference(self, first: str, second: str) -> PairedDifference:
        """By a bootstrap in which both see the same models, training sets and domains."""
        if (first, second) not in self._differences:
            self._differences[first, second] = self._difference(first, second)
        return self._differences[first, second]

    def _difference(self, first: str, second: str) -> PairedDifference:
        scores = self.scores[first], self.scores[second]
        if (np.isfinite(scores[0]) != np.isfinite(scores[1])).any():
            settings = {"n_resamples": self.n_resamples, "seed": self.seed}
            return paired_difference(*scores, self.outcome, units=self.units, **settings)
        (z_first, n), (z_second, _) = (self._resampled(name) for name in (first, second))
        return difference_of_runs(z_first, z_second, n, self._drawn.runs)

    @cached_property
    def _drawn(self) -> Resamples:
        return resamples(self.units, self.outcome.shape[1], self.n_resamples, self.seed)

    @cached_property
    def _changes(self) -> ResampledChanges:
        domains = np.vstack([np.ones(self.outcome.shape[1]), self._drawn.domains])
        return ResampledChanges(self.outcome, domains)

    def _resampled(self, name: str) -> tuple[Floats, Floats]:
        """Fisher's z of every run and the points behind it, of the data and then in every resample."""
        if name not in self._z:
            r, n = self._changes.correlations(self.scores[name])
            self._z[name] = fisher_z(r), n
        return self._z[name]

    def family_p(self, names: Sequence[str]) -> dict[str, float | None]:
        """By the max-|r| permutation."""
        if not names:
            return {}
        scores = {name: self.scores[name] for name in names}
        return max_r_permutation(scores, self.outcome, n_resamples=self.n_resamples, seed=self.seed)


@dataclass(frozen=True)
class BesideOtherSets:
    """Correlations within runs beside those of the same predictor made for other sets of the model."""

    scores: Mapping[str, Floats]  # by predictor, shape (n_runs, n_domains)
    outcome: Floats  # what tuning changed, same shape
    units: Units
    n_resamples: int
    seed: int
    _found: dict[str, Placebo] = field(default_factory=dict)

    def of(self, name: str) -> Placebo:
        """One predictor's own r, its placebo's, and the difference."""
        if name not in self._found:
            self._found[name] = self._changes.placebo(self.scores[name])
        return self._found[name]

    def p_value(self, first: str, second: str) -> float | None:
        """Two-sided p of "both say as much about the set"; over the cells that both have."""
        scores = [self.scores[name] for name in (first, second)]
        found = [self.of(name) for name in (first, second)]
        if (np.isfinite(scores[0]) != np.isfinite(scores[1])).any():
            found = [self._changes.placebo(one) for one in jointly_present(*matrices(*scores))]
        if any(one.difference is None for one in found):
            return None
        resampled = found[0].resampled - found[1].resampled
        return two_sided_p(np.where(np.abs(resampled) < ROUNDING, 0.0, resampled))

    @cached_property
    def _changes(self) -> PlaceboChanges:
        return PlaceboChanges(self.outcome, self.units, n_resamples=self.n_resamples, seed=self.seed)


class DomainBySet:
    """Correlations of what is left of scores, shape (n_runs, n_domains), after each domain's and each run's mean."""

    def __init__(self, scores: Mapping[str, Floats], table: SetByDomainTable) -> None:
        self._scores, self._table = scores, table
        self._found = table.correlate(scores)

    def estimate(self, name: str) -> Estimate:
        """One r over all points; a run is no unit of its own once its neighbours' means are taken away."""
        found = self._found[name]
        return Estimate(
            r=found.r,
            hksj=None,
            bootstrap=ends(found.interval),
            spearman=found.spearman,
            n_runs=found.n_rows if found.r is not None else 0,
            n_points=found.n_points,
            undefined=found.reason if found.r is None else None,
        )

    def difference(self, first: str, second: str) -> PairedDifference:
        """From the resamples of both where they have the same cells, else over the cells that both have."""
        if self._table.same_cells(self._scores[first], self._scores[second]):
            return subtract(self._found[first], self._found[second], self._table.level)
        return self._table.difference(self._scores[first], self._scores[second])

    def family_p(self, names: Sequence[str]) -> dict[str, float | None]:
        """By the max-|r| permutation of what is left."""
        return self._table.family_p({name: self._scores[name] for name in names})


def ends(interval: Interval | None) -> Ends | None:
    """An interval as a record keeps it."""
    return (interval.low, interval.high) if interval else None
