"""The folder of a benchmark: which of its files hold a split, their tables, and whether prompts list the options."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from sts_eval.data.files import bare_name, ending, read_file
from sts_eval.data.options import LETTERS
from sts_eval.data.tables import SUFFIXES, Table
from sts_eval.errors import UserError

FILE_NAMES = {"test": ("test",), "validation": ("validation", "dev", "val", "valid")}
"""What the files of a split are called; where there are several, the first is taken."""


def files_of_split(folder: Path, split: str) -> tuple[list[tuple[Path, str | None]], list[Path]]:
    """The files of a split in a folder, each with its subject where its name gives one, and those that are not read."""
    readable = sorted(path for path in folder.rglob("*") if ending(path) and path.name != "benchmark.json")
    for name in FILE_NAMES[split]:
        ends = re.compile(rf"(?:(?P<subject>.+)[_-])?{name}(?:[_-]\d+(?:-of-\d+)?)?")
        alone = [path for path in readable if path.parent == folder and _stem(path) == name]
        within = [path for path in readable if path.parent.name.lower() == name]
        called = [(path, match) for path in readable if (match := ends.fullmatch(_stem(path)))]
        found: list[tuple[Path, str | None]]
        if alone:
            found = [(min(alone, key=lambda path: SUFFIXES.index(str(ending(path)))), None)]
        elif within:
            found = [(path, re.sub(rf"[_-]{name}$", "", _stem(path))) for path in within]
        else:
            found = [(path, match["subject"] or _parent(path, folder)) for path, match in called]
        if found:
            every = {*within, *(path for path, _ in called)}
            return found, sorted(every - {path for path, _ in found})
    raise UserError(
        f"{folder} has no {split} file",
        f"Put a {split}.parquet (or {', '.join(SUFFIXES)}) there, or a folder {split} with a file for each subject",
    )


def _stem(path: Path) -> str:
    return bare_name(path).stem


def _parent(path: Path, folder: Path) -> str | None:
    """The folder that a shard lies in, which names its subject, unless it is the benchmark's own or "data"."""
    return None if path.parent == folder or path.parent.name == "data" else path.parent.name


def read_subject(path: Path, subject: str | None) -> Table:
    """Read a file; one of a subject may lack the header line."""
    found = read_file(path)
    columns = list(found.rows[0])
    if ending(path) in {".csv", ".tsv"} and _is_question(columns):
        if subject is None:
            shown = ", ".join(columns)
            raise UserError(
                f"{path} has no header line: its first line is a question ({shown[:80]})",
                f"Write {','.join(['question', *LETTERS[: len(columns) - 2], 'answer', 'category'])} above it with a "
                "category for every row, or put it into a folder as test/SUBJECT_test.csv beside dev/SUBJECT_dev.csv",
            )
        found = read_file(path, columns=["question", *LETTERS[: len(columns) - 2], "answer"])
    return Table(str(path), None, found.rows, found.notes)


def _is_question(columns: Sequence[str]) -> bool:
    """Whether what was taken for a header is a question, its options, and the letter of the right one."""
    letters = tuple(LETTERS[: len(columns) - 2])
    several = len(columns) > 3  # noqa: PLR2004 -- a question, two options and an answer at least
    return several and columns[-1].strip() in letters and columns[-2].strip() not in letters


def lists_options(folder: Path) -> bool:
    """Whether a benchmark folder's prompts show the options; its benchmark.json may say no."""
    card = folder / "benchmark.json"
    if not card.is_file():
        return True
    try:
        return bool(json.loads(card.read_text(encoding="utf-8")).get("list_options", True))
    except (ValueError, AttributeError) as error:
        raise UserError(
            f"{card} is not JSON, or not an object", 'Write {"list_options": false} or remove it'
        ) from error
