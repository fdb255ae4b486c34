"""The figures of one predictor in one question's table."""

from dataclasses import dataclass

import numpy as np

from sts_eval.analysis.aligned_runs import AlignedRuns, AlignedScores, Changes, Floats
from sts_eval.analysis.correlations import BesideOtherSets, DomainBySet, Estimate, WithinRuns, ends
from sts_eval.analysis.judged import ComparisonSettings, standing_of
from sts_eval.records.comparison import (
    SET_BY_DOMAIN,
    Difference,
    OtherSets,
    PairsRight,
    Question,
    Row,
    SignFigures,
    SingleRun,
)
from sts_eval.statistics import conclusion, correlate, extremes_r, sign_quality, verdict, williams_t
from sts_eval.statistics.placebo import decisions
from sts_eval.statistics.within_runs import average

ZERO_GROUPS = ("history", "gradient", "probe")
ZERO_NAMES = ("icl_nll_gap", "icl_logprob_gap", "icl_accuracy_gap")
"""Scores that predict the change itself, so that 0 means none. Only these have signs to be right or wrong about."""

BASELINE = "tfidf_cosine"  # what a predictor has to beat to be worth more than a look at the texts
EXTREMES = 4  # domains from each end of the sizes of change, as in the paper


@dataclass(frozen=True)
class TableRows:
    """What all rows of one table are made from."""

    question: Question
    runs: AlignedRuns
    changes: Changes
    judged: Floats  # the outcome, shape (n_runs, n_domains)
    predictors: dict[str, AlignedScores]
    correlations: WithinRuns | DomainBySet
    others: BesideOtherSets
    ceiling: float | None  # r of a perfect predictor
    best_history: str | None
    settings: ComparisonSettings

    def row(self, name: str, estimate: Estimate, rank: int | None, p_permutation: float | None) -> Row:
        """One predictor's figures, given its correlation, its rank, and its p as one of many."""
        one, question = self.predictors[name], self.question
        reference, history = self.settings.reference, self.best_history
        differences: dict[str | None, Difference] = {
            other: self._difference(name, other)
            for other in (reference, history, BASELINE)
            if other in self.predictors and other != name  # a home domain, as the reference, is not in every table
        }
        return Row(
            name=name,
            group=one.group,
            flags=one.flags,
            summary=one.summary,
            standing=standing_of(one),
            rank=rank,
            p_permutation=p_permutation,
            from_reference=differences.get(reference),
            from_history=differences.get(history),
            from_baseline=differences.get(BASELINE),
            sign=self._sign(one) if question == "which_way" else None,
            cost=one.cost,
            other_sets=self._other_sets(name) if question != "how_much_debiased" else None,
            pairs_right=self._pairs_right(one.scores) if question in SET_BY_DOMAIN else None,
            extremes=_extremes(one.scores, self.changes.change) if question == "how_much" else None,
            single=self._single_run(one.scores[0]) if self._alone and self.settings.single else None,
            **estimate._asdict(),
        )

    @property
    def _alone(self) -> bool:
        """Whether the figures that only a single run has can be given."""
        return len(self.runs.outcomes) == 1 and self.question not in SET_BY_DOMAIN

    def _difference(self, name: str, other: str) -> Difference:
        """One predictor's r minus another's; with Williams' t in a single run."""
        found = self.correlations.difference(name, other)
        p_williams = None
        if self._alone:
            p_williams = _williams(self.predictors[name].scores[0], self.predictors[other].scores[0], self.judged[0])
        return Difference(
            rival=other,
            difference=found.difference,
            interval=ends(found.interval),
            p=found.p_value,
            p_williams=p_williams,
        )

    def _sign(self, one: AlignedScores) -> SignFigures:
        found = sign_quality(
            one.scores,
            self.changes.change,
            self.changes.se,
            zero=one.group in ZERO_GROUPS or one.name in ZERO_NAMES,
            units=self.runs.units,
            n_resamples=self.settings.n_resamples,
            seed=self.settings.seed,
        )
        return SignFigures(
            auroc=found.auroc, interval=ends(found.interval), mcc=found.mcc, n_up=found.n_up, n_down=found.n_down
        )

    def _other_sets(self, name: str) -> OtherSets | None:
        found = self.others.of(name)
        if found.difference is None:
            return None
        return OtherSets(own=found.own, other=found.other, difference=found.difference, interval=ends(found.interval))

    def _pairs_right(self, scores: Floats) -> PairsRight:
        n_resamples, seed = self.settings.n_resamples, self.settings.seed
        found = decisions(scores, self.judged, self.runs.units, n_resamples=n_resamples, seed=seed)
        return PairsRight(share=found.share, interval=ends(found.interval), n_pairs=found.n_pairs)

    def _single_run(self, scores: Floats) -> SingleRun:
        """What only a single run has, of scores with the shape (n_domains,)."""
        scored = np.isfinite(scores)
        names = [name for name, one in zip(self.runs.domains, scored, strict=True) if one]
        correlation = correlate(scores[scored], self.judged[0][scored])
        without_one = correlation.leave_one_out
        extremes = None
        if self.question == "how_much":
            extremes = extremes_r(scores[scored], self.changes.change[0][scored])
        return SingleRun(
            n=correlation.n,
            r=correlation.pearson,
            r2=correlation.r2,
            fisher=ends(correlation.fisher),
            bootstrap=ends(correlation.bootstrap),
            p_permutation=correlation.p_permutation,
            spearman=correlation.spearman,
            kendall=correlation.kendall,
            leave_one_out=(without_one.low, without_one.high) if without_one else None,
            extremes=extremes,
            conclusion=conclusion(correlation),
            verdict=verdict(correlation, domains=names, ceiling=self.ceiling),
        )


def _williams(x: Floats, z: Floats, y: Floats) -> float | None:
    """The p of Williams' t within one run, over the domains that both have."""
    points = np.array([x, z, y])
    points = points[:, np.isfinite(points).all(axis=0)]
    if not points.size or (np.ptp(points, axis=1) == 0).any():
        return None
    r = np.corrcoef(points)
    try:
        return williams_t(float(r[0, 2]), float(r[1, 2]), float(r[0, 1]), points.shape[1]).p_value
    except ValueError:  # too few domains, or the same score in another unit
        return None


def _extremes(scores: Floats, changes: Floats) -> float | None:
    """Mean r over the paper's 4+4 domains of every run, averaged as r is."""
    found = [
        extremes_r(score[known], change[known])
        for score, change, known in zip(scores, changes, np.isfinite(scores), strict=True)
    ]
    r = np.array([[np.nan if one is None else one for one in found]])
    return None if np.isnan(r).all() else float(average(r, np.full(r.shape, 2.0 * EXTREMES))[0])
