"""Samples as lm-eval saves them, in files of tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sts_eval.records.answers import Replies
from sts_eval.records.transfer import Transfer

DATE = "2026-01-01T10-00-00.123"


def choice(number: int, *, right: bool = True, **fields: Any) -> dict[str, Any]:
    """A sample of a multiple-choice task with four options, of which the third is right."""
    values = ["-3.0", "-2.0", "-1.0", "-4.0"] if right else ["-1.0", "-2.0", "-3.0", "-4.0"]
    return {
        "doc_id": number,
        "doc": {"question_id": number, "category": "law", "question": f"Which {number}?"},
        "target": "2",
        "arguments": {f"gen_args_{place}": {"arg_0": "x", "arg_1": f" {text}"} for place, text in enumerate("wxyz")},
        "resps": [[[value, "False"]] for value in values],
        "filtered_resps": [[value, "False"] for value in values],
        "filter": "none",
        "metrics": ["acc"],
        "acc": float(right),
    } | fields


def both(after: Any, before: list[dict[str, Any]] | None = None) -> list[list[dict[str, Any]]]:
    """Four samples of each side, the untuned model right in every second one; `after` is a list or makes a sample."""
    return [
        before or [choice(number, right=number % 2 == 0) for number in range(4)],
        after if isinstance(after, list) else [after(number) for number in range(4)],
    ]


def save(
    folder: Path, samples: list[dict[str, Any]], name: str = f"samples_law_{DATE}.jsonl", *, as_list: bool = False
) -> Path:
    """Write samples into a folder, one a line or as a list."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = "\n".join(json.dumps(sample) for sample in samples)
    (folder / name).write_text(json.dumps(samples, indent=1) if as_list else lines, encoding="utf-8")
    return folder


def only(record: Transfer) -> tuple[Replies, Replies]:
    """Before and after in the only domain."""
    (table,) = record.answers
    return table.before, table.after[0]


def text(number: int, said: str = "The answer is (A).", read: str = "A", **fields: Any) -> dict[str, Any]:
    """A sample of a generating task."""
    return {
        "doc_id": number,
        "doc": {"question": f"Which {number}?"},
        "target": "A",
        "arguments": {},
        "resps": [[said]],
        "filtered_resps": [read],
        "exact_match": float(read == "A"),
    } | fields
