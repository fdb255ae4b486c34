"""Reading rows from a local file or from the hub, with errors that a user can act on.

A file format is one function in `_READERS`, by the ending of its files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sts_eval.errors import UserError

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """Rows and where they came from.

    Attributes:
        source: The path or hub id as the user gave it.
        revision: The hub commit, or None for a local file.
        rows: One mapping per row, in the order of the source.
    """

    source: str
    revision: str | None
    rows: Sequence[Row]


def is_local(source: str) -> bool:
    """Whether a source names something on disk rather than a hub id."""
    return Path(source).expanduser().exists() or source.endswith(SUFFIXES) or source.startswith((".", "/", "~"))


def fingerprint(values: object) -> str:
    """SHA-256 of the canonical JSON of plain values: equal data give equal fingerprints on any machine."""
    text = json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def read_table(source: str, *, split: str, revision: str | None = None) -> Table:
    """Read a local .jsonl, .json, .parquet or .csv file, or one split of a hub dataset.

    Raises:
        UserError: The file is missing, empty or malformed (with the line), or the hub has no such set.
    """
    if is_local(source):
        return Table(source, None, _read_file(Path(source).expanduser()))
    return _read_hub(source, split, revision)


def _read_file(path: Path) -> list[Row]:
    if not path.is_file():
        raise UserError(f"there is no file {path}", "Check the path, or give a dataset's hub id such as GAIR/LIMO")
    if path.suffix not in _READERS:
        raise UserError(f"{path} is not a table this tool reads", f"Give one of {', '.join(SUFFIXES)}")
    try:
        rows = _READERS[path.suffix](path)
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is not UTF-8 text ({error.reason} at byte {error.start})", "Save it as UTF-8"
        ) from error
    except (ValueError, OSError) as error:
        raise UserError(f"{path} cannot be read ({error})", f"Check that it is a {path.suffix[1:]} file") from error
    if not rows:
        raise UserError(f"{path} holds no rows", "Give a file with at least one row")
    return rows


def _read_jsonl(path: Path) -> list[Row]:
    rows: list[Row] = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise UserError(
                    f"{path} line {number} is not JSON ({error.msg})", "Mend or remove that line"
                ) from error
            if not isinstance(row, dict):
                raise UserError(f"{path} line {number} is not a JSON object", "Write one object per line")
            rows.append(row)
    return rows


def _read_json(path: Path) -> list[Row]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise UserError(f"{path} is not JSON ({error.msg} at line {error.lineno})", "Mend that line") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UserError(
            f"{path} is not a list of JSON objects", "Write [{...}, {...}], or one object per line as .jsonl"
        )
    return rows


def _read_parquet(path: Path) -> list[Row]:
    import pyarrow
    import pyarrow.parquet

    try:
        rows: list[Row] = pyarrow.parquet.read_table(path).to_pylist()
    except pyarrow.ArrowException as error:  # some kinds of it are neither ValueError nor OSError
        raise ValueError(str(error)) from error
    return rows


def _read_csv(path: Path) -> list[Row]:
    import pandas as pd

    # As text: otherwise the answer "None" is read as missing and "007" as a number.
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    return frame.to_dict("records")  # type: ignore[return-value]  # keys are column names


_READERS: Mapping[str, Callable[[Path], list[Row]]] = {
    ".jsonl": _read_jsonl,
    ".json": _read_json,
    ".parquet": _read_parquet,
    ".csv": _read_csv,
}

SUFFIXES = tuple(_READERS)


def _read_hub(source: str, split: str, revision: str | None) -> Table:
    from datasets import load_dataset
    from datasets.exceptions import DatasetNotFoundError

    try:
        dataset = load_dataset(source, split=split, revision=revision)
    except DatasetNotFoundError as error:
        raise UserError(
            f"the hub has no dataset {source!r} that you may read",
            "Check the id, log in with `hf auth login`, or give a local file",
        ) from error
    except ValueError as error:  # an unknown split or configuration; the library's message names those on offer
        raise UserError(f"dataset {source!r}: {error}", "Choose another split or revision") from error
    except ConnectionError as error:
        raise UserError(
            f"the hub cannot be reached for dataset {source!r}", "Give a local file, or retry online"
        ) from error
    checksums = getattr(dataset.info, "download_checksums", None) or {}
    commits = {url.split("@")[1].split("/")[0] for url in checksums if "@" in url}
    return Table(source, revision or (commits.pop() if len(commits) == 1 else None), dataset)
