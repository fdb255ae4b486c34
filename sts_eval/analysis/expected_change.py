"""A new prediction in points: what a calibration expects of each domain, and how far it may be off."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from sts_eval.errors import UserError
from sts_eval.records.calibration import Calibration, Equation, ExpectedChange
from sts_eval.records.prediction import Prediction
from sts_eval.statistics import standardised

FEWEST_DOMAINS = 3
"""Domains whose scores can be standardised to any purpose: two are always one above and one below."""


def needed(calibration: Calibration) -> tuple[str, ...]:
    """Predictors that a prediction must have for this calibration.

    Raises:
        UserError: The calibration expects nothing, for want of history.
    """
    return tuple(term.predictor for term in _equation(calibration).terms)


def expected(calibration: Calibration, prediction: Prediction) -> tuple[ExpectedChange, ...]:
    """Expected change by domain, the largest rise first.

    Scores are standardised as in the fit: over the domains that the calibration knows. Other domains, and those
    without a score, are left out (`left_out` names them).

    Args:
        calibration: From other runs.
        prediction: Of the run in question.

    Raises:
        UserError: The calibration expects nothing, or the prediction lacks a predictor that it uses, or has fewer
            than 3 of its domains.
    """
    equation = _equation(calibration)
    scores = _scores(equation, prediction)
    domains = _common(calibration, scores)
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
        points += equation.history.slope * np.array([equation.history.mean[domain] for domain in domains])
    changes = [
        _around(domain, float(value), calibration)
        for domain, value in zip(domains, points, strict=True)
        if math.isfinite(value)
    ]
    return tuple(sorted(changes, key=lambda change: -change.points))


def left_out(calibration: Calibration, prediction: Prediction) -> dict[str, str]:
    """Domains of a prediction that get no expected change, and why.

    Raises:
        UserError: As in `expected`.
    """
    scores = _scores(_equation(calibration), prediction)
    reasons = {}
    for domain in prediction.by_predictor()["sts_icl"]:
        silent = [name for name, by_domain in scores.items() if domain not in by_domain]
        if domain not in calibration.domains:
            reasons[domain] = "no calibrated run measured it"
        elif silent:
            reasons[domain] = f"it has no score of {', '.join(silent)}"
    return reasons


def _equation(calibration: Calibration) -> Equation:
    if calibration.equation is None:
        raise UserError(
            f"the calibration gives no expected change ({calibration.too_little})", "Calibrate on more runs"
        )
    return calibration.equation


def _scores(equation: Equation, prediction: Prediction) -> dict[str, Mapping[str, float]]:
    """Scores by predictor of the line and domain."""
    said = prediction.by_predictor()
    lacking = [term.predictor for term in equation.terms if term.predictor not in said]
    if lacking:
        names = ",".join(lacking)
        raise UserError(
            f"the prediction lacks {names}, which the calibration uses", f"Predict again with --predictors {names}"
        )
    return {term.predictor: said[term.predictor] for term in equation.terms}


def _common(calibration: Calibration, scores: Mapping[str, Mapping[str, float]]) -> tuple[str, ...]:
    """Domains of the calibration that any predictor of the line scores."""
    return tuple(domain for domain in calibration.domains if any(domain in by_domain for by_domain in scores.values()))


def _around(domain: str, points: float, calibration: Calibration) -> ExpectedChange:
    low80, high80 = _interval(points, calibration.half_width_80)
    low90, high90 = _interval(points, calibration.half_width_90)
    return ExpectedChange(domain=domain, points=points, low80=low80, high80=high80, low90=low90, high90=high90)


def _interval(points: float, half_width: float | None) -> tuple[float | None, float | None]:
    return (None, None) if half_width is None else (points - half_width, points + half_width)
