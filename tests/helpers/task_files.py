"""Task files of lm-eval over local rows, as a user writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lm_eval.tasks
import yaml
from helpers import tiny

OWN = Path(lm_eval.tasks.__file__).parent
"""Where lm-eval keeps its own task files."""

Rows = Sequence[dict[str, Any]]


def write_task(folder: Path, name: str, splits: Mapping[str, Rows], **settings: Any) -> None:
    """A task whose dataset is one file of JSON lines for each split."""
    files = {split: str(tiny.write_jsonl(folder / f"{name}_{split}.jsonl", rows)) for split, rows in splits.items()}
    dataset = {"dataset_path": "json", "dataset_name": None}
    kwargs = {"data_files": files, "cache_dir": str(folder / "cache")}
    write_yaml(folder / f"{name}.yaml", {"task": name, **dataset, "dataset_kwargs": kwargs, **settings})


def write_group(folder: Path, name: str, tasks: Sequence[str]) -> None:
    """A group of tasks."""
    write_yaml(folder / f"{name}.yaml", {"group": name, "task": list(tasks)})


def write_yaml(path: Path, values: Mapping[str, Any]) -> None:
    """A YAML file; a text that begins with !function names one."""
    text = yaml.safe_dump(dict(values), sort_keys=False)
    path.write_text(text.replace("'!function ", "!function ").replace(".py'", ".py"), encoding="utf-8")


CHOOSING: dict[str, Any] = {
    "test_split": "test",
    "fewshot_split": "dev",
    "output_type": "multiple_choice",
    "doc_to_text": "Question: {{question}}\nAnswer:",
    "doc_to_choice": "{{choices}}",
    "doc_to_target": "answer",
    "metadata": {"version": 2.0},
}
"""Settings of a task over rows with `question`, `choices` and `answer`, an index."""
