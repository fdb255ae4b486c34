"""From a request to the run that it asks for.

A request holds names, never places: what it names is looked up on a hub, or is the lab. Code that a model's repository
ships is not run, and pickled weights are not opened.
"""

import re

from pydantic import ValidationError

from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec, Run, SAESpec, TrainingSetSpec
from sts_eval.lab.experiment import lab_experiment
from sts_eval.records.ledger import EvaluationRequest
from sts_eval.records.record import now
from sts_eval.submission.problem import shown

LAB = "lab"
DEFAULT_SET = "math"

_HUB = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
_FILES = (".jsonl", ".json", ".csv", ".tsv", ".parquet")


def experiment_for(request: EvaluationRequest) -> Run:
    """The run that a request asks for, with the paper's settings, or the lab's.

    Raises:
        UserError: It names neither hub ids nor the lab.
    """
    model, training_set = request.model, request.training_set
    source, _, lab_set = training_set.partition(":")
    if LAB in (model, source):
        if model != source:
            problem = f"{model} on {training_set} mixes the lab with a name from the hub"
            raise UserError(problem, "Ask for lab and lab:math")
        if request.sae_release is not None or request.sae_id is not None:
            raise UserError("the lab has one SAE of its own", "Name no SAE")
        return lab_experiment(lab_set or DEFAULT_SET)
    for name, what in ((model, "model"), (training_set, "training set")):
        if not _HUB.fullmatch(name) or ".." in name or name.lower().endswith(_FILES):
            raise UserError(f"{name!r} is no {what} on the hub", "Give owner/name, or lab")
    if (request.sae_release is None) != (request.sae_id is None):
        raise UserError("an SAE has a release and an id", "Give both, or neither for the model's known default")
    return Run(
        model=ModelSpec(id=model),
        sae=SAESpec(release=request.sae_release, id=request.sae_id),
        training_set=TrainingSetSpec(source=training_set),
    )


def request_for(
    *, model: str, training_set: str, sae_release: str | None, sae_id: str | None, by: str
) -> EvaluationRequest:
    """A request that a worker can run.

    Raises:
        UserError: It names neither hub ids nor the lab, or a name does not fit.
    """
    try:
        request = EvaluationRequest(
            model=model, training_set=training_set, sae_release=sae_release, sae_id=sae_id, by=by, created=now()
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"{first['loc'][0]}: {shown(first['input'])} is no name", "Give owner/name, or lab") from error
    experiment_for(request)
    return request
