"""A run in short, from its prediction and its transfer."""

from __future__ import annotations

from collections.abc import Sequence

from sts_eval.records.outcome import Change, DomainOutcome, Outcome
from sts_eval.records.prediction import Prediction, PredictorScores
from sts_eval.records.transfer import DomainChange, Transfer


def summarise(
    prediction: Prediction,
    transfer: Transfer,
    *,
    model: str | None = None,
    training_set: str | None = None,
    home: Sequence[str] = (),
    more: Sequence[PredictorScores] = (),
) -> Outcome:
    """Join a prediction and a transfer, domain by domain; domains that only one of them has are left out.

    `model` and `training_set` are short names, taken from the prediction if None; `home` are the domains that the
    training set is made for; `more` are scores of oracles, whose flag O keeps them out of every ranking.
    """
    predicted = {domain.domain for domain in prediction.domains}
    return Outcome(
        model=model or model_name(prediction.model.id),
        training_set=training_set or set_name(prediction.training_set.source),
        home=tuple(home),
        created=prediction.created,
        prediction_sha256=prediction.sha256(),
        transfer_sha256=transfer.sha256(),
        post_hoc=transfer.post_hoc,
        seeds=transfer.seeds,
        domains=tuple(_domain(change) for change in transfer.domains if change.domain in predicted),
        predictors=(*prediction.predictors, *more),
        tuning_seconds=sum(run.seconds for run in transfer.tuning.runs) if transfer.tuning else None,
    )


def model_name(identity: str) -> str:
    """Short name of a model: the last part of its id that says more than `model` or `files`."""
    parts = [part for part in identity.replace("\\", "/").split("/") if part]
    return next((part for part in reversed(parts) if part not in ("model", "files")), parts[-1])


def set_name(source: str) -> str:
    """Short name of a training set: a file's name without its ending, or the last part of a hub id."""
    last = source.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    for ending in (".jsonl", ".json", ".csv", ".tsv", ".parquet"):
        last = last.removesuffix(ending)
    return last


def _domain(change: DomainChange) -> DomainOutcome:
    logprob = None
    if change.logprob is not None:
        by_seed = [one.logprob_delta for one in change.by_seed]
        logprob = Change(
            delta=change.logprob.delta,
            se=change.logprob.se if change.logprob.se is not None else change.logprob.item_se or 0.0,
            by_seed=tuple(value for value in by_seed if value is not None),
        )
    return DomainOutcome(
        domain=change.domain,
        n=change.n,
        accuracy_before=change.accuracy_before,
        accuracy=Change(delta=change.delta, se=change.se, by_seed=tuple(one.delta for one in change.by_seed)),
        logprob=logprob,
    )
