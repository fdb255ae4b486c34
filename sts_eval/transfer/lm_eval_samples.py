"""From lm-eval's samples to answers: the same reading for a run of our own and for saved files.

A sample of a multiple-choice task carries the log-likelihood of every option; one of a generating task carries the text
and what its filter read from it. Saved files hold numbers as strings, and the right option as lm-eval's task gives it:
its number, its text or its letter.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sts_eval.data.options import LETTERS, letter_of
from sts_eval.errors import UserError
from sts_eval.records.answers import RIGHT, UNPARSED, WRONG
from sts_eval.transfer.answer_table import asked
from sts_eval.transfer.pairing import Answer

METRICS = ("exact_match", "acc")
"""Per-question metrics that are 1 for a right answer and 0 for a wrong one, in order of preference."""

FALLBACK_METRIC = "acc_norm"  # the most likely option per character; taken before metrics that a task names itself

NOT_FOUND = "[invalid]"  # what lm-eval's regex filters answer where they find nothing

AGREEING = 0.9
"""Share of verdicts that have to follow from the right options as they are read."""

Sample = Mapping[str, Any]


class NoVerdictError(UserError):
    """A task's samples have no metric that is 1 for a right answer and 0 for a wrong one."""


def answers_from(
    samples: Iterable[Sample],
    task: str,
    *,
    filter_name: str | None = None,
    metric: str | None = None,
    length: Callable[[str], int] = len,
    limit: int | None = None,
) -> list[Answer]:
    """Read the answers of one task's samples, as `simple_evaluate` returns them or as its files hold them.

    The task's name stands in for the category where a document has none. An answer of `limit` or more, as `length`
    measures it, counts as cut off; None where the limit is not known. A log-probability that is not finite is NaN.

    Raises:
        UserError: No metric says what is right, or several filters or metrics do and none is chosen.
        KeyError: A sample lacks a field.
    """
    kept = filtered(list(samples), task, filter_name)
    name = verdict_metric(kept, task, metric)
    right = [_truth(sample.get(name)) is True for sample in kept]
    options = [_loglikelihoods(sample) for sample in kept]
    places = _right_options(kept, options)
    return [_answer(*found, task, length, limit) for found in zip(kept, right, options, places, strict=True)]


def filtered(samples: Sequence[Sample], task: str, filter_name: str | None) -> Sequence[Sample]:
    """The samples as one filter reads them: the only one, or the named one.

    Raises:
        UserError: Several filters read the task and none of them is named.
    """
    filters = sorted({str(sample.get("filter", "none")) for sample in samples})
    if len(filters) > 1 and filter_name is None:
        raise UserError(f"task {task} is read by several filters ({', '.join(filters)})", "Choose one with --filter")
    if len(filters) > 1 and filter_name not in filters:
        raise UserError(f"task {task} has no filter {filter_name!r}", f"Choose among {', '.join(filters)}")
    return samples if len(filters) <= 1 else [one for one in samples if str(one.get("filter", "none")) == filter_name]


def verdict_metric(samples: Sequence[Sample], task: str, chosen: str | None = None) -> str:
    """The metric that says of every sample whether the answer is right.

    It is the chosen one if the task has it, the first of `METRICS` that it has, `FALLBACK_METRIC`, or the only other
    one that is 0 or 1 throughout.

    Raises:
        NoVerdictError: There is none.
        UserError: There are several others.
    """
    first = samples[0] if samples else {}
    named = [name for name in first.get("metrics") or first if name in first]
    found: list[str] = [name for name in named if all(_truth(sample.get(name)) is not None for sample in samples)]
    if chosen in found:
        return chosen
    usual = [name for name in (*METRICS, FALLBACK_METRIC) if name in found]
    other = [name for name in found if name not in _FIELDS]
    if not usual and len(other) > 1:
        raise UserError(
            f"task {task} has several metrics that are 0 or 1 ({', '.join(other)})", "Choose one with --metric"
        )
    if not usual and not other:
        told = f"; its metrics are {', '.join(named)}" if first.get("metrics") else ""
        raise NoVerdictError(
            f"the samples of task {task} do not say which answers are right ({' or '.join(METRICS)}){told}",
            "Choose a task that scores each question 0 or 1",
        )
    return (usual or other)[0]


def contradicted(samples: Sequence[Sample], used: str) -> list[str]:
    """The other metrics by which some answers are right, where by the `used` one none is."""
    if any(_truth(sample.get(used)) for sample in samples):
        return []
    names = [name for name in samples[0].get("metrics") or samples[0] if name not in (*_FIELDS, used)]
    verdicts = {name: [_truth(sample.get(name)) for sample in samples] for name in names}
    return [name for name, found in verdicts.items() if any(found) and None not in found]


_FIELDS = ("doc_id", "filter", "target", "doc", "resps", "filtered_resps", "arguments")  # of a sample, beside metrics


def _truth(value: Any) -> bool | None:
    """True for 1, False for 0, as numbers, truth values or text; None for anything else."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return {"True": True, "False": False}.get(value) if isinstance(value, str) else None
    return number == 1 if number in (0, 1) else None


def normalised_logprob(loglikelihoods: Sequence[float], right: int) -> float:
    """The right option's log-probability under a softmax over the options, in nats; NaN if it is not finite."""
    top = max(loglikelihoods)
    if any(map(math.isnan, loglikelihoods)) or not math.isfinite(top) or not math.isfinite(loglikelihoods[right]):
        return math.nan
    return loglikelihoods[right] - top - math.log(sum(math.exp(value - top) for value in loglikelihoods))


def _logprob(options: Sequence[float] | None, place: int | None) -> float | None:
    """The right option's log-probability, NaN also where an option's NaN keeps from telling which one is right."""
    if options is None:
        return None
    if any(map(math.isnan, options)):
        return math.nan
    return None if place is None else normalised_logprob(options, place)


def _answer(
    sample: Sample,
    right: bool,
    options: Sequence[float] | None,
    place: int | None,
    task: str,
    length: Callable[[str], int],
    limit: int | None,
) -> Answer:
    document = sample["doc"]
    text, size, cut = None, None, None
    verdict = RIGHT if right else WRONG
    if options is None:
        text = _generated(sample["resps"])
        if text is not None:
            size = length(text)
            cut = None if limit is None else size >= limit
        read = _generated(sample["filtered_resps"])
        if not right and (read is None or read.strip() in ("", NOT_FOUND)):
            verdict = UNPARSED
    question, listed = asked(document)
    return Answer(
        domain=str(document.get("category") or task),
        question_id=str(sample["doc_id"] if document.get("question_id") is None else document["question_id"]),
        target=str(sample["target"]),
        verdict=verdict,
        logprob=_logprob(options, place),
        length=size,
        truncated=cut,
        prompt_hash=sample.get("prompt_hash") or _prompt_hash(sample),
        question=question,
        options=listed,
        response=text if options is None else str(options),
        n_options=None if options is None else len(options),
    )


def _loglikelihoods(sample: Sample) -> list[float] | None:
    """One log-likelihood per option, or None where the task generates text."""
    responses = sample["filtered_resps"]
    if not isinstance(responses, list | tuple):
        return None
    pairs = [response for response in responses if isinstance(response, list | tuple) and len(response) > 1]
    if len(pairs) < len(responses) or len(pairs) <= 1:
        return None
    try:
        return [float(pair[0]) for pair in pairs]
    except (TypeError, ValueError):
        return None


def _right_options(samples: Sequence[Sample], options: Sequence[Sequence[float] | None]) -> list[int | None]:
    """Which option is right in each sample, None where its target does not tell.

    A target such as "1" may be a number or a text. Of the ways to read it, the one is taken from which the task's own
    verdicts follow. Where two follow equally well, or there are no verdicts to follow, and they differ, none is taken.
    """
    unknown: list[int | None] = [None] * len(samples)
    if mutual_information(samples):
        return unknown
    found: list[tuple[float, list[int | None]]] = []
    for read in (_by_number, _by_text, _by_letter):
        places = [
            None if values is None else read(sample, len(values))
            for sample, values in zip(samples, options, strict=True)
        ]
        told = [
            place is not None and _follows(sample, values, place)
            for sample, values, place in zip(samples, options, places, strict=True)
            if values is not None and not any(map(math.isnan, values))
        ]
        agreeing = sum(told) / len(told) if told else 0.0
        if agreeing >= AGREEING:
            found.append((agreeing, places))
    most = max((agreeing for agreeing, _ in found), default=0.0)
    first, *others = [places for agreeing, places in found if agreeing == most] or [unknown]
    return first if all(places == first for places in others) else unknown


def mutual_information(samples: Sequence[Sample]) -> bool:
    """Whether log-likelihoods without the question stand among those with it.

    Beside `acc_mutual_info` lm-eval lists both, in an order that depends on its version, so none is read.
    """
    return any("acc_mutual_info" in sample for sample in samples[:1])


def _follows(sample: Sample, values: Sequence[float], place: int) -> bool:
    """Whether the verdict is that of lm-eval if the option at `place` is the right one.

    `acc` is 1 where it has the largest log-likelihood, `acc_norm` where it has the largest per character. Without
    either, any place will do.
    """
    verdict = _truth(sample.get("acc"))
    if verdict is None:
        verdict = _truth(sample.get(FALLBACK_METRIC))
        texts = _option_texts(sample)
        if len(texts) != len(values) or not all(texts):
            return True
        values = [value / len(text) for value, text in zip(values, texts, strict=True)]
    return verdict is None or verdict == (values.index(max(values)) == place)


def _by_number(sample: Sample, n: int) -> int | None:
    target = str(sample["target"]).strip()
    return next((place for place in range(n) if target == str(place)), None)


def _by_text(sample: Sample, n: int) -> int | None:
    texts, target = _option_texts(sample), str(sample["target"]).strip()
    return texts.index(target) if len(texts) == n and texts.count(target) == 1 else None


def _requests(sample: Sample) -> list[Sequence[Any]]:
    """What the model was asked, a prompt and what follows it a request, in any of lm-eval's shapes."""
    calls = sample.get("arguments") or ()
    values = list(calls.values()) if isinstance(calls, Mapping) else list(calls)
    parts = [list(call.values()) if isinstance(call, Mapping) else call for call in values]
    return [part for part in parts if isinstance(part, list | tuple)]


def _prompt_hash(sample: Sample) -> str | None:
    """The hash that lm-eval gives to a prompt, for files of versions that did not yet save it."""
    first = next(iter(_requests(sample)), ())
    known = bool(first) and isinstance(first[0], str)
    return hashlib.sha256(first[0].encode("utf-8", "backslashreplace")).hexdigest() if known else None


def _option_texts(sample: Sample) -> list[str]:
    """The options' texts, which lm-eval kept as what the model continues with."""
    return [str(part[1]).strip() for part in _requests(sample) if len(part) > 1]


def _by_letter(sample: Sample, n: int) -> int | None:
    letter = letter_of(str(sample["target"]))
    place = LETTERS.index(letter) if letter else n
    return place if place < n else None


def _generated(responses: Any) -> str | None:
    """The first generated text within lm-eval's nested lists."""
    while isinstance(responses, list | tuple) and responses:
        responses = responses[0]
    return responses if isinstance(responses, str) else None
