"""Whether a submission's figures follow from the records that are attached to it.

    prediction    its hash, time and scores are those of the outcome; model, SAE and set are those described
    transfer      its hash, seeds and changes are those of the outcome; its changes follow from its answers
    both          the outcome is what `sts_eval.analysis.runs.summarise` makes of them; they are of one model, training
                  set and benchmark, by the hashes that they state

So "recomputed" means that the figures follow from the submitted answers. The answers themselves, and the hashes, are
what the submitter says they are. Only running the experiment again shows more (`sts_eval.submission.reproduction`).

Only the scores of oracles cannot be made again, since the tuned model is not there: they are taken as they are, and
stand outside every ranking anyhow.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from sts_eval.analysis.belonging import belonging
from sts_eval.analysis.names import model_name, set_name
from sts_eval.analysis.runs import summarise
from sts_eval.records.outcome import Outcome
from sts_eval.records.prediction import Prediction, PredictorScores
from sts_eval.records.submission import Submission
from sts_eval.records.transfer import Measured, Transfer
from sts_eval.submission.describe import benchmark_name
from sts_eval.submission.plausibility import FLAGS, MOST_DOMAINS, MOST_SEEDS
from sts_eval.submission.problem import Path, Problem, shown
from sts_eval.submission.times import read_time
from sts_eval.transfer.domain_changes import summarise as changes_of

ORACLE = FLAGS[-1]

ROUNDING = 1e-9  # relative difference between two computations of a figure that rounding explains
_LEAST_LOGPROB, _MOST_LOGPROB = -1e4, 1e-6  # log-probabilities are below 0, up to rounding

_PREDICTION, _TRANSFER = "the attached prediction gives", "the attached transfer gives"


def evidence_problems(submission: Submission) -> Iterator[Problem]:
    """Make everything again that the attached records allow, and compare."""
    outcome, prediction, transfer = submission.outcome, submission.prediction, submission.transfer
    if prediction is not None:
        yield from _differences(submission, _description(submission, prediction), (), _PREDICTION)
        if submission.sae is None:
            yield Problem.at(("sae",), "it is null, and the prediction read one; describe it")
        yield from _names(submission, prediction)
        if transfer is not None and not submission.outcome.unrelated:
            yield from _belonging(prediction, transfer)
        if transfer is None:
            yield from _predictors(outcome, prediction.predictors, complete=False)
    if transfer is None:
        return
    made: dict[str, Any] = {"outcome": {"transfer_sha256": transfer.sha256()}, "origin": transfer.origin.kind}
    if isinstance(transfer.origin, Measured):
        source = transfer.origin.task if prediction is None else prediction.benchmark.source
        made["benchmark"] = benchmark_name(transfer.origin.task, source)
    yield from _differences(submission, made, (), _TRANSFER)
    yield from _order(submission, transfer)
    if unusable := list(_unusable(transfer)):
        yield from unusable
        return
    try:
        yield from _changes(outcome, prediction, transfer)
    except (ValueError, ArithmeticError, ValidationError) as error:
        reason = shown(str(error).splitlines()[0])
        yield Problem.at(("transfer",), f"its figures cannot be computed ({reason}); make the record again")


def _description(submission: Submission, prediction: Prediction) -> dict[str, Any]:
    """Model, SAE and set as the prediction read them, where they are published by a name; and its hash."""
    model, sae, data = prediction.model, prediction.sae, prediction.training_set
    read: dict[str, dict[str, Any]] = {
        "model": {"revision": model.commit},
        "training_set": {"rows": data.rows, "revision": data.revision},
    }
    if model.commit is not None:
        read["model"]["id"] = model.id
    if data.revision is not None:
        read["training_set"]["id"] = data.source
    if submission.sae is not None:
        read["sae"] = {"d_sae": sae.d_sae, "layer": sae.layer, "hook_name": sae.hook_name}
        if sae.release is not None:
            read["sae"] |= {"release": sae.release, "id": sae.id}
    return read | {"outcome": {"prediction_sha256": prediction.sha256()}}


def _names(submission: Submission, prediction: Prediction) -> Iterator[Problem]:
    """Whether what was read from a disk is called what the prediction calls it, or that with an addition."""
    model, data, asked = prediction.model, prediction.training_set, prediction.experiment.training_set
    names: list[tuple[Path, str, set[str]]] = [
        (("outcome", "model"), submission.outcome.model, _short(submission.model.id)),
        (("outcome", "training_set"), submission.outcome.training_set, _short(submission.training_set.id)),
    ]
    if model.commit is None:
        names.append((("model", "id"), submission.model.id, {model.id, model_name(model.id)}))
    if data.revision is None:
        sets = {name for source in (data.source, asked.source) for name in (source, set_name(source))}
        names.append((("training_set", "id"), submission.training_set.id, sets))
    for path, name, known in names:
        if name not in known and not ("/" not in name and name.startswith(tuple(f"{one}-" for one in known))):
            kept = shown(min(known, key=len))
            yield Problem.at(path, f"it is {shown(name)}, and the records call it {kept}; describe what was read")


def _short(identity: str) -> set[str]:
    """What an id may be called in short."""
    return {model_name(identity), set_name(identity)}


def _belonging(prediction: Prediction, transfer: Transfer) -> Iterator[Problem]:
    """Whether prediction and transfer are of one model, training set and benchmark, by their hashes."""
    for difference in belonging(prediction, transfer).differences:
        yield Problem.at(("transfer",), f"{shown(difference)[1:-1]}; attach the records of one run")


def _order(submission: Submission, transfer: Transfer) -> Iterator[Problem]:
    """Whether the records belong to one another, and whether a late prediction is called late."""
    reference, tuning, prediction = transfer.prediction, transfer.tuning, submission.prediction
    if reference is None:
        return
    expected = {"prediction_sha256": submission.outcome.prediction_sha256}
    if prediction is not None:
        expected["created"] = prediction.created
    for name, value in expected.items():
        if getattr(reference, name) != value:
            message = "it is not that of the submission's prediction; attach the records of one run"
            yield Problem.at(("transfer", "prediction", name), message)
    if tuning is None:
        return
    predicted, started = read_time(reference.created), read_time(tuning.started)
    if predicted is None or started is None:
        message = "the order of times cannot be read; make the record again"
        yield Problem.at(("transfer", "tuning", "started"), message)
    elif (predicted > started) != transfer.post_hoc:
        when = "after" if predicted > started else "before"
        message = f"the prediction was made {when} fine-tuning started, and post_hoc says otherwise; correct it"
        yield Problem.at(("transfer", "flags"), message)


def _unusable(transfer: Transfer) -> Iterator[Problem]:
    """Why figures cannot be computed from the answers."""
    at: Path = ("transfer", "answers")
    for name, most in (("answers", MOST_DOMAINS), ("seeds", MOST_SEEDS)):
        number = len(getattr(transfer, name))
        if not 1 <= number <= most:
            message = f"it has {number} entries, and 1 to {most} are allowed; make the record again"
            yield Problem.at(("transfer", name), message)
    if len({table.domain for table in transfer.answers}) < len(transfer.answers):
        yield Problem.at(at, "a domain occurs twice; make the record again")
    for place, table in enumerate(transfer.answers):
        if not table.question_ids:
            yield Problem.at((*at, place), "the domain has no question; leave it out")
        replies = {"before": table.before} | {f"after[{seed}]": one for seed, one in enumerate(table.after)}
        for name, one in replies.items():
            for field, values in (("logprob", one.logprob), ("logprob_per_token", one.logprob_per_token)):
                if any(not _LEAST_LOGPROB <= value <= _MOST_LOGPROB for value in values or ()):
                    message = f"{name}.{field} holds what is no log-probability; make the record again"
                    yield Problem.at((*at, place), message)


def _changes(outcome: Outcome, prediction: Prediction | None, transfer: Transfer) -> Iterator[Problem]:
    computed = [one.model_dump() for one in changes_of(transfer.answers, transfer.seeds)]
    yield from _differences(transfer.domains, computed, ("transfer", "domains"), "the answers give")
    if prediction is None:
        yield from _domains(outcome, transfer)
        return
    if not {one.domain for one in prediction.domains} & {one.domain for one in transfer.domains}:
        message = "none of its domains was predicted; attach the records of one run"
        yield Problem.at(("transfer", "domains"), message)
        return
    again = summarise(prediction, transfer, model=outcome.model, training_set=outcome.training_set, home=outcome.home)
    computed_outcome = again.model_dump(include={"created", "seeds", "domains", "tuning_seconds"})
    yield from _differences(outcome, computed_outcome, ("outcome",), "the attached records give")
    if again.post_hoc and not outcome.post_hoc:
        message = "the transfer says that the prediction was made after fine-tuning started; set it to true"
        yield Problem.at(("outcome", "post_hoc"), message)
    yield from _predictors(outcome, again.predictors, complete=True)


def _domains(outcome: Outcome, transfer: Transfer) -> Iterator[Problem]:
    """The transfer alone: the accuracies of those domains that the outcome has."""
    changes = {change.domain: change for change in transfer.domains}
    yield from _differences(outcome.seeds, transfer.seeds, ("outcome", "seeds"), _TRANSFER)
    for place, domain in enumerate(outcome.domains):
        at: Path = ("outcome", "domains", place)
        change = changes.get(domain.domain)
        if change is None:
            yield Problem.at(at, f"{shown(domain.domain)} is not in the attached transfer; leave it out")
            continue
        made = {"delta": change.delta, "se": change.se, "by_seed": tuple(one.delta for one in change.by_seed)}
        figures = {"n": change.n, "accuracy_before": change.accuracy_before, "accuracy": made}
        yield from _differences(domain, figures, at, _TRANSFER)


def _predictors(outcome: Outcome, made: Sequence[PredictorScores], *, complete: bool) -> Iterator[Problem]:
    """Whether the outcome has the predictors that the records give; unless complete, only scores are compared."""

    def figures(one: PredictorScores) -> dict[str, Any]:
        if not complete:
            return {"scores": one.values}
        if outcome.of_earlier_schema:  # which had no errors of scores, and no seeds
            return one.model_dump(exclude={"scores", "seeds"}) | {"scores": one.values}
        return one.model_dump()

    stated = {one.name: (place, one) for place, one in enumerate(outcome.predictors)}
    for one in made:
        if one.name in stated:
            place, other = stated.pop(one.name)
            yield from _differences(figures(other), figures(one), ("outcome", "predictors", place), _PREDICTION)
        else:
            message = f"{shown(one.name)} of the attached prediction is missing; add it"
            yield Problem.at(("outcome", "predictors"), message)
    for name, (place, other) in stated.items():
        if complete and ORACLE not in other.flags:
            message = f"{shown(name)} is in no attached record; remove it, or attach the prediction that has it"
            yield Problem.at(("outcome", "predictors", place), message)


def _differences(stated: Any, made: Any, at: Path, source: str) -> Iterator[Problem]:
    """Where stated values differ from computed ones by more than rounding; of a record, in the computed fields."""
    if isinstance(stated, BaseModel) and isinstance(made, Mapping):
        stated = {name: getattr(stated, name) for name in made}
    if isinstance(stated, Mapping) and isinstance(made, Mapping) and stated.keys() == made.keys():
        for key in made:
            yield from _differences(stated[key], made[key], (*at, key), source)
    elif isinstance(stated, list | tuple) and isinstance(made, list | tuple) and len(stated) == len(made):
        for place, (one, other) in enumerate(zip(stated, made, strict=True)):
            yield from _differences(one, other, (*at, place), source)
    else:
        numbers = isinstance(stated, float) and isinstance(made, float)
        if stated != made and not (numbers and math.isclose(stated, made, rel_tol=ROUNDING, abs_tol=ROUNDING)):
            message = f"it is {shown(stated)}, and {source} {shown(made)}; correct it, or attach the right records"
            yield Problem.at(at, message)
