"""The one request type that STS adds to lm-evaluation-harness, and how a model answers it.

`evaluate()` answers requests by calling the method of the model that has the request type's name, so one method on the
base class serves `--model hf` with every option. A model that shows no hidden states (an API, vLLM) answers with a
clear error.
"""

import logging
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import torch
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from tqdm.auto import tqdm

from sts_eval.errors import UserError
from sts_eval.experiment import TuneSettings
from sts_eval.harness.plan import Plan, benchmark_of, domain_of, training_set_of
from sts_eval.model.hook import unwrapped
from sts_eval.model.sae_loading import load_sae
from sts_eval.prediction.collect import collect_scores
from sts_eval.predictors.predictor import Need, Predictor
from sts_eval.predictors.registry import select
from sts_eval.records.prediction import SCORES
from sts_eval.study.cost import CostMeter
from sts_eval.study.draws import choose_questions
from sts_eval.study.extractor import Extractor, assemble
from sts_eval.study.fit import Checked, check_sae
from sts_eval.study.question_scores import read_domain
from sts_eval.study.scoring import ScoresBySeed
from sts_eval.study.shifted_features import measure_shift

REQUEST = "sts_scores"  # the request type, and the name of the method that answers it

_Result = TypeVar("_Result")

_logger = logging.getLogger(__name__)


class Request(NamedTuple):
    """A question to score."""

    plan: str  # the Plan, as JSON
    domain: str
    position: int  # in the domain's questions
    seeds: tuple[int, ...]  # that drew it


def install() -> None:
    """Give every model of the harness the method that answers the request."""
    setattr(LM, REQUEST, _answer)


def _answer(lm: Any, instances: Sequence[Instance]) -> list[dict[int, dict[str, float]]]:
    """Scores of questions, by seed, in the order of the requests."""
    requests = [Request(*instance.args[1:]) for instance in instances]
    scores: dict[Request, dict[int, dict[str, float]]] = {}
    with exits_like_a_command():
        if not isinstance(getattr(lm, "model", None), torch.nn.Module) or not hasattr(lm, "tokenizer"):
            raise UserError(
                f"a model of type {type(lm).__name__} shows no hidden states, which STS reads", "Use --model hf"
            )
        for text in dict.fromkeys(request.plan for request in requests):
            mine = [request for request in dict.fromkeys(requests) if request.plan == text]
            scores |= _scores_of_plan(lm, Plan.model_validate_json(text), mine)
    return [scores[request] for request in requests]


def other_predictors(plan: Plan) -> tuple[Predictor, ...]:
    """The predictors beside STS that a plan asks for. The harness runs models without gradients, so none needs them.

    Raises:
        UserError: There is no predictor or group of a name.
    """
    return tuple(
        one
        for one in select(plan.settings.predictors)
        if one.name not in SCORES and one.needs.isdisjoint({Need.GRADIENTS, Need.PROBE})
    )


def _scores_of_plan(lm: Any, plan: Plan, requests: Sequence[Request]) -> dict[Request, dict[int, dict[str, float]]]:
    device = str(unwrapped(lm.model).get_input_embeddings().weight.device)
    model_id = plan.model_id or lm.model.config._name_or_path
    autoencoder = load_sae(plan.sae, model_id=model_id, device=device)
    extractor = assemble(lm.model, lm.tokenizer, autoencoder, plan.settings, context=lm.max_length)

    def check() -> Checked:
        training_set = training_set_of(plan.training_set)
        return check_sae(extractor, training_set, model_id=model_id, allow_mismatch=plan.sae.allow_mismatch)

    checked = _computed_once(check)
    if checked.fit and lm.rank == 0:
        tqdm.write(checked.fit.line, file=sys.stderr)
    others = other_predictors(plan)
    skipped = [one.name for one in select(plan.settings.predictors) if one.name not in SCORES and one not in others]
    if skipped and lm.rank == 0:
        _logger.warning("%s need gradients; `sts-eval predict` computes them.", ", ".join(skipped))
    with tqdm(total=len(requests), desc="Running sts_scores requests", disable=lm.rank != 0) as bar:
        if others:
            asked = _gathered(requests)
            questions, beside = _computed_once(lambda: _collected(extractor, plan, others, asked))
            bar.update(len(requests))
        else:

            def shifted_features() -> dict[int, tuple[int, ...]]:
                training_set = training_set_of(plan.training_set)
                return {seed: measure_shift(extractor, training_set, seed).features for seed in plan.settings.seeds}

            features = _computed_once(shifted_features)
            questions, beside = {}, {}
            for name, chosen in _chosen(plan, requests).items():
                reading = read_domain(extractor, domain_of(plan.benchmark, name), features, chosen)
                questions[name] = reading.questions
                bar.update(len({position for taken in chosen.values() for position in taken}))
    data = training_set_of(plan.training_set).warnings, benchmark_of(plan.benchmark).warnings
    for lines in (*data, checked.warnings, extractor.prompter.warnings, extractor.reader.warnings):
        for line in lines:
            _logger.warning(line)
    return {
        request: {
            seed: questions[request.domain][seed][request.position]._asdict() | beside.get(request.domain, {})
            for seed in request.seeds
        }
        for request in requests
    }


def _collected(
    extractor: Extractor, plan: Plan, others: Sequence[Predictor], requests: Sequence[Request]
) -> tuple[dict[str, ScoresBySeed], dict[str, dict[str, float]]]:
    """Scores of the questions by domain, and by domain the other predictors' values; all read once."""
    chosen = _chosen(plan, requests)
    found = collect_scores(
        (*select(SCORES), *others),
        extractor,
        training_set_of(plan.training_set),
        {name: domain_of(plan.benchmark, name) for name in chosen},
        tune=TuneSettings(),
        costs=CostMeter(),
        chosen=chosen,
    )
    beside = {
        name: {one.name: one.values.get(name, math.nan) for one in found.predictors if one.name not in SCORES}
        for name in chosen
    }
    return {reading.domain: reading.questions for reading in found.readings}, beside


def _chosen(plan: Plan, requests: Sequence[Request]) -> dict[str, dict[int, list[int]]]:
    """By domain, then by seed, the positions that are asked for, in the order in which the seed draws them."""
    asked: dict[str, dict[int, set[int]]] = {}
    for request in requests:
        by_seed = asked.setdefault(request.domain, {seed: set() for seed in plan.settings.seeds})
        for seed in request.seeds:
            by_seed[seed].add(request.position)
    found = {}
    for name, by_seed in asked.items():
        domain = domain_of(plan.benchmark, name)
        orders = {seed: choose_questions(domain, seed, sys.maxsize, lambda _: 0) for seed in by_seed}
        found[name] = {seed: [one for one in orders[seed] if one in wanted] for seed, wanted in by_seed.items()}
    return found


def _gathered(requests: Sequence[Request]) -> list[Request]:
    """The requests of all processes, each once."""
    if not _distributed():
        return list(requests)
    parts: list[list[Request]] = [[] for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather_object(parts, list(requests))
    return list(dict.fromkeys(request for part in parts for request in part))


def _distributed() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def _computed_once(compute: Callable[[], _Result]) -> _Result:
    """What the first process computes, given to all, so that all work with the same."""
    if not _distributed():
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


@contextmanager
def exits_like_a_command() -> Iterator[None]:
    """Turn a UserError into a line on stderr and exit code 2 where `lm_eval` is the running command, as in our own.

    Called from Python, the exception itself is what a program can handle, so it passes.
    """
    try:
        yield
    except UserError as error:
        program = Path(sys.argv[0])
        if program.stem not in ("lm_eval", "lm-eval") and program.parts[-2:] != ("lm_eval", "__main__.py"):
            raise
        sys.stderr.write(f"Error: {error}\n")
        raise SystemExit(2) from None
