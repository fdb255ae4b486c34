"""One question put to every predictor: correlations, ranks, differences and costs."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Literal, NamedTuple

import numpy as np

from sts_eval.analysis.aligned_runs import HOME, AlignedRuns, AlignedScores, Changes, Floats
from sts_eval.analysis.correlations import BesideOtherSets, DomainBySet, Estimate, WithinRuns, ends
from sts_eval.analysis.history import LOW_RANK, history_predictors
from sts_eval.analysis.tuned_sts import tuned_predictors
from sts_eval.records.comparison import (
    AWAY,
    SET_BY_DOMAIN,
    SIZE,
    Difference,
    Measure,
    OtherSets,
    PairsRight,
    Question,
    Row,
    SignFigures,
    SingleRun,
    Standing,
    Table,
)
from sts_eval.statistics import (
    conclusion,
    correlate,
    extremes_r,
    shared_ranks,
    sign_quality,
    verdict,
    williams_t,
)
from sts_eval.statistics.ceiling import Ceiling, agreement, ceiling_within_runs
from sts_eval.statistics.interaction import SetByDomainTable
from sts_eval.statistics.placebo import decisions
from sts_eval.statistics.within_runs import average

ZERO_GROUPS = ("history", "gradient", "probe")
ZERO_NAMES = ("icl_nll_gap", "icl_logprob_gap", "icl_accuracy_gap")
"""Scores that predict the change itself, so that 0 means none. Only these have signs to be right or wrong about."""

BASELINE = "tfidf_cosine"  # what a predictor has to beat to be worth more than a look at the texts
EXTREMES = 4  # domains from each end of the sizes of change, as in the paper
STANDINGS: tuple[Standing, ...] = ("ranked", "history", "oracle")  # in the order of a table's rows


class ComparisonSettings(NamedTuple):
    """What a comparison can be asked."""

    reference: str  # the predictor that others are compared with
    n_resamples: int  # of every bootstrap and permutation
    seed: int
    single: bool  # whether a single run gets the figures that only one run has
    level: float = 0.95  # coverage of every interval


def question_table(
    question: Question,
    measure: Measure,
    runs: AlignedRuns,
    settings: ComparisonSettings,
    beside: dict[tuple[Measure, bool], BesideOtherSets] | None = None,
) -> Table | None:
    """Put one question to every predictor; None where it needs 3 training sets of a model and no model has them.

    `beside` keeps, by measure and whether home domains are left out, what signed changes say of other sets: questions
    about direction and about sets share it.
    """
    changes = runs.measures[measure]
    outcome = outcome_of(question, changes)
    predictors = runs.predictors | tuned_predictors(runs, outcome) | history_predictors(runs, outcome, question)
    if question in AWAY:  # where all that is left is no home domain
        predictors = {name: one for name, one in predictors.items() if one.group != HOME}
    scores = {name: one.scores for name, one in predictors.items()}
    judged = judged_outcome(question, runs, measure)
    asked = _correlate(question, measure, runs, judged, scores, settings)
    if asked is None:
        return None
    correlations = asked.correlations
    estimates = {name: correlations.estimate(name) for name in predictors}
    others = BesideOtherSets(scores, judged, runs.units, settings.n_resamples, settings.seed)
    if question not in SIZE and beside is not None:
        others = beside.setdefault((measure, question in AWAY), others)
    ranked_by: Literal["r", "other_sets"] = "other_sets" if question in SET_BY_DOMAIN else "r"
    place = {
        name: others.of(name).difference if ranked_by == "other_sets" else estimates[name].r for name in predictors
    }
    falling = sorted(predictors, key=lambda name: (place[name] is None, -(place[name] or 0.0)))
    by_standing = {
        standing: [name for name in falling if standing_of(predictors[name]) == standing] for standing in STANDINGS
    }
    defined = [name for name in by_standing["ranked"] if place[name] is not None]
    if ranked_by == "other_sets":
        ranks = shared_ranks(defined, others.p_value)
    else:
        ranks = shared_ranks(defined, lambda leader, other: correlations.difference(leader, other).p_value)
    family = correlations.family_p(by_standing["ranked"]) | correlations.family_p(by_standing["history"])
    history = _best(by_standing["history"], estimates)
    baseline = BASELINE if BASELINE in predictors else None
    alone = len(runs.outcomes) == 1 and question not in SET_BY_DOMAIN
    rows = []
    for standing, names in by_standing.items():
        for name in names:
            one = predictors[name]
            differences = {
                other: _difference(name, other, correlations, scores, judged[0] if alone else None)
                for other in (settings.reference, history, baseline)
                if other not in (None, name)
            }
            single = None
            if alone and settings.single:
                delta = changes.change[0] if question == "how_much" else None
                single = _single_run(one.scores[0], judged[0], runs.domains, asked.ceiling.r, delta)
            row = Row(
                name=name,
                group=one.group,
                flags=one.flags,
                summary=one.summary,
                standing=standing,
                rank=ranks.get(name),
                p_permutation=family.get(name),
                from_reference=differences.get(settings.reference),
                from_history=differences.get(history) if history else None,
                from_baseline=differences.get(BASELINE),
                sign=_sign(one, changes, runs, settings) if question == "which_way" else None,
                cost=one.cost,
                other_sets=_other_sets(others, name) if question != "how_much_debiased" else None,
                pairs_right=_pairs_right(one.scores, judged, runs, settings) if question in SET_BY_DOMAIN else None,
                extremes=_extremes(one.scores, changes.change) if question == "how_much" else None,
                single=single,
                **estimates[name]._asdict(),
            )
            rows.append(row)
    return Table(
        question=question,
        measure=measure,
        n_runs=asked.n_runs,
        n_points=asked.n_points,
        ceiling=asked.ceiling.r,
        ceiling_interval=ends(asked.ceiling.interval),
        agreement=asked.agreement,
        ranked_by=ranked_by,
        between_seeds=_between_seeds(changes) if question == "which_way" else None,
        best_history=history,
        rows=tuple(rows),
        notes=tuple(_notes(question, runs, rows)),
    )


class _Correlated(NamedTuple):
    """Every predictor against one outcome, and how much there is to correlate."""

    correlations: WithinRuns | DomainBySet
    ceiling: Ceiling
    agreement: float | None
    n_runs: int
    n_points: int


def _correlate(
    question: Question,
    measure: Measure,
    runs: AlignedRuns,
    judged: Floats,
    scores: Mapping[str, Floats],
    settings: ComparisonSettings,
) -> _Correlated | None:
    """The correlations that answer a question; None where no model has 3 training sets and these are asked about."""
    changes = runs.measures[measure]
    # An error that could not be estimated is recorded as 0.
    unknown = Ceiling() if measure != "accuracy" and not changes.se.all() else None
    if question not in SET_BY_DOMAIN:
        within = WithinRuns(scores, judged, runs.units, settings.n_resamples, settings.seed)
        ceiling = unknown or _ceiling(question, changes, judged, runs, settings)
        common = agreement(judged - np.nanmean(judged, axis=1, keepdims=True), runs.units)
        return _Correlated(within, ceiling, common, judged.shape[0], int(np.isfinite(judged).sum()))
    table = SetByDomainTable(judged, runs.units, settings.level, settings.n_resamples, settings.seed)
    itself = table.correlate({"outcome": judged})["outcome"]
    if not itself.n_rows:
        return None
    ceiling = unknown or table.ceiling(changes.own_variance)
    return _Correlated(DomainBySet(scores, table), ceiling, table.agreement(), itself.n_rows, itself.n_points)


def outcome_of(question: Question, changes: Changes) -> Floats:
    """What tuning changed, as a question takes it, shape (n_runs, n_domains)."""
    if question in SIZE:
        return changes.magnitude if question == "how_much" else changes.noise_taken_off
    return changes.change


def judged_outcome(question: Question, runs: AlignedRuns, measure: Measure) -> Floats:
    """The outcome that predictors are judged on, shape (n_runs, n_domains): NaN in home domains where left out."""
    outcome = outcome_of(question, runs.measures[measure])
    return np.where(runs.home, np.nan, outcome) if question in AWAY else outcome


def standing_of(one: AlignedScores) -> Standing:
    """Whether a predictor competes, is a baseline, or has seen the tuned model."""
    if "O" in one.flags:
        return "oracle"
    return "history" if one.group in ("history", "null") else "ranked"


def _best(names: list[str], estimates: Mapping[str, Estimate]) -> str | None:
    """The history with the highest r, of those that most runs have. Choosing it favours history, not predictors.

    `history_low_rank`, whose layout was chosen by looking at the lab's runs, does not take part.
    """
    known = [name for name in names if name != LOW_RANK and estimates[name].r is not None]
    most = max((estimates[name].n_runs for name in known), default=None)
    return next((name for name in known if estimates[name].n_runs == most), None)


def _difference(
    name: str, other: str, correlations: WithinRuns | DomainBySet, scores: Mapping[str, Floats], alone: Floats | None
) -> Difference:
    """One predictor's r minus another's; with Williams' t where `alone` is the outcome of a single run."""
    found = correlations.difference(name, other)
    return Difference(
        rival=other,
        difference=found.difference,
        interval=ends(found.interval),
        p=found.p_value,
        p_williams=None if alone is None else _williams(scores[name][0], scores[other][0], alone),
    )


def _single_run(
    scores: Floats, outcome: Floats, domains: Sequence[str], ceiling: float | None, delta: Floats | None
) -> SingleRun:
    """What only a single run has. Arrays have the shape (n_domains,); `delta` is for the paper's 4+4 domains."""
    scored = np.isfinite(scores)
    names = [name for name, one in zip(domains, scored, strict=True) if one]
    correlation = correlate(scores[scored], outcome[scored])
    without_one = correlation.leave_one_out
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
        extremes=None if delta is None else extremes_r(scores[scored], delta[scored]),
        conclusion=conclusion(correlation),
        verdict=verdict(correlation, domains=names, ceiling=ceiling),
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


def _sign(one: AlignedScores, changes: Changes, runs: AlignedRuns, settings: ComparisonSettings) -> SignFigures:
    found = sign_quality(
        one.scores,
        changes.change,
        changes.se,
        zero=one.group in ZERO_GROUPS or one.name in ZERO_NAMES,
        units=runs.units,
        n_resamples=settings.n_resamples,
        seed=settings.seed,
    )
    return SignFigures(
        auroc=found.auroc, interval=ends(found.interval), mcc=found.mcc, n_up=found.n_up, n_down=found.n_down
    )


def _other_sets(beside: BesideOtherSets, name: str) -> OtherSets | None:
    found = beside.of(name)
    if found.difference is None:
        return None
    return OtherSets(own=found.own, other=found.other, difference=found.difference, interval=ends(found.interval))


def _pairs_right(scores: Floats, judged: Floats, runs: AlignedRuns, settings: ComparisonSettings) -> PairsRight:
    found = decisions(scores, judged, runs.units, n_resamples=settings.n_resamples, seed=settings.seed)
    return PairsRight(share=found.share, interval=ends(found.interval), n_pairs=found.n_pairs)


def _extremes(scores: Floats, changes: Floats) -> float | None:
    """Mean r over the paper's 4+4 domains of every run, averaged as r is."""
    found = [
        extremes_r(score[known], change[known])
        for score, change, known in zip(scores, changes, np.isfinite(scores), strict=True)
    ]
    r = np.array([[np.nan if one is None else one for one in found]])
    return None if np.isnan(r).all() else float(average(r, np.full(r.shape, 2.0 * EXTREMES))[0])


def _ceiling(
    question: Question, changes: Changes, judged: Floats, runs: AlignedRuns, settings: ComparisonSettings
) -> Ceiling:
    """The pooled r of a perfect predictor."""
    return ceiling_within_runs(
        np.where(np.isnan(judged), np.nan, changes.change),
        changes.se,
        np.abs if question in SIZE else np.asarray,
        units=runs.units,
        n_resamples=settings.n_resamples,
        seed=settings.seed,
    )


def _between_seeds(changes: Changes) -> float | None:
    """Mean r between the changes of two seeds of a run, over all pairs of all runs."""
    pairs = []
    for seeds in (one for one in changes.by_seed if one is not None and len(one) > 1):
        varying = seeds[np.ptp(seeds, axis=1) > 0]
        if len(varying) > 1:
            r = np.corrcoef(varying)
            pairs.append(float(r[np.triu_indices(len(varying), 1)].mean()))
    return fmean(pairs) if pairs else None


def _notes(question: Question, runs: AlignedRuns, rows: list[Row]) -> list[str]:
    notes = []
    if question in SIZE:
        notes.append("Similarity predictors are made for the direction of a change, not for its size.")
    if question == "how_much":
        notes.append("|Δ| contains noise: where nothing changed it is .8 standard errors. 4+4 is of the same outcome.")
    if question == "how_much_debiased":
        notes.append("Δ² - SE² is unbiased; its signed root, which is correlated here, is not.")
    histories = {row.name for row in rows}
    if sharing := [name for name in ("history_sets", "history_all", LOW_RANK) if name in histories]:
        notes.append(
            f"{', '.join(sharing)}: the untuned model's answers are shared with the change that is predicted, which "
            "favours them a little."
        )
    if LOW_RANK in histories:
        notes.append(
            f"{LOW_RANK}: its layout was chosen after the 18 runs of the lab matrix had been seen, so it is never "
            "taken for the best history."
        )
    if question in SET_BY_DOMAIN:
        notes.append(
            "Of the histories only history_same_set can take part: a mean over the other sets of a model holds the "
            "answer once the domain's mean is removed."
        )
    if question in AWAY:
        notes.append(
            f"The changes of home domains ({int(runs.home.sum())} points) are left out: the domains that the training "
            "set is made for."
        )
    return notes
