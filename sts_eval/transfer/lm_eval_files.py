"""Folders that `lm_eval --output_path … --log_samples` wrote.

A folder holds `results_<date>.json` and, for each task, `samples_<task>_<date>.jsonl`. Where it holds several
dates, the newest samples of each task are taken and the choice is reported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from sts_eval.errors import UserError
from sts_eval.transfer.lm_eval_samples import Sample, answers_from
from sts_eval.transfer.pairing import Side

_SAMPLES = re.compile(r"samples_(?P<task>.+)_(?P<date>\d{4}-\d\d-\d\dT[\d.\-:]+)\.jsonl")


def read_lm_eval(path: Path, *, filter_name: str | None = None) -> Side:
    """Read the samples of one model.

    Args:
        path: The output folder, or a folder above exactly one.
        filter_name: Which filter's reading to take where a task has several.

    Raises:
        UserError: There are no samples, or those of several models.
    """
    if not path.is_dir():
        raise UserError(f"there is no folder {path}", "Give the folder that lm_eval --output_path wrote")
    found = [
        (file, match) for file in sorted(path.rglob("samples_*.jsonl")) if (match := _SAMPLES.fullmatch(file.name))
    ]
    if not found:
        raise UserError(f"{path} holds no samples", "Run lm_eval again with --log_samples")
    folders = sorted({file.parent for file, _ in found})
    if len(folders) > 1:
        raise UserError(
            f"{path} holds results of several models ({', '.join(folder.name for folder in folders)})",
            "Give the folder of one of them",
        )
    newest: dict[str, Path] = {}
    for file, match in found:  # dates sort as text, so a later file of a task replaces an earlier one
        newest[match["task"]] = file
    warnings: tuple[str, ...] = ()
    if len(newest) < len(found):
        warnings = (f"{path.name} holds several runs of a task; the newest of each was taken",)
    answers = []
    for task, file in newest.items():
        try:
            answers += answers_from(_lines(file), task, filter_name=filter_name)
        except KeyError as error:
            raise UserError(
                f"{file} has a sample without {error.args[0]!r}",
                "Give samples that lm_eval --log_samples wrote",
            ) from error
    return Side(_model_name(folders[0]), answers, list(newest.values()), warnings)


def _lines(file: Path) -> Iterator[Sample]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                sample: Sample = json.loads(line)
            except json.JSONDecodeError as error:
                raise UserError(
                    f"{file} line {number} is not JSON ({error.msg})", "Run the evaluation again"
                ) from error
            yield sample


def _model_name(folder: Path) -> str:
    """The model's name as the newest results file tells it, or else the folder's."""
    for file in sorted(folder.glob("results_*.json"), reverse=True):
        try:
            name = json.loads(file.read_text(encoding="utf-8")).get("model_name")
        except ValueError:  # a killed run leaves half a file; the samples stand
            continue
        if name:
            return str(name)
    return folder.name
