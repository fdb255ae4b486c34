"""Merging a LoRA adapter into the weights that are measured: attached, it makes scoring several times slower.

Merged weights are rounded to the model's type, so a few questions are scored both ways first.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any

from lm_eval.api.instance import Instance

from sts_eval.transfer.agreement import Scored, disagreement
from sts_eval.transfer.scored_questions import Selection

CHECKED = 8  # questions that are scored both ways, of as many tasks as there are

_logger = logging.getLogger(__name__)


def with_merged_adapter(
    load: Callable[[], Any], tasks: Mapping[str, Any], chosen: Mapping[str, Selection]
) -> tuple[Any, str | None]:
    """Load lm-eval's model with its adapter and merge it, in memory.

    Returns:
        The model, and why the adapter is attached, if it is: the answers differ by more than rounding, or it is of a
        kind that cannot be merged.
    """
    lm = load()
    if not hasattr(lm.model, "merge_adapter"):
        return lm, _told(f"an adapter of the kind {type(lm.model).__name__} cannot be merged")
    questions = _sample(tasks, chosen)
    attached = _score(lm, questions)
    lm.model.merge_adapter()
    merged = _score(lm, questions)
    tokens = [[max(1, len(lm.tok_encode(text))) for _, text in question] for question in questions]
    rows = (Scored(*row) for row in zip(attached, merged, tokens, strict=True))
    why = disagreement(list(rows), lm.model.dtype)
    if why is None:
        return lm, None
    del lm  # taking the adapter out again would leave rounding behind
    return load(), _told(f"merged, {why}")


def _told(why: str) -> str:
    _logger.warning("The adapter stays attached, which is slower: %s.", why)
    return why


def _sample(tasks: Mapping[str, Any], chosen: Mapping[str, Selection]) -> list[list[tuple[str, str]]]:
    """Prompts and answers to score, by question: the options, or the right answer where text is generated."""
    by_task = ([(name, index) for index in selection.indices[:CHECKED]] for name, selection in chosen.items())
    turns = (pair for pair in chain.from_iterable(zip_longest(*by_task)) if pair is not None)
    questions = []
    for name, index in list(turns)[:CHECKED]:
        task = tasks[name]
        document = task.eval_docs[index]
        scores_options = task.get_config("output_type") == "multiple_choice"
        answers = task.doc_to_choice(document) if scores_options else [task.doc_to_target(document)]
        questions.append([(f"{task.doc_to_text(document)}", f" {answer}") for answer in answers])
    return questions


def _score(lm: Any, questions: Sequence[Sequence[tuple[str, str]]]) -> list[list[float]]:
    """Log-probabilities of the answers, in nats."""
    pairs = list(chain.from_iterable(questions))
    asked = [Instance("loglikelihood", {}, pair, index) for index, pair in enumerate(pairs)]
    found = iter(lm.loglikelihood(asked, disable_tqdm=True))
    return [[float(next(found)[0]) for _ in question] for question in questions]
