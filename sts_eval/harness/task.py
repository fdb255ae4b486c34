"""The lm-evaluation-harness task: one domain, a document per question, a score per document.

`group` makes one for each domain of a benchmark; `dataset_name` is the domain. The harness averages the documents'
scores and computes their standard errors, so its own table is the prediction.
"""

import functools
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from lm_eval.api.instance import Instance
from lm_eval.api.metrics import mean
from lm_eval.api.task import Task, TaskConfig

from sts_eval.experiment import ModelSpec
from sts_eval.harness.plan import Plan, domain_of, plan_from
from sts_eval.harness.request import REQUEST, Request, exits_like_a_command, install, other_predictors
from sts_eval.model.load import token_counter
from sts_eval.records.prediction import SCORES
from sts_eval.study.draws import choose_questions

_logger = logging.getLogger(__name__)

install()


class STSTask(Task):  # type: ignore[misc]  # lm-eval ships no types
    """STS of one domain."""

    VERSION = 1.0
    OUTPUT_TYPE = REQUEST

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self._config = TaskConfig(**config, output_type=REQUEST)
        self._docs: list[dict[str, Any]] | None = None

    def download(self, *_: Any, **__: Any) -> None:
        """Nothing: the benchmark is read when the first document is asked for."""

    def has_training_docs(self) -> bool:
        """No: the training set is not this task's documents."""
        return False

    def has_validation_docs(self) -> bool:
        """No: demonstrations are drawn inside the request."""
        return False

    def has_test_docs(self) -> bool:
        """Yes."""
        return True

    def test_docs(self) -> list[dict[str, Any]]:
        """The questions that the seeds draw within the token budget, in the first seed's order.

        `--limit` therefore takes a random part, not the first rows of the benchmark.
        """
        if self._docs is None:
            with exits_like_a_command():
                self._docs = self._draw()
        return self._docs

    def doc_to_text(self, doc: Mapping[str, Any]) -> str:
        """The question, options included where the benchmark lists them."""
        return str(doc["question"])

    def doc_to_target(self, _doc: Mapping[str, Any]) -> str:
        """Nothing: a prediction has no right answer yet."""
        return ""

    def fewshot_context(self, doc: Mapping[str, Any], *_: Any, **__: Any) -> str:
        """The question alone: which demonstrations precede it is part of the method."""
        return self.doc_to_text(doc)

    def construct_requests(self, doc: Mapping[str, Any], ctx: str, **kwargs: Any) -> Instance:
        """One request per question; its arguments say all that the score depends on but the model."""
        with exits_like_a_command():
            plan = self._plan(chat_template=bool(kwargs.get("apply_chat_template")))
        request = Request(plan.model_dump_json(), self.config.dataset_name, doc["position"], tuple(doc["seeds"]))
        metadata = kwargs.get("metadata", (None, None, None))
        return Instance(REQUEST, doc=dict(doc), arguments=(ctx, *request), idx=0, metadata=metadata)

    def process_results(self, doc: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """A score's mean over the seeds that drew the question; with several seeds, also its values by seed."""
        by_seed = results[0]
        metrics: dict[str, Any] = {name: float(np.mean([by_seed[s][name] for s in by_seed])) for name in SCORES}
        if len(self._plan().settings.seeds) > 1:
            metrics |= {f"{name}_seed_sd": {s: by_seed[s][name] for s in by_seed} for name in SCORES}
        any_seed = next(iter(by_seed.values()))
        return metrics | {name: value for name, value in any_seed.items() if name not in SCORES}

    def aggregation(self) -> dict[str, Callable[..., float]]:
        """Means over documents, which the harness gives a standard error; spread over seeds beside them."""
        means: dict[str, Callable[..., float]] = dict.fromkeys(SCORES, mean)
        spreads = {f"{name}_seed_sd": _spread_over_seeds for name in SCORES}
        with exits_like_a_command():
            others = other_predictors(self._plan())
        return means | spreads | {one.name: _of_domain for one in others}

    def higher_is_better(self) -> dict[str, bool]:
        """Neither: a high score says that tuning will change the domain, not that it will help."""
        return {}

    def _plan(self, *, chat_template: bool = False) -> Plan:
        return plan_from(self.config.metadata, chat_template=chat_template)

    def _draw(self) -> list[dict[str, Any]]:
        plan = self._plan()
        domain = domain_of(plan.benchmark, self.config.dataset_name)
        tokenizer = str(self.config.metadata.get("tokenizer") or plan.model_id)
        if not tokenizer:
            _logger.warning("No tokenizer is named, so all questions are read (--metadata tokenizer=ID limits them).")
        length = _token_counter(ModelSpec(id=tokenizer)) if tokenizer else lambda _: 0
        chosen: dict[int, list[int]] = {}
        for seed in plan.settings.seeds:
            for position in choose_questions(domain, seed, plan.settings.domain_tokens, length):
                chosen.setdefault(position, []).append(seed)
        asked = ((domain.questions[position], position, seeds) for position, seeds in chosen.items())
        return [
            {"question_id": one.id, "category": domain.name, "question": one.text, "position": position, "seeds": seeds}
            for one, position, seeds in asked
        ]


_token_counter = functools.cache(token_counter)


def _of_domain(documents: Sequence[float]) -> float:
    """The domain's value, which every document carries."""
    return documents[0]


def _spread_over_seeds(documents: Sequence[Mapping[int, float]]) -> float:
    """Standard deviation over seeds of the per-seed means; NaN where the documents are of one seed."""
    values: dict[int, list[float]] = {}
    for document in documents:
        for seed, value in document.items():
            values.setdefault(seed, []).append(value)
    means = [np.mean(scores) for scores in values.values()]
    return float(np.std(means, ddof=1)) if len(means) > 1 else float("nan")
