"""A run in short, from its two records."""

from __future__ import annotations

from collections.abc import Sequence

from sts_eval.records.oracle import Oracle
from sts_eval.records.outcome import Change, DomainOutcome, Outcome, Said
from sts_eval.records.prediction import SCORES, Column, ColumnCost, Cost, Prediction
from sts_eval.records.transfer import DomainChange, Transfer

SUMMARIES = {
    "sts_icl": "How far the domain's own demonstrations move the shifted features (equation 5)",
    "sts_act": "How active the shifted features are in the domain (equation 4)",
    "sts_notebook": "Mean squared activation of the shifted features (the authors' notebook)",
}


def summarise(
    prediction: Prediction,
    transfer: Transfer,
    *,
    model: str,
    training_set: str,
    home: Sequence[str] = (),
    more: Sequence[Said] = (),
) -> Outcome:
    """Join a prediction and a transfer, domain by domain; domains that only one of them has are left out.

    Args:
        prediction: What was said.
        transfer: What happened.
        model: Short name of the model.
        training_set: Short name of the set.
        home: Domains that the set is about.
        more: What else was said, for instance by `said_with_tuned_model`.
    """
    scores = prediction.by_predictor()
    predicted = {domain.domain for domain in prediction.domains}
    own = [
        Said(
            name=name,
            group="sts",
            flags=(),
            summary=SUMMARIES[name],
            scores=scores[name],
            cost=_own_cost(prediction.cost),
        )
        for name in SCORES
    ]
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
        said=(*own, *map(_said, prediction.columns), *more),
        tuning_seconds=sum(run.seconds for run in transfer.tuning.runs) if transfer.tuning else None,
    )


def said_with_tuned_model(oracle: Oracle, truncation: Column | None = None) -> tuple[Said, ...]:
    """What the oracles said, for `summarise`. Their flag O keeps them out of every ranking.

    Args:
        oracle: Columns read from the tuned model.
        truncation: The column of the transfer's truncated answers, where their share is known.
    """
    return tuple(_said(column) for column in (*oracle.columns, *([truncation] if truncation else [])))


def _said(column: Column) -> Said:
    return Said(
        name=column.name,
        group=column.group,
        flags=column.flags,
        summary=column.summary,
        scores=column.scores,
        cost=column.cost,
    )


def _own_cost(cost: Cost) -> ColumnCost:
    seconds = sum(cost.seconds.get(stage, 0.0) for stage in ("step 1", "step 2"))
    return ColumnCost(seconds=round(seconds, 3), tokens=cost.tokens, passes=cost.passes, backward_passes=0)


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
