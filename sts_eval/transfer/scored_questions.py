"""Which questions are scored: one pool per domain, less what the prediction read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sts_eval.data.sampling import shuffled
from sts_eval.errors import UserError
from sts_eval.experiment import MeasureSettings
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import fingerprint

DEFAULT_ANSWER_TOKENS = 256  # tokens after which lm-eval cuts a generated answer where a task does not say


@dataclass(frozen=True)
class Selection:
    """The questions of one task that are scored."""

    indices: tuple[int, ...]  # positions among the task's documents, ascending, as lm-eval's `samples` takes them
    question_ids: tuple[str, ...]  # the benchmark's own, in the same order
    sha256: str  # of their prompts, right answers and options, and of the task's version
    answer_tokens: int | None  # where a generated answer is cut; None for a task that scores options
    domain: str | None = None  # the prediction's, where that is the task itself; otherwise documents name theirs


def choose_questions(
    settings: MeasureSettings, tasks: Mapping[str, Any], prediction: Prediction | None
) -> tuple[dict[str, Selection], int]:
    """Choose the questions to score. Where there is a prediction, only its domains are scored.

    Which questions a prediction read depends on the model's tokenizer and the settings of the prediction, neither on
    its SAE nor on its training set.

    Returns:
        Selections by task, and how many questions were left out because the prediction had read them.

    Raises:
        UserError: Nothing is left of a domain, or the prediction read another benchmark.
    """
    read = {scores.domain: frozenset(scores.question_ids) for scores in prediction.domains} if prediction else {}
    pools: dict[str, list[tuple[str, int]]] = {}
    met = set()
    for name, task in tasks.items():
        for index, document in enumerate(task.eval_docs):
            domain = name if name in read else domain_of(document, name)
            identity = _identity(document, index)
            if prediction is not None and domain not in read:
                continue
            pool = pools.setdefault(domain, [])
            was_read = identity in read.get(domain, ())
            if was_read:
                met.add((domain, identity))
            if settings.questions == "same" or not was_read:
                pool.append((name, index))
    if prediction is not None and not met:
        raise UserError(
            f"task {settings.task} has none of the questions that the prediction read",
            "Measure on the benchmark that was predicted",
        )
    if not pools:
        raise UserError(f"task {settings.task} has no questions", "Choose another task")
    taken: dict[str, list[int]] = {name: [] for name in tasks}
    for domain, pool in pools.items():
        if not pool:
            raise UserError(
                f"the prediction read every question of {domain}, so none is left to score",
                "Lower settings.domain_tokens, or set measure.questions: same to score those that it read",
            )
        for position in shuffled(len(pool), settings.seed, "scored questions", domain)[: settings.max_questions]:
            name, index = pool[position]
            taken[name].append(index)
    chosen = {
        name: replace(_select(tasks[name], sorted(indices), settings), domain=name if name in read else None)
        for name, indices in taken.items()
        if indices
    }
    return chosen, len(met) if settings.questions == "disjoint" else 0


def domain_of(document: Mapping[str, Any], task: str) -> str:
    """The domain of a question: its category, or the task where it has none."""
    return str(document.get("category") or task)


def _select(task: Any, indices: Sequence[int], settings: MeasureSettings) -> Selection:
    documents = task.eval_docs
    limit = None
    if task.get_config("output_type") == "generate_until":
        own = (task.get_config("generation_kwargs") or {}).get("max_gen_toks", DEFAULT_ANSWER_TOKENS)
        limit = settings.max_answer_tokens or int(own)
    identities = tuple(_identity(documents[index], index) for index in indices)
    asked = [[str(part) for part in _asked(task, documents[index])] for index in indices]
    return Selection(tuple(indices), identities, fingerprint([str(task.VERSION), asked]), limit)


def _asked(task: Any, document: Mapping[str, Any]) -> list[Any]:
    """The prompt, the right answer, and the options where they are scored."""
    scores_options = task.get_config("output_type") == "multiple_choice"
    options = task.doc_to_choice(document) if scores_options else []
    return [task.doc_to_text(document), task.doc_to_target(document), *options]


def _identity(document: Mapping[str, Any], index: int) -> str:
    return str(document.get("question_id", index))
