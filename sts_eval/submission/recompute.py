"""Whether a submission's figures follow from the records that are attached to it.

    prediction    its hash, time and scores are those of the outcome; model, SAE and set are those described
    transfer      its hash, seeds and changes are those of the outcome; its changes follow from its answers
    both          the outcome is what `sts_eval.analysis.outcome.summarise` makes of them

Only what oracles said cannot be made again, since the tuned model is not there: it is taken as it is, and stands
outside every ranking anyhow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from sts_eval.analysis.outcome import summarise
from sts_eval.records.outcome import Outcome
from sts_eval.records.prediction import Prediction, PredictorScores, Score
from sts_eval.records.submission import Submission
from sts_eval.records.transfer import Transfer
from sts_eval.submission.plausibility import FLAGS, MOST_DOMAINS, MOST_SEEDS, Path, read_time
from sts_eval.submission.problem import Problem, json_path, shown
from sts_eval.transfer.domain_changes import AGREES
from sts_eval.transfer.domain_changes import summarise as figures_of

ORACLE = FLAGS[-1]

_LEAST_LOGPROB, _MOST_LOGPROB = -1e4, 1e-6
"""Log-probabilities are below 0, up to rounding."""


def evidence_problems(submission: Submission) -> Iterator[Problem]:
    """Make everything again that the attached records allow, and compare."""
    prediction, transfer = submission.prediction, submission.transfer
    if prediction is not None:
        yield from _described(submission, prediction)
        yield from _same_hash(submission, "prediction", prediction.sha256())
    if transfer is None:
        if prediction is not None:
            yield from _scores(submission.outcome, prediction)
        return
    yield from _same_hash(submission, "transfer", transfer.sha256())
    if transfer.origin.kind != submission.origin:
        yield _problem(
            ("origin",), f"it is {submission.origin}, and the attached transfer was {transfer.origin.kind}; correct it"
        )
    yield from _order(submission, transfer)
    unfit = list(_unfit(transfer))
    yield from unfit
    if unfit:
        return
    try:
        yield from _changes(submission, prediction, transfer)
    except (ValueError, ArithmeticError, ValidationError) as error:
        reason = shown(str(error).splitlines()[0])
        yield _problem(("transfer",), f"its figures cannot be computed ({reason}); make the record again")


def _unfit(transfer: Transfer) -> Iterator[Problem]:
    """What stands in the way of computing."""
    at: Path = ("transfer",)
    where: Path
    for number, most, name in (
        (len(transfer.answers), MOST_DOMAINS, "answers"),
        (len(transfer.seeds), MOST_SEEDS, "seeds"),
    ):
        if not 1 <= number <= most:
            yield _problem((*at, name), f"it has {number} entries, and 1 to {most} are allowed; make the record again")
    names = [table.domain for table in transfer.answers]
    if len(set(names)) < len(names):
        yield _problem((*at, "answers"), "a domain occurs twice; make the record again")
    for place, table in enumerate(transfer.answers):
        if not table.question_ids:
            yield _problem((*at, "answers", place), "the domain has no question; leave it out")
        columns = [("before", table.before), *((f"after[{k}]", replies) for k, replies in enumerate(table.after))]
        for name, replies in columns:
            if any(not _LEAST_LOGPROB <= value <= _MOST_LOGPROB for value in replies.logprob or ()):
                where = (*at, "answers", place)
                yield _problem(where, f"{name}.logprob holds what is no log-probability; make the record again")


def _order(submission: Submission, transfer: Transfer) -> Iterator[Problem]:
    """Whether the records are of one another, and whether a late prediction is called late."""
    reference, tuning = transfer.prediction, transfer.tuning
    if reference is None:
        return
    if reference.prediction_sha256 != submission.outcome.prediction_sha256:
        yield _problem(
            ("transfer", "prediction", "prediction_sha256"),
            "the transfer followed another prediction than the outcome's; attach the records of one run",
        )
    if submission.prediction is not None and reference.created != submission.prediction.created:
        yield _problem(
            ("transfer", "prediction", "created"), "it is not the prediction's time; attach the records of one run"
        )
    if tuning is not None:
        said, started = read_time(reference.created), read_time(tuning.started)
        if said is None or started is None:
            yield _problem(
                ("transfer", "tuning", "started"), "the order of times cannot be read; make the record again"
            )
        elif (said > started) != transfer.post_hoc:
            late = "younger" if said > started else "older"
            yield _problem(
                ("transfer", "flags"),
                f"the prediction is {late} than the tuning, and post_hoc says otherwise; correct it",
            )


def _described(submission: Submission, prediction: Prediction) -> Iterator[Problem]:
    """What is shown of model, SAE and set must be what the prediction read, where that is published by a name."""
    model, sae, rows = prediction.model, prediction.sae, prediction.training_set
    wanted: list[tuple[Path, Any, Any]] = []
    if model.commit is not None:
        wanted += [
            (("model", "id"), submission.model.id, model.id),
            (("model", "revision"), submission.model.revision, model.commit),
        ]
    if rows.revision is not None:
        wanted += [
            (("training_set", "id"), submission.training_set.id, rows.source),
            (("training_set", "revision"), submission.training_set.revision, rows.revision),
        ]
    wanted.append((("training_set", "rows"), submission.training_set.rows, rows.rows))
    if submission.sae is None:
        yield _problem(("sae",), "it is null, and the prediction read one; describe it")
    else:
        for name in ("d_sae", "layer", "hook_name", *(("release", "id") if sae.release is not None else ())):
            wanted.append((("sae", name), getattr(submission.sae, name), getattr(sae, name)))
    for path, stated, read in wanted:
        if stated != read:
            yield _problem(path, f"it is {shown(stated)}, and the attached prediction read {shown(read)}; correct it")


def _same_hash(submission: Submission, name: str, sha256: str) -> Iterator[Problem]:
    stated = getattr(submission.outcome, f"{name}_sha256")
    if stated != sha256:
        yield _problem(
            ("outcome", f"{name}_sha256"),
            f"it is {shown(stated[:12])}, and the attached {name} has the hash {shown(sha256[:12])}; "
            "attach the record that the outcome was made from, or make the outcome again",
        )


def _changes(submission: Submission, prediction: Prediction | None, transfer: Transfer) -> Iterator[Problem]:
    outcome = submission.outcome
    made = [one.model_dump() for one in figures_of(transfer.answers, transfer.seeds)]
    stored = [one.model_dump() for one in transfer.domains]
    yield from _differences(stored, made, ("transfer", "domains"), "the answers give")
    if prediction is None:
        yield from _domains(outcome, transfer)
        return
    predicted = {domain.domain for domain in prediction.domains}
    if not predicted & {change.domain for change in transfer.domains}:
        yield _problem(("transfer", "domains"), "none of its domains was predicted; attach the records of one run")
        return
    again = summarise(prediction, transfer, model=outcome.model, training_set=outcome.training_set, home=outcome.home)
    stated, remade = outcome.model_dump(), again.model_dump()
    for name in ("created", "seeds", "domains", "tuning_seconds"):
        yield from _differences(stated[name], remade[name], ("outcome", name), "the attached records give")
    if again.post_hoc and not outcome.post_hoc:
        yield _problem(("outcome", "post_hoc"), "the transfer says that the prediction came late; set it to true")
    remade_scores = again.predictors
    if outcome.of_earlier_schema:
        remade_scores = tuple(map(_values_alone, remade_scores))
    yield from _same_predictors(outcome.predictors, remade_scores)


def _domains(outcome: Outcome, transfer: Transfer) -> Iterator[Problem]:
    """The transfer alone: the accuracies of those domains that the outcome has."""
    changes = {change.domain: change for change in transfer.domains}
    yield from _differences(outcome.seeds, transfer.seeds, ("outcome", "seeds"), "the attached transfer gives")
    for place, stated in enumerate(outcome.domains):
        at: Path = ("outcome", "domains", place)
        change = changes.get(stated.domain)
        if change is None:
            yield _problem(at, f"{shown(stated.domain)} is not in the attached transfer; leave it out")
            continue
        made = {"delta": change.delta, "se": change.se, "by_seed": tuple(one.delta for one in change.by_seed)}
        figures = {"n": change.n, "accuracy_before": change.accuracy_before, "accuracy": made}
        told = stated.model_dump(include={"n", "accuracy_before", "accuracy"})
        yield from _differences(told, figures, at, "the attached transfer gives")


def _scores(outcome: Outcome, prediction: Prediction) -> Iterator[Problem]:
    """The prediction alone: scores, not costs and summaries."""
    places = {one.name: place for place, one in enumerate(outcome.predictors)}
    for name, scores in prediction.by_predictor().items():
        if name not in places:
            yield _problem(("outcome", "predictors"), f"{shown(name)} of the attached prediction is missing; add it")
            continue
        at: Path = ("outcome", "predictors", places[name], "scores")
        yield from _differences(outcome.predictors[places[name]].values, scores, at, "the attached prediction gives")


def _same_predictors(stated: Sequence[PredictorScores], made: Sequence[PredictorScores]) -> Iterator[Problem]:
    places = {one.name: place for place, one in enumerate(stated)}
    remade = {one.name for one in made}
    for one in made:
        if one.name not in places:
            yield _problem(
                ("outcome", "predictors"), f"{shown(one.name)} of the attached prediction is missing; add it"
            )
            continue
        place = places[one.name]
        at = ("outcome", "predictors", place)
        yield from _differences(stated[place].model_dump(), one.model_dump(), at, "the attached prediction gives")
    for name, place in places.items():
        if name not in remade and ORACLE not in stated[place].flags:
            at = ("outcome", "predictors", place)
            yield _problem(
                at, f"{shown(name)} is in no attached record; remove it, or attach the prediction that has it"
            )


def _values_alone(one: PredictorScores) -> PredictorScores:
    """A predictor as outcomes of an earlier schema have it: without the errors of its scores."""
    scores = {domain: Score(value=score.value) for domain, score in one.scores.items()}
    return one.model_copy(update={"scores": scores, "seeds": ()})


def _differences(stated: Any, made: Any, at: Path, whence: str) -> Iterator[Problem]:
    """Where two dumps differ by more than rounding."""
    if isinstance(stated, Mapping) and isinstance(made, Mapping) and stated.keys() == made.keys():
        for key in made:
            yield from _differences(stated[key], made[key], (*at, key), whence)
    elif isinstance(stated, list | tuple) and isinstance(made, list | tuple) and len(stated) == len(made):
        for place, (one, other) in enumerate(zip(stated, made, strict=True)):
            yield from _differences(one, other, (*at, place), whence)
    elif not _equal(stated, made):
        yield _problem(
            at, f"it is {shown(stated)}, and {whence} {shown(made)}; correct it, or attach the right records"
        )


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=AGREES, abs_tol=AGREES)
    return bool(one == other)


def _problem(at: Path, message: str) -> Problem:
    return Problem(json_path(at), message)
