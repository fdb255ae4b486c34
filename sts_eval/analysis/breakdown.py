"""One predictor's correlation with what tuning changed: over all runs, and by model, training set and domain.

Within a run the correlation is over domains. A single domain has one point in each run, so its correlation is over
runs: whether the domain changes more in the runs where its score stands higher among the scores of its run. That is
another question than the ranking's, and a run's general level of change is not taken away from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sts_eval.analysis.aligned_runs import Floats
from sts_eval.analysis.correlations import ends
from sts_eval.records.comparison import SET_BY_DOMAIN, Ends, Question
from sts_eval.statistics import Interval, pool_correlations, standardised
from sts_eval.statistics.correlation import MIN_POINTS
from sts_eval.statistics.interaction import SetByDomainTable
from sts_eval.statistics.resampling import Units, percentile_interval, resamples
from sts_eval.statistics.within_runs import jointly_present, resampled_correlations

SEED = 0  # of every bootstrap, as `compare_runs` takes it by default
ABOUT_SETS = "it is asked of all training sets of a model together"


@dataclass(frozen=True)
class Scored:
    """One predictor's scores beside what tuning changed, as a question takes it; NaN where missing or left out."""

    question: Question
    scores: Floats  # shape (n_runs, n_domains)
    outcome: Floats  # same shape
    models: tuple[str, ...]  # of each run
    training_sets: tuple[str, ...]  # of each run
    domains: tuple[str, ...]

    @property
    def units(self) -> Units:
        """What runs share, for resamples, numbered as `align` does."""
        return Units(*(numbered(names) for names in (self.models, self.training_sets)))

    def at(self, rows: Sequence[int] | NDArray[np.intp]) -> "Scored":
        """Some of the runs, in the order of `rows`."""
        models, sets = (tuple(names[row] for row in rows) for names in (self.models, self.training_sets))
        place = np.asarray(rows, dtype=np.intp)
        return replace(self, scores=self.scores[place], outcome=self.outcome[place], models=models, training_sets=sets)


def numbered(names: Sequence[str]) -> tuple[int, ...]:
    """The number of each name, from 0 by first appearance."""
    places = {name: place for place, name in enumerate(dict.fromkeys(names))}
    return tuple(places[name] for name in names)


class Part(NamedTuple):
    """The correlation of a part of the runs."""

    name: str  # of the model, training set or domain
    r: float | None
    interval: Ends | None  # 95%, over what varies within the part of models, training sets and domains
    n_runs: int  # with a score and a change
    n_points: int
    undefined: str | None  # why there is no r


def overall(scored: Scored, *, n_resamples: int, name: str = "all runs") -> Part:
    """All runs, with the figures that `compare_runs` gives for them."""
    if scored.question in SET_BY_DOMAIN:
        table = SetByDomainTable(scored.outcome, scored.units, n_resamples=n_resamples, seed=SEED)
        found = table.correlate({name: scored.scores})[name]
        return Part(
            name, found.r, ends(found.interval), found.n_rows, found.n_points, found.reason if found.r is None else None
        )
    settings = {"units": scored.units, "n_resamples": n_resamples, "seed": SEED}
    pooled = pool_correlations(scored.scores, scored.outcome, **settings)  # type: ignore[arg-type]  # one dict of three kinds
    why = pooled.reason("r") if pooled.r is None else None
    return Part(name, pooled.r, ends(pooled.bootstrap), pooled.n_runs, pooled.n_points, why)


def by_model(scored: Scored, *, n_resamples: int) -> tuple[Part, ...]:
    """Each model's runs, by name. The interval is over its training sets and the domains."""
    return _by(scored, scored.models, n_resamples)


def by_training_set(scored: Scored, *, n_resamples: int) -> tuple[Part, ...]:
    """The runs on each training set, by name. The interval is over models and domains."""
    if scored.question in SET_BY_DOMAIN:
        return tuple(Part(name, None, None, 0, 0, ABOUT_SETS) for name in sorted(set(scored.training_sets)))
    return _by(scored, scored.training_sets, n_resamples)


def by_domain(scored: Scored, *, n_resamples: int) -> tuple[Part, ...]:
    """Each domain over runs, scores standardised within runs. The interval is over models and training sets."""
    if scored.question in SET_BY_DOMAIN:
        return tuple(Part(name, None, None, 0, 0, ABOUT_SETS) for name in scored.domains)
    x, y = (part.T for part in jointly_present(standardised(scored.scores), scored.outcome))
    n = np.isfinite(x).sum(axis=1)
    drawn = resamples(scored.units, len(scored.domains), n_resamples, SEED).runs
    r = resampled_correlations(x, y, np.ones((1, x.shape[1])))[0][0]
    resampled = resampled_correlations(x, y, drawn)[0]
    return tuple(map(partial(_domain, r, resampled, n), range(len(scored.domains)), scored.domains))


def _domain(r: Floats, resampled: Floats, n: NDArray[np.intp], place: int, name: str) -> Part:
    known = int(n[place])
    if known < MIN_POINTS:
        return Part(name, None, None, known, known, f"{known} runs; a correlation needs {MIN_POINTS}")
    if np.isnan(r[place]):
        return Part(name, None, None, known, known, "its score or its change is the same in all runs")
    interval = percentile_interval(resampled[:, place], 0.95)
    return Part(name, float(r[place]), ends(interval) if isinstance(interval, Interval) else None, known, known, None)


def _by(scored: Scored, labels: Sequence[str], n_resamples: int) -> tuple[Part, ...]:
    each = ((name, scored.at(np.flatnonzero(np.array(labels) == name))) for name in sorted(set(labels)))
    return tuple(overall(some, n_resamples=n_resamples, name=name) for name, some in each)
