"""One question put to every predictor: correlations, ranks, differences and costs."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Literal, NamedTuple

import numpy as np

from sts_eval.analysis.aligned_runs import HOME, AlignedRuns, AlignedScores, Changes, Floats
from sts_eval.analysis.correlations import BesideOtherSets, DomainBySet, Estimate, WithinRuns, ends
from sts_eval.analysis.history import LOW_RANK, history_predictors
from sts_eval.analysis.judged import ComparisonSettings, judged_outcome, outcome_of, standing_of
from sts_eval.analysis.table_rows import TableRows
from sts_eval.analysis.tuned_sts import tuned_predictors
from sts_eval.records.comparison import AWAY, SET_BY_DOMAIN, SIZE, Measure, Question, Row, Standing, Table
from sts_eval.statistics import shared_ranks
from sts_eval.statistics.ceiling import Ceiling, agreement, ceiling_within_runs
from sts_eval.statistics.interaction import SetByDomainTable

STANDINGS: tuple[Standing, ...] = ("ranked", "history", "oracle")  # in the order of a table's rows


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
    others = BesideOtherSets(scores, judged, runs.units, settings.n_resamples, settings.seed)
    if question not in SIZE and beside is not None:
        others = beside.setdefault((measure, question in AWAY), others)
    order = _order(question, predictors, asked.correlations, others)
    best_history = _best(order.by_standing["history"], order.estimates)
    figures = TableRows(
        question=question,
        runs=runs,
        changes=changes,
        judged=judged,
        predictors=predictors,
        correlations=asked.correlations,
        others=others,
        ceiling=asked.ceiling.r,
        best_history=best_history,
        settings=settings,
    )
    family = {
        name: p
        for standing in ("ranked", "history")
        for name, p in asked.correlations.family_p(order.by_standing[standing]).items()
    }
    rows = tuple(
        figures.row(name, order.estimates[name], order.ranks.get(name), family.get(name))
        for names in order.by_standing.values()
        for name in names
    )
    return Table(
        question=question,
        measure=measure,
        n_runs=asked.n_runs,
        n_points=asked.n_points,
        ceiling=asked.ceiling.r,
        ceiling_interval=ends(asked.ceiling.interval),
        agreement=asked.agreement,
        ranked_by=order.ranked_by,
        between_seeds=_between_seeds(changes) if question == "which_way" else None,
        best_history=best_history,
        rows=rows,
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
        means = np.ma.masked_invalid(judged).mean(axis=1, keepdims=True).filled(np.nan)  # NaN for a run without changes
        common = agreement(judged - means, runs.units)
        return _Correlated(within, ceiling, common, judged.shape[0], int(np.isfinite(judged).sum()))
    table = SetByDomainTable(judged, runs.units, settings.level, settings.n_resamples, settings.seed)
    itself = table.correlate({"outcome": judged})["outcome"]
    if not itself.n_rows:
        return None
    ceiling = unknown or table.ceiling(changes.own_variance)
    return _Correlated(DomainBySet(scores, table), ceiling, table.agreement(), itself.n_rows, itself.n_points)


class _Order(NamedTuple):
    """In which order a table has its predictors."""

    ranked_by: Literal["r", "other_sets"]
    estimates: Mapping[str, Estimate]
    by_standing: Mapping[Standing, Sequence[str]]  # the names, best first
    ranks: Mapping[str, int]  # of those that compete; shared where two cannot be told apart


def _order(
    question: Question,
    predictors: Mapping[str, AlignedScores],
    correlations: WithinRuns | DomainBySet,
    others: BesideOtherSets,
) -> _Order:
    """By falling r; where sets are asked about, by how far it lies above that of the same predictor for other sets."""
    about_sets = question in SET_BY_DOMAIN
    estimates = {name: correlations.estimate(name) for name in predictors}
    place = {name: others.of(name).difference if about_sets else found.r for name, found in estimates.items()}
    falling = sorted(predictors, key=lambda name: (place[name] is None, -(place[name] or 0.0)))
    by_standing = {
        standing: [name for name in falling if standing_of(predictors[name]) == standing] for standing in STANDINGS
    }
    defined = [name for name in by_standing["ranked"] if place[name] is not None]

    def p_value(leader: str, other: str) -> float | None:
        return others.p_value(leader, other) if about_sets else correlations.difference(leader, other).p_value

    return _Order("other_sets" if about_sets else "r", estimates, by_standing, shared_ranks(defined, p_value))


def _best(names: Sequence[str], estimates: Mapping[str, Estimate]) -> str | None:
    """The history with the highest r, of those that most runs have. Choosing it favours history, not predictors.

    `history_low_rank`, whose layout was chosen by looking at the lab's runs, does not take part.
    """
    known = [name for name in names if name != LOW_RANK and estimates[name].r is not None]
    most = max((estimates[name].n_runs for name in known), default=None)
    return next((name for name in known if estimates[name].n_runs == most), None)


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


def _notes(question: Question, runs: AlignedRuns, rows: Sequence[Row]) -> list[str]:
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
