"""Holding a prediction against what happened, and saying no more than the numbers allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sts_eval.errors import UserError
from sts_eval.records.overlap import Overlap
from sts_eval.records.prediction import SCORES, Prediction
from sts_eval.records.record import now
from sts_eval.records.report import Agreement, DomainRow, Report, Target
from sts_eval.records.transfer import DomainChange, Transfer
from sts_eval.statistics import (
    Correlation,
    Interval,
    conclusion,
    correlate,
    debiased_magnitude,
    extremes_r,
    noise_ceiling,
    verdict,
)

SURE = 1.96
"""Standard errors beyond which a single domain is called changed."""

FEWEST = 3
"""Domains without which there is nothing to correlate."""


def compare(
    prediction: Prediction, transfer: Transfer, *, overlaps: Sequence[Overlap] = (), post_hoc: bool = False
) -> Report:
    """Join a prediction with the transfer that followed it.

    Args:
        prediction: The record made from the untuned model.
        transfer: The record of the change.
        overlaps: Predicted against actually shifted dimensions, by tuned seed, where they were read.
        post_hoc: Go on although the prediction is younger than the tuning; the report then says so.

    Raises:
        UserError: The prediction is younger than the tuning, the transfer followed another one, or
            the two have too few domains in common.
    """
    late = _is_late(prediction, transfer)
    if late and not post_hoc:
        raise UserError(late, "Predict first and tune then, or pass --post-hoc to have the report say so")
    changes = {change.domain: change for change in transfer.domains}
    names = [domain.domain for domain in prediction.domains if domain.domain in changes]
    if len(names) < FEWEST:
        raise UserError(
            f"prediction and transfer have {len(names)} domains in common", "Compare records of the same benchmark"
        )
    measured = [changes[name] for name in names]
    rows = tuple(
        DomainRow(
            domain=name,
            scores={score: prediction.predictor(score).scores[name] for score in SCORES},
            n=change.n,
            accuracy_before=change.accuracy_before,
            accuracy_after=change.accuracy_after,
            delta=change.delta,
            se=change.se,
            logprob_delta=change.logprob.delta if change.logprob else None,
            verdict=_verdict(change),
            flags=change.flags,
        )
        for name, change in zip(names, measured, strict=True)
    )
    values = prediction.by_predictor()
    by_score = {score: np.array([values[score][name] for name in names]) for score in SCORES}
    delta = np.array([change.delta for change in measured])
    se = np.array([change.se for change in measured])
    return Report(
        created=now(),
        prediction_sha256=prediction.sha256(),
        transfer_sha256=transfer.sha256(),
        model=prediction.model.id,
        training_set=prediction.training_set.source,
        post_hoc=bool(late),
        rows=rows,
        agreements=tuple(_agreements(by_score, names, measured)),
        overlaps=tuple(overlaps),
        signal_to_noise=noise_ceiling(delta, se).signal_to_noise,
        seconds=_seconds(prediction, transfer),
        warnings=tuple(_warnings(prediction, transfer, late, len(names))),
    )


def _is_late(prediction: Prediction, transfer: Transfer) -> str:
    """What is wrong with the order of knowledge, or nothing."""
    reference = transfer.prediction
    if reference is not None and reference.prediction_sha256 != prediction.sha256():
        return "the transfer was measured after another prediction than this one"
    if transfer.post_hoc or (transfer.tuning and prediction.created > transfer.tuning.started):
        return "the prediction is younger than the tuning that it is to foretell"
    return ""


def _agreements(
    by_score: Mapping[str, NDArray[np.float64]], names: Sequence[str], changes: Sequence[DomainChange]
) -> list[Agreement]:
    delta = np.array([change.delta for change in changes])
    se = np.array([change.se for change in changes])
    ceiling = noise_ceiling(delta, se)
    outcomes: dict[Target, tuple[NDArray[np.float64], float | None]] = {
        "delta": (delta, ceiling.signed),
        "magnitude": (debiased_magnitude(delta, se), ceiling.magnitude),
    }
    if all(change.logprob is not None for change in changes):
        means = [change.logprob for change in changes if change.logprob is not None]
        moved = np.array([mean.delta for mean in means])
        errors = [mean.se if mean.se is not None else mean.item_se for mean in means]
        known = [error for error in errors if error is not None]
        outcomes["logprob"] = moved, noise_ceiling(moved, known).signed if len(known) == len(means) else None
    found = []
    for score, values in by_score.items():
        for target, (outcome, highest) in outcomes.items():
            extremes = extremes_r(values, delta) if target == "magnitude" else None
            found.append(_agreement(score, target, correlate(values, outcome), names, highest, extremes))
    return found


def _agreement(
    score: str,
    target: Target,
    correlation: Correlation,
    names: Sequence[str],
    ceiling: float | None,
    extremes: float | None,
) -> Agreement:
    left_out = correlation.leave_one_out
    return Agreement(
        score=score,
        target=target,
        n=correlation.n,
        pearson=correlation.pearson,
        fisher=_ends(correlation.fisher),
        bootstrap=_ends(correlation.bootstrap),
        p_permutation=correlation.p_permutation,
        spearman=correlation.spearman,
        kendall=correlation.kendall,
        r2=correlation.r2,
        leave_one_out=(left_out.low, left_out.high) if left_out else None,
        ceiling=ceiling,
        extremes=extremes,
        conclusion=conclusion(correlation),
        verdict=verdict(correlation, domains=names, ceiling=ceiling),
    )


def _ends(interval: Interval | None) -> tuple[float, float] | None:
    return (interval.low, interval.high) if interval else None


def _verdict(change: DomainChange) -> str:
    """What the change of one domain allows one to say by itself."""
    if change.se == 0 or abs(change.delta) <= SURE * change.se:
        return "no clear change"
    return "better" if change.delta > 0 else "worse"


def _seconds(prediction: Prediction, transfer: Transfer) -> dict[str, float]:
    seconds = dict(prediction.cost.seconds)
    spent = {"load": seconds.pop("data", 0) + seconds.pop("load", 0), "predict": sum(seconds.values())}
    if transfer.tuning is not None:
        spent["tune"] = sum(run.seconds for run in transfer.tuning.runs)
    if transfer.origin.kind == "measured":
        spent["measure"] = sum(transfer.origin.seconds.values())
    return spent


def _warnings(prediction: Prediction, transfer: Transfer, late: str, n_domains: int) -> list[str]:
    lines = [f"POST HOC: {late}"] if late else []
    if "nothing_changed" in transfer.flags:
        lines.append("training left the held-out loss as it was: there was nothing to predict")
    if "same_questions" in transfer.flags:
        lines.append("the prediction read questions that are scored here (the paper's way)")
    if transfer.origin.kind == "imported":
        lines.append("the change was imported, not measured by this tool")
    missing = len(prediction.domains) - n_domains
    if missing:
        lines.append(f"{missing} predicted domains were not measured")
    for change in transfer.domains:
        for flag, text in _DOMAIN_FLAGS.items():
            if flag in change.flags:
                lines.append(f"{change.domain}: {text}")
    return [*lines, *prediction.warnings, *transfer.warnings]


_DOMAIN_FLAGS = {
    "small_sample": "fewer than 30 questions",
    "unparsed_changed": "the share of unreadable answers moved, so part of the change is form, not knowledge",
    "truncated_changed": "the share of truncated answers moved, so part of the change is form, not knowledge",
}
