"""Every predictor against one outcome, and their differences: the figures behind one table.

Two kinds of correlation answer the same three requests: one predictor's estimate, the difference of two predictors'
r, and the p of each |r| as one of many. `WithinRuns` correlates within each run and combines the runs.
`DomainBySet` takes each domain's and each run's mean away first and correlates what is left.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sts_eval.analysis.aligned_runs import Floats
from sts_eval.records.comparison import Ends
from sts_eval.statistics import Interval, PairedDifference, max_r_permutation, paired_difference, pool_correlations
from sts_eval.statistics.interaction import SetByDomainTable, subtract


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
    n_resamples: int  # of every bootstrap and permutation
    seed: int
    _differences: dict[tuple[str, str], PairedDifference] = field(default_factory=dict)

    def estimate(self, name: str) -> Estimate:
        """Random effects with their HKSJ interval, and the two-way bootstrap."""
        pooled = pool_correlations(self.scores[name], self.outcome, n_resamples=self.n_resamples, seed=self.seed)
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
        """By a bootstrap in which both see the same runs and domains."""
        if (first, second) not in self._differences:
            self._differences[first, second] = paired_difference(
                self.scores[first], self.scores[second], self.outcome, n_resamples=self.n_resamples, seed=self.seed
            )
        return self._differences[first, second]

    def family_p(self, names: Sequence[str]) -> dict[str, float | None]:
        """By the max-|r| permutation."""
        if not names:
            return {}
        scores = {name: self.scores[name] for name in names}
        return max_r_permutation(scores, self.outcome, n_resamples=self.n_resamples, seed=self.seed)


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
