"""A calibration: a line from scores to points, fitted to finished runs.

The half-widths are cross-conformal (Vovk 2015, "Cross-conformal predictors"; the residual form is that of Barber et
al. 2021, CV+): quantiles of the residuals of held-out groups, put around the line fitted to all runs. There are two
hold-outs, since a new run may be of a new model or on a new training set. At each level the larger half-width is taken,
so that the interval keeps its promise in either case. A run new in both ways has no hold-out of its own here.
"""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sts_eval.analysis.aligned_runs import HOME, AlignedRuns, Floats, align
from sts_eval.analysis.folds import Fit, Recipe, Scores, fit, hold_out
from sts_eval.errors import UserError
from sts_eval.predictors.predictor import Flag
from sts_eval.records.calibration import (
    Calibration,
    Equation,
    Held,
    HistoryKind,
    HistoryTerm,
    HoldOut,
    Level,
    Source,
    Term,
)
from sts_eval.records.outcome import Outcome
from sts_eval.records.record import now
from sts_eval.statistics import conformal_interval, coverage, skill, standardised

LEVELS = (0.8, 0.9)
FEWEST_GROUPS = 3
"""Models or training sets that a hold-out needs: one to leave out, and two so that the others have a history."""

ROUNDING = 1e-9  # slack as in `conformal_interval`, so that 0.9 / 0.1 is 9


def calibrate(
    outcomes: Sequence[Outcome], predictors: Sequence[str] = (), *, history: HistoryKind = "domain"
) -> Calibration:
    """Fit a line from scores to points, and measure its error on runs that it has not seen.

    Only domains that all outcomes have take part. Predictors that are given make one line together; without any, the
    single one of smallest held-out error is chosen from those that score every domain of every run before tuning.
    History is a feature too unless it is "none": the domain's mean change in other runs, or in other models' runs on
    the same set, which predicts a new model on a known set better and says nothing of a new set. With fewer than 3
    models and 3 training sets the calibration has no equation and says so.

    Raises:
        UserError: A predictor is not there in every run, reads the tuned model, or there is none to choose from.
    """
    runs = align(outcomes)
    recipe = Recipe(_candidates(runs, predictors), history)
    used = tuple(dict.fromkeys(name for names in recipe.candidates for name in names))
    changes = runs.measures["accuracy"].change
    scores = {name: standardised(runs.predictors[name].scores) for name in used}
    groups: dict[Held, NDArray[np.intp]] = {"model": runs.model_of, "training_set": runs.set_of}
    hold_outs = tuple(_hold_out(by, changes, scores, groups[by], runs.set_of, recipe) for by in groups)

    judged = [one for one in hold_outs if one.rmse is not None]
    harder = max(judged, key=lambda one: one.rmse or 0.0).by if judged else None
    equation = _equation(fit(changes, scores, groups[harder], runs.set_of, recipe), runs) if harder else None
    widths = [_wider(judged, level) for level in LEVELS]
    return Calibration(
        created=now(),
        equation=equation,
        with_history=history != "none",
        candidates=() if predictors else used,
        half_width_80=widths[0],
        half_width_90=widths[1],
        harder=harder,
        hold_outs=hold_outs,
        domains=runs.domains,
        n_runs=len(outcomes),
        n_models=len(runs.models),
        n_training_sets=len(runs.training_sets),
        n_points=changes.size,
        outcomes=tuple(
            Source(
                outcome_sha256=one.sha256(), **one.model_dump(include={"prediction_sha256", "model", "training_set"})
            )
            for one in outcomes
        ),
        too_little=_too_little(hold_outs, widths),
    )


def _candidates(runs: AlignedRuns, wanted: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Sets of predictors to choose from: the wanted ones together, or every usable one alone."""
    if not wanted:
        before_tuning = [
            name for name, one in runs.predictors.items() if Flag.ORACLE not in one.flags and one.group != HOME
        ]
        usable = [name for name in before_tuning if np.isfinite(runs.predictors[name].scores).all()]
        if not usable:
            raise UserError("no predictor scores every domain of every run", "Name one with --predictor")
        return tuple((name,) for name in usable)
    for name in wanted:
        if name not in runs.predictors or runs.predictors[name].group == HOME:  # no prediction holds it
            usable = [key for key, one in runs.predictors.items() if one.group != HOME]
            raise UserError(f"no run has the predictor {name!r}", f"Give one of {', '.join(usable)}")
        one = runs.predictors[name]
        if Flag.ORACLE in one.flags:
            raise UserError(f"{name} reads the tuned model, so it predicts nothing", "Give another predictor")
        for run, scores in zip(runs.run_names, one.scores, strict=True):
            if not np.isfinite(scores).any():
                raise UserError(f"{run} has no score of {name}", "Leave that run out, or give another predictor")
    return (tuple(dict.fromkeys(wanted)),)


def _hold_out(
    by: Held,
    changes: Floats,
    scores: Scores,
    groups: NDArray[np.intp],
    sets: NDArray[np.intp],
    recipe: Recipe,
) -> HoldOut:
    n_groups, noun = len(np.unique(groups)), by.replace("_", " ")
    if n_groups < FEWEST_GROUPS:
        lacking = f"leaving one {noun} out needs {FEWEST_GROUPS}, not {n_groups}"
        return HoldOut(by=by, n_groups=n_groups, too_little=lacking)
    judged = hold_out(changes, scores, groups, sets, recipe)
    error = judged.residual[np.isfinite(judged.residual)]
    if not error.size:
        lacking = f"without one {noun} there are too few points for a line"
        if by == "training_set" and recipe.history == "same-set":
            lacking = "a new training set has no history on the same set"
        return HoldOut(by=by, n_groups=n_groups, too_little=lacking)
    run_mean = np.broadcast_to(changes.mean(axis=1, keepdims=True), changes.shape)
    nulls = (np.zeros_like(changes), run_mean, judged.domain_mean)
    skill_zero, skill_run_mean, skill_domain_mean = (skill(judged.prediction, changes, null) for null in nulls)
    return HoldOut(
        by=by,
        n_groups=n_groups,
        n_points=error.size,
        rmse=float(np.sqrt(np.mean(error**2))),
        mae=float(np.abs(error).mean()),
        skill_zero=skill_zero,
        skill_run_mean=skill_run_mean,
        skill_domain_mean=skill_domain_mean,
        skill_same_set=skill(judged.prediction, changes, judged.same_set),
        rmse_same_set=_rmse(changes - judged.same_set),
        levels=tuple(_level(judged.residual, groups, level) for level in LEVELS),
        selected=dict(Counter(name for fold in judged.fits.values() for name in fold.predictors)),
    )


def _rmse(residual: Floats) -> float | None:
    """Root mean square of what is known; None where nothing is."""
    known = residual[np.isfinite(residual)]
    return float(np.sqrt(np.mean(known**2))) if known.size else None


def _level(residual: Floats, groups: NDArray[np.intp], level: float) -> Level:
    """Half-width from all residuals; its coverage group by group, with the half-width of the other groups."""
    inside: list[bool] = []
    for group in np.unique(groups):
        half_width = conformal_interval(residual[groups != group], level)
        own = residual[groups == group]
        if half_width is not None:
            inside += (np.abs(own[np.isfinite(own)]) <= half_width).tolist()
    found = coverage(np.array(inside, dtype=np.bool_))
    return Level(
        level=level,
        half_width=conformal_interval(residual, level),
        share=found.share,
        share_low=found.interval.low if found.interval else None,
        share_high=found.interval.high if found.interval else None,
        n=found.n,
    )


def _wider(judged: Sequence[HoldOut], level: float) -> float | None:
    """The larger half-width of the hold-outs; None where one of them, or all, cannot give it."""
    widths = [one.half_width for hold_out in judged for one in hold_out.levels if one.level == level]
    known = [width for width in widths if width is not None]
    return max(known) if known and len(known) == len(widths) else None


def _equation(final: Fit, runs: AlignedRuns) -> Equation | None:
    if final.line is None:
        return None
    slopes = final.line.slopes
    history = None
    if final.history is not None:
        by_set = {
            runs.training_sets[one]: {name: float(value) for name, value in zip(runs.domains, means, strict=True)}
            for one, means in final.history.by_set.items()
        }
        over_all = dict(zip(runs.domains, runs.measures["accuracy"].change.mean(axis=0).tolist(), strict=True))
        history = HistoryTerm(slope=slopes[-1], mean=over_all, by_set=by_set)
    terms = tuple(
        Term(predictor=name, slope=slope)
        for name, slope in zip(final.predictors, slopes[: len(final.predictors)], strict=True)
    )
    return Equation(intercept=final.line.intercept, terms=terms, history=history)


def _too_little(hold_outs: Sequence[HoldOut], widths: Sequence[float | None]) -> str | None:
    if all(one.rmse is None for one in hold_outs):
        reasons = "; ".join(str(one.too_little) for one in hold_outs)
        return f"Too little history for any expected change: {reasons}"
    missing = [level for level, width in zip(LEVELS, widths, strict=True) if width is None]
    if missing:
        n = min(one.n_points for one in hold_outs if one.rmse is not None)
        needs = ", ".join(f"{level:.0%} needs {math.ceil(level / (1 - level) - ROUNDING)}" for level in missing)
        return f"Too little history for every interval: {n} held-out points, and {needs}"
    return None
