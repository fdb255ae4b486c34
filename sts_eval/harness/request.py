"""The one request type that STS adds to lm-evaluation-harness, and how a model answers it.

`evaluate()` answers requests by calling the method of the model that has the request type's name,
so one method on the base class serves `--model hf` with every option that it has. A model that
shows no hidden states (an API, vLLM) answers with a clear error.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar, cast

import torch
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from tqdm.auto import tqdm

from sts_eval.data.training_set import load_training_set
from sts_eval.errors import UserError
from sts_eval.harness.columns import columns_of
from sts_eval.harness.failure import exits_like_a_command
from sts_eval.harness.plan import Plan, benchmark_of, domain_of
from sts_eval.model.hook import unwrapped
from sts_eval.model.sae import load_sae
from sts_eval.progress import silent
from sts_eval.study.extractor import Extractor, assemble
from sts_eval.study.question_scores import read_domain
from sts_eval.study.shifted_features import Shift, measure_shift

REQUEST = "sts_scores"

_Result = TypeVar("_Result")

_logger = logging.getLogger(__name__)


class Request(NamedTuple):
    """A question to score.

    Attributes:
        plan: The Plan, as JSON.
        domain: Its domain.
        position: Its position in the domain's questions.
        seeds: The seeds that drew it.
    """

    plan: str
    domain: str
    position: int
    seeds: tuple[int, ...]


def install() -> None:
    """Give every model of the harness the method that answers the request."""
    setattr(LM, REQUEST, _answer)


def _answer(lm: Any, instances: Sequence[Instance]) -> list[dict[int, dict[str, float]]]:
    with exits_like_a_command():
        if not isinstance(getattr(lm, "model", None), torch.nn.Module) or not hasattr(lm, "tokenizer"):
            raise UserError(
                f"a model of type {type(lm).__name__} shows no hidden states, which STS reads",
                "Use --model hf",
            )
        return scores_for(lm, [Request(*instance.args[1:]) for instance in instances])


def scores_for(lm: Any, requests: Sequence[Request]) -> list[dict[int, dict[str, float]]]:
    """Scores of questions, by seed, in the order of the requests.

    Args:
        lm: A loaded `HFLM`.
        requests: Questions of any domains and plans.

    Raises:
        UserError: The SAE, the training set or a question does not fit the model.
    """
    scores: dict[Request, dict[int, dict[str, float]]] = {}
    for text in dict.fromkeys(request.plan for request in requests):
        plan = Plan.model_validate_json(text)
        mine = [request for request in dict.fromkeys(requests) if request.plan == text]
        scores |= _scores_of_plan(lm, plan, mine)
    return [scores[request] for request in requests]


def _scores_of_plan(lm: Any, plan: Plan, requests: Sequence[Request]) -> dict[Request, dict[int, dict[str, float]]]:
    extractor = _instrument(lm, plan)
    shifts = _computed_once(lambda: _shifts(extractor, plan))
    names = list(dict.fromkeys(request.domain for request in requests))
    columns = _computed_once(lambda: columns_of(extractor, plan, names)) if plan.settings.predictors else {}
    found: dict[Request, dict[int, dict[str, float]]] = {}
    total = sum(len(request.seeds) for request in requests)
    with tqdm(total=total, desc="Running sts_scores requests", disable=lm.rank != 0) as bar:
        for name in names:
            mine = [request for request in requests if request.domain == name]
            chosen = {
                shift.seed: [request.position for request in mine if shift.seed in request.seeds] for shift in shifts
            }
            domain = domain_of(plan.benchmark, name)
            reading = read_domain(extractor, domain, shifts, chosen)
            beside = {one: scores.get(name, math.nan) for one, scores in columns.items()}
            for request in mine:
                own = {seed: reading.questions[seed][request.position]._asdict() for seed in request.seeds}
                found[request] = {seed: scores | beside for seed, scores in own.items()}
                bar.update(len(request.seeds))
    for line in (*benchmark_of(plan.benchmark).warnings, *extractor.prompter.warnings, *extractor.reader.warnings):
        _logger.warning(line)
    return found


def _instrument(lm: Any, plan: Plan) -> Extractor:
    """Read through the model that the harness has loaded."""
    model = lm.model
    device = str(unwrapped(model).get_input_embeddings().weight.device)
    model_id = plan.model_id or model.config._name_or_path
    autoencoder = load_sae(plan.sae, model_id=model_id, device=device)
    return assemble(model, lm.tokenizer, autoencoder, plan.settings, context=lm.max_length)


def _shifts(extractor: Extractor, plan: Plan) -> list[Shift]:
    training_set = load_training_set(plan.training_set)
    for line in training_set.warnings:
        _logger.warning(line)
    return [measure_shift(extractor, training_set, seed, silent) for seed in plan.settings.seeds]


def _computed_once(compute: Callable[[], _Result]) -> _Result:
    """What the first process computes, given to all, so that all work with the same."""
    distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
    if not distributed:
        return compute()
    found: list[_Result | UserError | None] = [None]
    if torch.distributed.get_rank() == 0:
        try:
            found = [compute()]
        except UserError as error:
            found = [error]  # every process raises it, so that none waits for the others
    torch.distributed.broadcast_object_list(found, src=0)
    if isinstance(found[0], UserError):
        raise found[0]
    return cast(_Result, found[0])
