"""One question put to every predictor: ranks, intervals, rivals and costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from sts_eval.analysis.aligned_runs import Column, Floats, Matrix, Measured
from sts_eval.analysis.correlations import ByDomainAndSet, Estimate, Pooled, SideBySide, ends
from sts_eval.analysis.history import history_columns
from sts_eval.records.comparison import Difference, Measure, Question, Row, SignFigures, Standing, Table
from sts_eval.statistics import noise_ceiling, shared_ranks, sign_quality, williams_t
from sts_eval.statistics.interaction import SetByDomainTable

ZERO_GROUPS = ("history", "gradient", "probe")
ZERO_NAMES = ("icl_nll_gap", "icl_logprob_gap", "icl_accuracy_gap")
"""Scores that foretell a change, so that their 0 means none. Only these have signs to be right or wrong about."""


@dataclass(frozen=True, slots=True)
class Dials:
    """What a comparison can be asked.

    Attributes:
        reference: The predictor that others are compared with.
        n_resamples: Of every bootstrap and permutation.
        seed: Of the same.
        level: Coverage of every interval.
    """

    reference: str
    n_resamples: int
    seed: int
    level: float = 0.95


def question_table(question: Question, measure: Measure, matrix: Matrix, dials: Dials) -> Table | None:
    """Put one question to every predictor.

    Args:
        question: Which.
        measure: By which measure of what happened.
        matrix: The runs.
        dials: The reference, and how to resample.

    Returns:
        The table; None where no model has the 3 training sets that a question of set by domain needs.
    """
    measured = matrix.measures[measure]
    outcome = outcome_of(question, measured)
    columns = matrix.columns | history_columns(matrix, outcome, question)
    scores = {name: column.scores for name, column in columns.items()}
    figures: SideBySide
    if question in ("how_much", "which_way"):
        figures = Pooled(scores, outcome, dials.n_resamples, dials.seed)
        ceiling = _mean_ceiling(question, measured)
        n_runs, n_points = outcome.shape[0], outcome.size
    else:
        left = np.where(matrix.home, np.nan, outcome) if question == "which_set_away" else outcome
        by_set = SetByDomainTable(left, matrix.model_of, dials.level, dials.n_resamples, dials.seed)
        itself = by_set.correlate({"outcome": left})["outcome"]
        if not itself.n_rows:
            return None
        figures = ByDomainAndSet(scores, by_set)
        ceiling, n_runs, n_points = by_set.ceiling(measured.se), itself.n_rows, itself.n_points

    estimates = {name: figures.estimate(name) for name in columns}
    order = sorted(columns, key=lambda name: _falling(estimates[name].r))
    standing = {name: standing_of(columns[name]) for name in columns}
    ranked = [name for name in order if standing[name] == "ranked"]
    ranks = _ranks([name for name in ranked if estimates[name].r is not None], figures)
    past = [name for name in order if standing[name] == "history"]
    family = figures.family_p(ranked) | figures.family_p(past)
    history = _best(past, estimates)
    rows = []
    for kind in ("ranked", "history", "oracle"):
        for name in (one for one in order if standing[one] == kind):
            column, estimate = columns[name], estimates[name]
            rivals = {
                rival: _difference(name, rival, figures, scores, outcome, question)
                for rival in (dials.reference, history)
                if rival not in (None, name)
            }
            rows.append(
                Row(
                    name=name,
                    group=column.group,
                    flags=column.flags,
                    summary=column.summary,
                    standing=standing[name],
                    rank=ranks.get(name),
                    r=estimate.r,
                    hksj=estimate.hksj,
                    bootstrap=estimate.bootstrap,
                    spearman=estimate.spearman,
                    p_permutation=family.get(name),
                    n_runs=estimate.n_runs,
                    n_points=estimate.n_points,
                    from_reference=rivals.get(dials.reference),
                    from_history=rivals.get(history) if history else None,
                    sign=_sign(column, measured, dials) if question == "which_way" else None,
                    cost=column.cost,
                    undefined=estimate.reason,
                )
            )
    return Table(
        question=question,
        measure=measure,
        n_runs=n_runs,
        n_points=n_points,
        ceiling=ceiling,
        between_seeds=_between_seeds(measured) if question == "which_way" else None,
        best_history=history,
        rows=tuple(rows),
        notes=tuple(_notes(question, matrix, rows)),
    )


def outcome_of(question: Question, measured: Measured) -> Floats:
    """What happened, as a question takes it, shape (n_runs, n_domains)."""
    return measured.magnitude if question == "how_much" else measured.change


def _falling(r: float | None) -> float:
    return np.inf if r is None else -r


def standing_of(column: Column) -> Standing:
    """Whether a predictor competes, is to be beaten, or has seen the tuned model."""
    if "O" in column.flags:
        return "oracle"
    return "history" if column.group in ("history", "null") else "ranked"


def _best(names: list[str], estimates: Mapping[str, Estimate]) -> str | None:
    """The history with the highest r, of those that most runs have. Choosing it favours history, not predictors."""
    known = [name for name in names if estimates[name].r is not None]
    if not known:
        return None
    most = max(estimates[name].n_runs for name in known)
    return next(name for name in known if estimates[name].n_runs == most)


def _ranks(names: list[str], figures: SideBySide) -> dict[str, int]:
    return shared_ranks(names, lambda leader, other: figures.difference(leader, other).p_value)


def _difference(
    name: str, rival: str, figures: SideBySide, scores: Mapping[str, Floats], outcome: Floats, question: Question
) -> Difference:
    found = figures.difference(name, rival)
    alone = len(outcome) == 1 and question in ("how_much", "which_way")
    return Difference(
        rival=rival,
        difference=found.difference,
        interval=ends(found.interval),
        p=found.p_value,
        p_williams=_williams(scores[name][0], scores[rival][0], outcome[0]) if alone else None,
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


def _sign(column: Column, measured: Measured, dials: Dials) -> SignFigures:
    found = sign_quality(
        column.scores,
        measured.change,
        measured.se,
        zero=column.group in ZERO_GROUPS or column.name in ZERO_NAMES,
        n_resamples=dials.n_resamples,
        seed=dials.seed,
    )
    return SignFigures(
        auroc=found.auroc, interval=ends(found.interval), mcc=found.mcc, n_up=found.n_up, n_down=found.n_down
    )


def _mean_ceiling(question: Question, measured: Measured) -> float | None:
    ceilings = [noise_ceiling(change, se) for change, se in zip(measured.change, measured.se, strict=True)]
    found = [one.magnitude if question == "how_much" else one.signed for one in ceilings]
    known = [one for one in found if one is not None]
    return fmean(known) if known else None


def _between_seeds(measured: Measured) -> float | None:
    """Mean r between the changes of two seeds of a run, over all pairs of all runs."""
    pairs = []
    for seeds in (one for one in measured.by_seed if one is not None and len(one) > 1):
        varying = seeds[np.ptp(seeds, axis=1) > 0]
        if len(varying) > 1:
            r = np.corrcoef(varying)
            pairs.append(float(r[np.triu_indices(len(varying), 1)].mean()))
    return fmean(pairs) if pairs else None


def _notes(question: Question, matrix: Matrix, rows: list[Row]) -> list[str]:
    notes = []
    if question == "how_much":
        notes.append("Similarity predictors were made for the direction of a change, not for its size.")
    if any(row.name in ("history_sets", "history_all") for row in rows):
        notes.append(
            "history_sets and history_all share the untuned model's answers with what they foretell, "
            "which favours them a little."
        )
    if question in ("which_set", "which_set_away"):
        notes.append(
            "Of the history columns only history_same_set can take part: a mean over the other sets of a model "
            "holds the answer once the domain's mean is removed."
        )
    if question == "which_set_away":
        notes.append(f"{int(matrix.home.sum())} cells of domains that a set is about are left out.")
    return notes
