"""From lm-eval's samples to answers: the same reading for a run of our own and for saved files.

A sample of a multiple-choice task carries the log-likelihood of every option; one of a generating task
carries the text and what its filter read from it. Saved files hold numbers as strings.

A folder that `lm_eval --output_path … --log_samples` wrote holds `results_<date>.json` and, for each task,
`samples_<task>_<date>.jsonl`. Where it holds several dates, the newest samples of each task are taken and the choice
is reported.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sts_eval.data.tables import read_table
from sts_eval.errors import UserError
from sts_eval.records.answers import RIGHT, UNPARSED, WRONG
from sts_eval.transfer.pairing import Answer, Side

METRICS = ("exact_match", "acc")
"""Per-question metrics that are 1 for a right answer and 0 for a wrong one, in order of preference."""

NOT_FOUND = "[invalid]"  # what lm-eval's regex filters answer where they find nothing

Sample = Mapping[str, Any]

_SAMPLES = re.compile(r"samples_(?P<task>.+)_(?P<date>\d{4}-\d\d-\d\dT[\d.\-:]+)\.jsonl")


def answers_from(
    samples: Iterable[Sample],
    task: str,
    *,
    filter_name: str | None = None,
    length: Callable[[str], int] = len,
    limit: int | None = None,
) -> list[Answer]:
    """Read the answers of one task's samples, as `simple_evaluate` returns them or as its files hold them.

    The task's name stands in for the category where a document has none. An answer of `limit` or more, as `length`
    measures it, counts as cut off; None where the limit is not known.

    Raises:
        UserError: A sample has no right/wrong metric, or several filters read the task and none is chosen.
    """
    kept = list(samples)
    filters = sorted({str(sample.get("filter", "none")) for sample in kept})
    if filter_name is None and len(filters) > 1:
        raise UserError(f"task {task} is read by several filters ({', '.join(filters)})", "Choose one with --filter")
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
    document, right, options = sample["doc"], _is_right(sample, task), _loglikelihoods(sample["filtered_resps"])
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
        read = _generated(sample["filtered_resps"])
        if not right and (read is None or read.strip() in ("", NOT_FOUND)):
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
        if metric in sample and float(sample[metric]) in (0.0, 1.0):
            return float(sample[metric]) == 1.0
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


def read_lm_eval(path: Path, *, filter_name: str | None = None) -> Side:
    """Read the samples of one model, from the output folder or a folder above exactly one.

    Raises:
        UserError: There are no samples, or those of several models.
    """
    if not path.is_dir():
        raise UserError(f"there is no folder {path}", "Give the folder that lm_eval --output_path wrote")
    files = sorted(path.rglob("samples_*.jsonl"))
    found = [(file, match) for file in files if (match := _SAMPLES.fullmatch(file.name))]
    if not found:
        raise UserError(f"{path} holds no samples", "Run lm_eval again with --log_samples")
    folders = sorted({file.parent for file, _ in found})
    if len(folders) > 1:
        raise UserError(
            f"{path} holds results of several models ({', '.join(folder.name for folder in folders)})",
            "Give the folder of one of them",
        )
    newest = {match["task"]: file for file, match in found}  # dates sort as text, so the last file of a task counts
    warnings: tuple[str, ...] = ()
    if len(newest) < len(found):
        warnings = (f"{path.name} holds several runs of a task; the newest of each was taken",)
    answers = []
    for task, file in newest.items():
        try:
            answers += answers_from(read_table(str(file), split="test").rows, task, filter_name=filter_name)
        except KeyError as error:
            remedy = "Give samples that lm_eval --log_samples wrote"
            raise UserError(f"{file} has a sample without {error.args[0]!r}", remedy) from error
    return Side(_model_name(folders[0]), answers, list(newest.values()), warnings)


def _model_name(folder: Path) -> str:
    """The model's name in the newest results file, or else the folder's."""
    for file in sorted(folder.glob("results_*.json"), reverse=True):
        try:
            name = json.loads(file.read_text(encoding="utf-8")).get("model_name")
        except ValueError:  # a killed run leaves half a file; the samples stand
            continue
        if name:
            return str(name)
    return folder.name
