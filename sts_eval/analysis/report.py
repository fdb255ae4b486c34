"""The report on one run: its domains, and the comparison of all its predictors."""

from collections.abc import Sequence

from sts_eval.analysis.aligned_runs import FEWEST_DOMAINS
from sts_eval.analysis.belonging import Belonging, check_belonging
from sts_eval.analysis.compare import compare_runs
from sts_eval.analysis.runs import summarise
from sts_eval.analysis.turnover import turnover
from sts_eval.errors import UserError
from sts_eval.records.overlap import Overlap
from sts_eval.records.prediction import SCORES, Prediction, PredictorScores
from sts_eval.records.record import now
from sts_eval.records.report import DomainRow, Report
from sts_eval.records.transfer import DomainAnswers, DomainChange, Transfer
from sts_eval.records.tuning import Reinforcement
from sts_eval.statistics import noise_ceiling
from sts_eval.transfer.domain_changes import trusted_figures

SURE = 1.96  # standard errors beyond which a single domain is called changed

DOMAIN_FLAGS = {
    "small_sample": "fewer than 30 questions",
    "unparsed_changed": "the share of unreadable answers moved, so part of the change is form, not knowledge",
    "truncated_changed": "the share of truncated answers moved, so part of the change is form, not knowledge",
}


def report_run(
    prediction: Prediction,
    transfer: Transfer,
    *,
    oracles: Sequence[PredictorScores] = (),
    overlaps: Sequence[Overlap] = (),
    post_hoc: bool = False,
    unrelated: bool = False,
) -> Report:
    """Join a prediction with the transfer that followed it, and compare its predictors.

    Overlaps are of tuned seeds, where they were read. `post_hoc` goes on although the prediction was made after
    fine-tuning started, `unrelated` although the two are about different things; the report then says so.

    Raises:
        UserError: The two do not belong together, the transfer's figures contradict its answers, the prediction was
            made after fine-tuning started, the transfer followed another one, or the two have too few domains in
            common.
    """
    related = check_belonging(prediction, transfer, unrelated=unrelated)
    late = _is_late(prediction, transfer)
    if late and not post_hoc:
        raise UserError(late, "Predict before you fine-tune, or pass --post-hoc to have the report say so")
    figures = trusted_figures(transfer)
    changes = {change.domain: change for change in figures}
    names = [domain.domain for domain in prediction.domains if domain.domain in changes]
    if len(names) < FEWEST_DOMAINS:
        raise UserError(
            f"prediction and transfer have {len(names)} domains in common, and {FEWEST_DOMAINS} are needed",
            "Compare records of the same benchmark",
        )
    outcome = summarise(prediction, transfer, more=oracles, changes=figures).model_copy(
        update={"post_hoc": bool(late), "unrelated": related.differences}
    )
    answers = {table.domain: table for table in transfer.answers}
    rows = tuple(_row(prediction, changes[name], answers[name]) for name in names)
    return Report(
        created=now(),
        prediction_sha256=prediction.sha256(),
        transfer_sha256=transfer.sha256(),
        model=prediction.model.id,
        training_set=prediction.training_set.source,
        post_hoc=bool(late),
        unrelated=related.differences,
        rows=rows,
        comparison=compare_runs([outcome]),
        overlaps=tuple(overlaps),
        reinforcement=reinforced(transfer),
        signal_to_noise=noise_ceiling([row.delta for row in rows], [row.se for row in rows]).signal_to_noise,
        seconds=_seconds(prediction, transfer),
        warnings=tuple(_warnings(prediction, transfer, late, related, figures, len(names))),
    )


def reinforced(transfer: Transfer) -> tuple[Reinforcement, ...]:
    """What reinforcement learning did, by seed; nothing where the method was another."""
    runs = transfer.tuning.runs if transfer.tuning else ()
    return tuple(run.reinforcement for run in runs if run.reinforcement is not None)


def _row(prediction: Prediction, change: DomainChange, answers: DomainAnswers) -> DomainRow:
    verdict = "no clear change"
    if change.se > 0 and abs(change.delta) > SURE * change.se:
        verdict = "better" if change.delta > 0 else "worse"
    return DomainRow(
        **change.model_dump(include={"domain", "n", "accuracy_before", "accuracy_after", "delta", "flags"}),
        scores={name: prediction.predictor(name).scores[change.domain] for name in SCORES},
        se=change.se,
        logprob_delta=change.logprob.delta if change.logprob else None,
        turnover=turnover(answers),
        verdict=verdict,
    )


def _is_late(prediction: Prediction, transfer: Transfer) -> str:
    """Why the prediction does not precede the tuning; empty where it does."""
    reference = transfer.prediction
    if reference is not None and reference.prediction_sha256 != prediction.sha256():
        return "the transfer was measured after another prediction than this one"
    if transfer.post_hoc or (transfer.tuning and prediction.created > transfer.tuning.started):
        return "the prediction was made after fine-tuning started"
    return ""


def _seconds(prediction: Prediction, transfer: Transfer) -> dict[str, float]:
    seconds = dict(prediction.cost.seconds)
    spent = {"load": seconds.pop("data", 0) + seconds.pop("load", 0), "predict": sum(seconds.values())}
    if transfer.tuning is not None:
        spent["tune"] = sum(run.seconds for run in transfer.tuning.runs)
    if transfer.origin.kind == "measured":
        spent["measure"] = sum(transfer.origin.seconds.values())
    return spent


def _warnings(
    prediction: Prediction,
    transfer: Transfer,
    late: str,
    related: Belonging,
    figures: Sequence[DomainChange],
    n_domains: int,
) -> list[str]:
    lines = [f"UNRELATED: {line}" for line in related.differences]
    lines += [f"POST HOC: {late}"] if late else []
    if "nothing_changed" in transfer.flags:
        what = "the reward or the answers of held-out rows" if reinforced(transfer) else "the held-out loss"
        lines.append(f"training did not change {what}, so there was nothing to predict")
    if "same_questions" in transfer.flags:
        lines.append("the prediction read questions that are scored here (as in the paper)")
    if transfer.origin.kind == "imported":
        lines.append("the change was imported, not measured by this tool")
        if related.not_compared:
            what = ", ".join(related.not_compared)
            lines.append(f"whether prediction and results belong together was not compared for {what}")
    if figures != transfer.domains:
        lines.append("errors or intervals of the transfer record are not those of its answers, and were computed again")
    if missing := len(prediction.domains) - n_domains:
        lines.append(f"{missing} predicted domains were not measured")
    for flag, text in DOMAIN_FLAGS.items():
        flagged = [change.domain for change in figures if flag in change.flags]
        if flagged:
            lines.append(f"{text}: {', '.join(flagged)}")
    return [*lines, *prediction.warnings, *transfer.warnings]
