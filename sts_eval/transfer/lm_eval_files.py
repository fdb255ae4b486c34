"""Files of samples as lm-eval writes them, and details of the Open LLM Leaderboard, which are such files.

`lm_eval --output_path FOLDER --log_samples` writes, for each model,

    from 0.4.2 on     results_DATE.json, samples_TASK_DATE.jsonl (at first .json, which holds one list)
    0.4.0 and 0.4.1   results.json, MODEL_ARGS_TASK.jsonl (one list, with __ for / and = in MODEL_ARGS)

Of several dates the newest samples of each task are taken, and that is said. Samples of this tool's own tasks, which
may have run beside a benchmark, are scores and not answers, and are passed over.
"""

import ast
import json
import math
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from sts_eval.data.files import Row, ending, read_file
from sts_eval.data.text import LISTED
from sts_eval.errors import UserError
from sts_eval.transfer.answer_table import name_of
from sts_eval.transfer.archives import files_below
from sts_eval.transfer.lm_eval_samples import (
    METRICS,
    NoVerdictError,
    answers_from,
    contradicted,
    filtered,
    mutual_information,
    verdict_metric,
)
from sts_eval.transfer.pairing import Answer, Scoring, Side

_SAMPLES = re.compile(
    r"samples_(?P<task>.+?)(_(?P<date>\d{4}-\d\d-\d\dT[\d.\-:]+))?\.(jsonl?|parquet)(\.\w+)?", re.IGNORECASE
)
_OWN_DOCUMENT = {"position", "seeds"}  # what documents of the task in `sts_eval.harness` have, and no benchmark
_REMEDY = "Give the samples that lm_eval --log_samples writes beside its results"
_ENDINGS = (".json", ".jsonl", ".parquet")
_PEEKED = 2**20  # bytes of a file that are searched for the fields of a sample
UNNAMED = "all"
"""Domain of documents without a category where the task's name is not known."""


class _Sample(BaseModel):
    """What a sample has; its metrics stand beside, by name."""

    doc: dict[str, Any]
    doc_id: int | str
    target: Any
    resps: Any
    filtered_resps: Any
    arguments: dict[str, Any] | list[Any] | None = None
    filter: str | None = None
    metrics: list[str] | None = None
    prompt_hash: str | None = None


class SampleFile(NamedTuple):
    """A file of samples."""

    path: Path
    task: str
    date: str  # empty where the name has none
    model: str  # as the results beside it tell, or the name of the file or its folder


def read_lm_eval(
    path: Path, *, filter_name: str | None = None, metric: str | None = None, by_task: bool = False
) -> Side:
    """Read the samples of one model, from a file of samples, the output folder, or a folder above exactly one.

    Where a task has several filters or none of the usual metrics, `filter_name` and `metric` choose. Domains are the
    documents' categories, and the tasks where there are none or with `by_task`.

    Raises:
        UserError: There are no samples, those of several models, or no task that scores answers 0 or 1.
    """
    found = _find(path)
    newest = {file.task: file for file in sorted(found, key=lambda file: file.date)}  # dates sort as text
    warnings = []
    if len(newest) < len(found):
        warnings.append(f"{path.name} holds several runs of a task; the newest of each was taken")
    answers: list[Answer] = []
    scoring: dict[str, Scoring] = {}
    unscored: list[NoVerdictError] = []
    filters: set[str] = set()
    said: dict[str, list[str]] = {}
    for task, file in newest.items():
        rows = _rows(file.path)
        if all(set(row["doc"]) >= _OWN_DOCUMENT for row in rows):
            continue
        filters |= {str(row.get("filter", "none")) for row in rows}
        try:
            read = answers_from(rows, task, filter_name=filter_name, metric=metric)
        except NoVerdictError as error:
            unscored.append(error)
            continue
        except UserError as error:
            raise UserError(f"{file.path}: {error.problem}", error.remedy) from error
        answers += [answer._replace(domain=task) for answer in read] if by_task else read
        kept = filtered(rows, task, filter_name)
        scoring[task] = Scoring(verdict_metric(kept, task, metric), kept[0].get("filter"))
        for line in (*_doubtful(kept, scoring[task].metric, metric), *_unread(kept, read)):
            said.setdefault(line, []).append(task)
    if filter_name is not None and filter_name not in filters:
        raise UserError(
            f"{path} has no filter {filter_name!r}, only {', '.join(sorted(filters))}",
            "Choose one that all results have with --filter",
        )
    if unscored and not answers:
        raise unscored[0]
    if metric is not None and metric not in {one.metric for one in scoring.values()}:
        raise UserError(f"no task in {path} has a metric {metric!r} that is 0 or 1", "Choose another, or leave it out")
    if not answers:
        raise UserError(f"{path} holds samples of STS alone", "Give the folder of a benchmark's samples")
    warnings += [f"left out: {error.problem}" for error in unscored]
    warnings += [f"{_listed(tasks)}: {line}" for line, tasks in said.items()]
    warnings += _unusual(scoring, metric) + _not_finite(answers)
    files = [file.path for file in newest.values()]
    return Side(found[0].model, answers, files, tuple(warnings), scoring=scoring)


def _listed(tasks: Sequence[str]) -> str:
    return ", ".join(tasks) if len(tasks) <= LISTED else f"{len(tasks)} tasks"


def _doubtful(samples: Sequence[Row], used: str, chosen: str | None) -> list[str]:
    """That no answer is right by a metric that was not chosen, while another says that some are."""
    others = contradicted(samples, used) if used != chosen else []
    return [f"no answer is right by {used}, but some are by {name}; --metric {name} takes that one" for name in others]


def _unread(samples: Sequence[Row], answers: Sequence[Answer]) -> list[str]:
    """That log-probabilities were left out, since it is not known which option they should be of."""
    if not any(answer.logprob is None and answer.n_options is not None for answer in answers):
        return []
    why = (
        "the order of the log-likelihoods beside acc_mutual_info is not known"
        if mutual_information(samples)
        else "the targets do not tell which option is right, by its number (from 0), letter or text"
    )
    return [f"log-probabilities were left out, and verdicts kept: {why}"]


def _unusual(scoring: dict[str, Scoring], chosen: str | None) -> list[str]:
    """Which metric other than the usual ones and the chosen one says what is right, and of which tasks."""
    by_metric: dict[str, list[str]] = {}
    for task, one in scoring.items():
        by_metric.setdefault(one.metric, []).append(task)
    return [
        f"{_listed(tasks)}: {name} says which answers are right, since there is no {' or '.join(METRICS)}"
        for name, tasks in by_metric.items()
        if name not in (*METRICS, chosen)
    ]


def _not_finite(answers: Sequence[Answer]) -> list[str]:
    lost = [answer.domain for answer in answers if answer.logprob is not None and math.isnan(answer.logprob)]
    if not lost:
        return []
    return [
        f"log-probabilities that are no finite number (nan or -inf): {len(lost)}, so the change in log-probability is "
        f"left out for {', '.join(sorted(set(lost)))}; the verdicts were kept"
    ]


def _rows(path: Path) -> Sequence[Row]:
    rows = [_unquoted(row) for row in read_file(path).rows]
    for number, row in enumerate(rows, start=1):
        try:
            _Sample.model_validate(row)
        except ValidationError as error:
            first = error.errors()[0]
            name = first["loc"][0]
            told = f"has a sample without {name!r}" if first["type"] == "missing" else f"has an odd {name!r}"
            raise UserError(f"{path} {told} (sample {number}: {first['msg']})", _REMEDY) from error
    return rows


def _unquoted(row: Row) -> Row:
    """A sample whose lists of responses are lists also where a file holds them as text."""
    if not isinstance(row.get("resps"), str):
        return row
    return {**row} | {
        name: _literal(row[name]) for name in ("resps", "filtered_resps") if isinstance(row.get(name), str)
    }


def _literal(text: str) -> Any:
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):  # a text of the model's
        return text
    return found if isinstance(found, list) else text


def _find(path: Path) -> list[SampleFile]:
    """The files of samples at a path; never empty.

    Raises:
        UserError: There are none, or those of several models.
    """
    if path.is_file() and path.name.startswith("results"):
        raise UserError(f"{path} holds results without single answers", _REMEDY)
    if path.is_file():
        return [_described(path)]
    files = [file for file in files_below(path) if ending(file) in _ENDINGS]
    found = [file for file in files if _SAMPLES.fullmatch(file.name)] or list(filter(_holds_samples, files))
    if not found:
        raise UserError(f"{path} holds no samples", "Run lm_eval again with --log_samples")
    described = _in_one_folder(found)
    models = sorted({str(file.parent.relative_to(path)) for file in found})
    if len(models) == 1:
        models = sorted({file.model for file in described})
    if len(models) > 1:
        raise UserError(
            f"{path} holds results of several models ({', '.join(models)})",
            "Give the folder or the file of one of them",
        )
    return described


def _holds_samples(file: Path) -> bool:
    """Whether a file of any name begins with a sample."""
    import fsspec
    import pyarrow.parquet

    with fsspec.open(str(file), "rb", compression="infer") as opened:
        if ending(file) == ".parquet":
            try:
                return {"doc", "filtered_resps"} <= {*pyarrow.parquet.read_schema(opened).names}
            except pyarrow.ArrowException:
                return False
        head = opened.read(_PEEKED)
    return b'"filtered_resps"' in head and b'"doc"' in head


def _described(file: Path) -> SampleFile:
    """A file of samples with what its name and the results beside it tell."""
    match = _SAMPLES.fullmatch(file.name)
    if match:
        date = match["date"] or ""
        model = next(_models(file.parent, date), None)
        return SampleFile(file, match["task"], date, model or file.parent.name)
    stem = name_of(file)
    for results in _results(file.parent, ""):
        start = re.sub("/|=", "__", str(_config(results).get("model_args"))) + "_"
        if stem.startswith(start):
            return SampleFile(file, stem.removeprefix(start), "", _model(results) or stem)
        tasks = [task for task in results.get("results") or () if stem.endswith(f"_{task}")]
        if tasks:
            task = max(tasks, key=len)
            return SampleFile(file, task, "", stem.removesuffix(f"_{task}"))
    return SampleFile(file, UNNAMED, "", stem)


def _in_one_folder(files: Sequence[Path]) -> list[SampleFile]:
    """The files of a folder. Where nothing tells their tasks, these are what sets apart the files' names."""
    described = [_described(file) for file in files]
    unnamed = [file.model for file in described if file.task == UNNAMED]
    if len(unnamed) <= 1:
        return described
    start = os.path.commonprefix(unnamed).rpartition("_")[0]  # noqa: RUF071 -- names are compared by character
    return [
        file._replace(task=file.model[len(start) :].lstrip("_"), model=start or file.path.parent.name)
        if file.task == UNNAMED
        else file
        for file in described
    ]


def _models(folder: Path, date: str) -> Iterator[str]:
    return filter(None, map(_model, _results(folder, date)))


def _results(folder: Path, date: str) -> Iterator[dict[str, Any]]:
    """What the results files of a folder hold: that of the date first, then the newest."""
    files = sorted(folder.glob("results*.json"), reverse=True)
    for file in sorted(files, key=lambda file: not (date and date in file.name)):
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
        except ValueError:  # a killed run leaves half a file; the samples stand
            continue
        if isinstance(found, dict):
            yield found


def _config(results: dict[str, Any]) -> dict[str, Any]:
    found = results.get("config")
    return found if isinstance(found, dict) else {}


def _model(results: dict[str, Any]) -> str | None:
    """The model's name, with that of its adapter if it has one."""
    given = _config(results).get("model_args") or {}
    if isinstance(given, str):
        given = dict(part.partition("=")[::2] for part in given.split(","))
    name = results.get("model_name") or given.get("pretrained") or given.get("model")
    adapter = given.get("peft") or given.get("lora_local_path")
    return f"{name} with {adapter}" if name and adapter else name and str(name)
