"""Making a transfer record of joined answers, with the flags that limit its use."""

from collections.abc import Sequence

from sts_eval.records.answers import LengthUnit
from sts_eval.records.record import now
from sts_eval.records.transfer import Imported, Measured, RunFlag, Transfer
from sts_eval.records.tuning import PredictionReference, Tuning
from sts_eval.records.versions import versions
from sts_eval.transfer.domain_changes import summarise
from sts_eval.transfer.pairing import Pairing


def assemble(
    pairing: Pairing,
    *,
    origin: Measured | Imported,
    model_before: str,
    model_after: str,
    seeds: Sequence[int],
    length_unit: LengthUnit,
    prediction: PredictionReference | None = None,
    tuning: Tuning | None = None,
    warnings: Sequence[str] = (),
) -> Transfer:
    """Make the record of joined answers, one seed for each tuned side.

    `tuning` is None where it was not done here; `prediction` is by default the one that the tuning names.
    """
    prediction = prediction or (tuning.prediction if tuning else None)
    lines = [*warnings, *pairing.warnings]
    if pairing.prompts_differ:
        lines.append(
            f"{pairing.prompts_differ} questions were put in different words before and after, so part of "
            "the change may be the prompt's"
        )
    flags: dict[RunFlag, bool] = {
        "no_prediction": prediction is None,
        "post_hoc": prediction is not None and tuning is not None and prediction.created > tuning.started,
        "nothing_changed": tuning is not None and not tuning.changed,
        "same_questions": isinstance(origin, Measured) and origin.questions == "same",
        "prompts_differ": pairing.prompts_differ > 0,
    }
    return Transfer(
        created=now(),
        origin=origin,
        model_before=model_before,
        model_after=model_after,
        prediction=prediction,
        tuning=tuning,
        seeds=tuple(seeds),
        length_unit=length_unit,
        answers=pairing.domains,
        domains=summarise(pairing.domains, seeds),
        only_before=pairing.only_before,
        only_after=pairing.only_after,
        flags=tuple(flag for flag, holds in flags.items() if holds),
        warnings=tuple(lines),
        versions=versions("trl"),
    )
