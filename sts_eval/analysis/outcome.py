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
    model: str,
    training_set: str,
    home: Sequence[str] = (),
    more: Sequence[PredictorScores] = (),
) -> Outcome:
    """Join a prediction and a transfer, domain by domain; domains that only one of them has are left out.

    Args:
        prediction: The scores.
        transfer: What tuning changed.
        model: Short name of the model.
        training_set: Short name of the set.
        home: Domains that the training set is made for.
        more: Scores of oracles; their flag O keeps them out of every ranking.
    """
    predicted = {domain.domain for domain in prediction.domains}
    return Outcome(
        model=model,
        training_set=training_set,
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
