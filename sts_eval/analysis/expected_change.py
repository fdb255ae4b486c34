"""A new prediction in points: the change that a calibration expects of each domain, and its interval."""

import math
from collections.abc import Mapping

import numpy as np

from sts_eval.analysis.names import set_name
from sts_eval.errors import UserError
from sts_eval.records.calibration import Calibration, Equation, ExpectedChange, HistoryTerm
from sts_eval.records.prediction import Prediction
from sts_eval.statistics import standardised

FEWEST_DOMAINS = 3
"""Domains that scores are standardised over: of two, one would always be as far above the mean as the other below."""


def needed(calibration: Calibration) -> tuple[str, ...]:
    """Predictors that a prediction must have for this calibration.

    Raises:
        UserError: The calibration has too little history for an expected change.
    """
    return tuple(term.predictor for term in _equation(calibration).terms)


def expected(calibration: Calibration, prediction: Prediction) -> tuple[ExpectedChange, ...]:
    """Expected change by domain, the largest rise first.

    Scores are standardised as in the fit: over the domains that the calibration knows. Other domains, and those
    without a score, are left out (`left_out` names them).

    Raises:
        UserError: The calibration has too little history, or the prediction lacks a predictor that it uses, or has
            fewer than 3 of its domains, or the calibration knows the history of other training sets only.
    """
    equation = _equation(calibration)
    scores = _scores(equation, prediction)
    domains = [name for name in calibration.domains if any(name in by_domain for by_domain in scores.values())]
    if len(domains) < FEWEST_DOMAINS:
        raise UserError(
            f"the prediction has {len(domains)} of the calibration's domains, and {FEWEST_DOMAINS} are needed",
            f"Predict over {', '.join(calibration.domains)}",
        )
    points = np.full(len(domains), equation.intercept)
    for term in equation.terms:
        raw = np.array([[scores[term.predictor].get(domain, math.nan) for domain in domains]])
        points += term.slope * standardised(raw)[0]
    if equation.history is not None:
        mean = _history(equation.history, prediction)
        points += equation.history.slope * np.array([mean[domain] for domain in domains])
    half_widths = {"80": calibration.half_width_80, "90": calibration.half_width_90}
    changes = []
    for domain, value in zip(domains, points.tolist(), strict=True):
        if math.isfinite(value):
            ends = {}
            for level, half_width in half_widths.items():
                ends[f"low{level}"] = None if half_width is None else value - half_width
                ends[f"high{level}"] = None if half_width is None else value + half_width
            changes.append(ExpectedChange(domain=domain, points=value, **ends))
    return tuple(sorted(changes, key=lambda change: -change.points))


def left_out(calibration: Calibration, prediction: Prediction) -> dict[str, str]:
    """Domains of a prediction that get no expected change, and why.

    Raises:
        UserError: As in `expected`.
    """
    scores = _scores(_equation(calibration), prediction)
    reasons = {}
    for domain in prediction.by_predictor()["sts_icl"]:
        missing = [name for name, by_domain in scores.items() if domain not in by_domain]
        if domain not in calibration.domains:
            reasons[domain] = "no calibrated run measured it"
        elif missing:
            reasons[domain] = f"it has no score of {', '.join(missing)}"
    return reasons


def _equation(calibration: Calibration) -> Equation:
    if calibration.equation is None:
        raise UserError(
            f"the calibration gives no expected change ({calibration.too_little})", "Calibrate on more runs"
        )
    return calibration.equation


def _history(term: HistoryTerm, prediction: Prediction) -> Mapping[str, float]:
    """Mean change by domain, for the set that the prediction is about."""
    if not term.by_set:
        return term.mean
    name = set_name(prediction.training_set.source)
    if name not in term.by_set:
        raise UserError(
            f"the calibration uses the history of {', '.join(term.by_set)}, and the prediction is for {name}",
            "Calibrate with --history domain",
        )
    return term.by_set[name]


def _scores(equation: Equation, prediction: Prediction) -> dict[str, Mapping[str, float]]:
    """Scores by predictor of the line and domain."""
    by_predictor = prediction.by_predictor()
    lacking = ",".join(term.predictor for term in equation.terms if term.predictor not in by_predictor)
    if lacking:
        raise UserError(
            f"the prediction lacks {lacking}, which the calibration uses", f"Predict again with --predictors {lacking}"
        )
    return {term.predictor: by_predictor[term.predictor] for term in equation.terms}
