"""From lm-eval's samples to answers: the same reading for a run of our own and for saved files.

A sample of a multiple-choice task carries the log-likelihood of every option; one of a generating task
carries the text and what its filter read from it. Saved files hold numbers as strings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sts_eval.errors import UserError
from sts_eval.records.answers import RIGHT, UNPARSED, WRONG
from sts_eval.transfer.pairing import Answer

METRICS = ("exact_match", "acc")
"""Per-question metrics that are 1 for a right answer and 0 for a wrong one, in order of preference."""

NOT_FOUND = "[invalid]"
"""What lm-eval's regex filters answer where they find nothing."""

Sample = Mapping[str, Any]


def answers_from(
    samples: Iterable[Sample],
    task: str,
    *,
    filter_name: str | None = None,
    length: Callable[[str], int] = len,
    limit: int | None = None,
) -> list[Answer]:
    """Read the answers of one task's samples.

    Args:
        samples: As `simple_evaluate` returns them or as its files hold them.
        task: The task's name, which stands in for the category where a document has none.
        filter_name: Which filter's reading to take where a task has several.
        length: Measures a generated answer.
        limit: Length from which an answer counts as cut off; None where the limit is not known.

    Raises:
        UserError: A sample has no right/wrong metric, or several filters read the task and none is chosen.
    """
    kept = list(samples)
    filters = sorted({str(sample.get("filter", "none")) for sample in kept})
    if filter_name is None and len(filters) > 1:
        raise UserError(
            f"task {task} is read by several filters ({', '.join(filters)})", "Leave one filter in the task file"
        )
    if filter_name is not None:
        kept = [sample for sample in kept if str(sample.get("filter", "none")) == filter_name]
        if not kept:
            raise UserError(f"task {task} has no filter {filter_name!r}", f"Choose among {', '.join(filters)}")
    return [_answer(sample, task, length, limit) for sample in kept]


def normalised_logprob(loglikelihoods: Sequence[float], right: int) -> float:
    """The right option's log-probability under a softmax over the options, in nats."""
    top = max(loglikelihoods)
    return loglikelihoods[right] - top - math.log(sum(math.exp(value - top) for value in loglikelihoods))


def _answer(sample: Sample, task: str, length: Callable[[str], int], limit: int | None) -> Answer:
    document = sample["doc"]
    right = _is_right(sample, task)
    options = _loglikelihoods(sample["filtered_resps"])
    logprob, size, cut = None, None, None
    verdict = RIGHT if right else WRONG
    if options is not None:
        target = int(sample["target"]) if str(sample["target"]).isdecimal() else None
        if target is not None and target < len(options):
            logprob = normalised_logprob(options, target)
    else:
        text = _generated(sample["resps"])
        if text is not None:
            size = length(text)
            cut = None if limit is None else size >= limit
        if not right and _unparsed(sample["filtered_resps"]):
            verdict = UNPARSED
    return Answer(
        domain=str(document.get("category") or task),
        question_id=str(document.get("question_id", sample["doc_id"])),
        target=str(sample["target"]),
        verdict=verdict,
        logprob=logprob,
        length=size,
        truncated=cut,
        prompt_hash=sample.get("prompt_hash"),
    )


def _is_right(sample: Sample, task: str) -> bool:
    for metric in METRICS:
        if metric in sample:
            value = float(sample[metric])
            if value in (0.0, 1.0):
                return value == 1.0
    raise UserError(
        f"the samples of task {task} do not say which answers are right ({' or '.join(METRICS)})",
        "Choose a task that scores each question 0 or 1",
    )


def _loglikelihoods(responses: Sequence[Any]) -> list[float] | None:
    """One log-likelihood per option, or None where the task generates text."""
    pairs = [response for response in responses if isinstance(response, list | tuple) and len(response) > 1]
    if len(pairs) < len(responses) or len(pairs) <= 1:
        return None
    try:
        return [float(pair[0]) for pair in pairs]
    except ValueError:
        return None


def _generated(responses: Any) -> str | None:
    """The first generated text within lm-eval's nested lists."""
    while isinstance(responses, list | tuple) and responses:
        responses = responses[0]
    return responses if isinstance(responses, str) else None


def _unparsed(responses: Sequence[Any]) -> bool:
    text = _generated(responses)
    return text is None or text.strip() in ("", NOT_FOUND)
