"""Answers as rows of a table: one file of question_id, category, answer, pred_before, pred_after.

Names of columns count in upper and lower case alike. Question and options may stand beside them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sts_eval.data.files import FileRows, bare_name, ending, read_file
from sts_eval.data.question import folded, read_question
from sts_eval.data.text import LISTED, UnreadableRowError
from sts_eval.errors import UserError
from sts_eval.transfer.pairing import MOST_MISSING, Answer, Side
from sts_eval.transfer.verdicts import judge, written

NEEDED = ("question_id", "category", "answer")
PREDICTIONS = ("pred_before", "pred_after")


class AnswerRows(NamedTuple):
    """Rows that can be scored, with folded names, and what the user should know about the others."""

    rows: list[dict[str, Any]]
    warnings: tuple[str, ...]


def read_answer_table(path: Path) -> list[Side]:
    """Read a table of answers before and after, or a folder of its parts. `BEFORE__AFTER` as name names the models.

    Raises:
        UserError: A column is missing, or too many rows cannot be used.
    """
    files = sorted(file for file in path.iterdir() if ending(file)) if path.is_dir() else [path]
    kinds = {ending(file) for file in files}
    if len(kinds) != 1:
        raise UserError(f"{path} holds files of {len(kinds)} kinds of table", "Give the one file that holds both sides")
    parts = [read_file(file) for file in files]
    whole = FileRows([row for part in parts for row in part.rows], tuple(note for part in parts for note in part.notes))
    found = scorable(whole, path, PREDICTIONS, f"Give a table with {', '.join((*NEEDED, *PREDICTIONS))}")
    name = name_of(path)
    before, _, after = name.partition("__")
    (was, warned), (became, warned_too) = (answers_in(found.rows, column) for column in PREDICTIONS)
    return [
        Side(before, was, files, (*found.warnings, *warned)),
        Side(after or name, became, [], (*found.warnings, *warned_too)),
    ]


def name_of(path: Path) -> str:
    """The name of a folder, or of a file without its endings (.csv, .json.gz)."""
    return path.name if path.is_dir() else path.name[: len(bare_name(path).stem)]


def scorable(found: FileRows, path: Path, predictions: Sequence[str], remedy: str) -> AnswerRows:
    """The rows of a file that have an id, a category and a right answer; a few without are left out.

    Raises:
        UserError: No row has one of the columns, with `remedy` as advice, or more than a tenth cannot be used.
    """
    rows = [{name.replace(" ", "_"): value for name, value in folded(row).items()} for row in found.rows]
    names = {name: None for row in rows for name in row}
    missing = [name for name in (*NEEDED, *predictions) if name not in names]
    if missing:
        raise UserError(f"{path} has no column {missing[0]!r}; its columns are {', '.join(names)}", remedy)
    bad = [number for number, row in enumerate(rows, start=1) if not all(written(row.get(name)) for name in NEEDED)]
    warnings = list(found.notes)
    if bad:
        listed = ", ".join(map(str, bad[:LISTED])) + (", ..." if len(bad) > LISTED else "")
        if len(bad) > MOST_MISSING * len(rows):
            which = f"{len(bad)} of {len(rows)} rows ({listed}) lack their"
            if len(bad) == 1:
                which = f"row {listed} lacks its"
            raise UserError(f"{path} {which} question_id, category or answer", "Mend or remove what is incomplete")
        warnings.append(f"{path}: left out {len(bad)} of {len(rows)} rows ({listed}) without id, category or answer")
    left_out = set(bad)
    kept = [row for number, row in enumerate(rows, start=1) if number not in left_out]
    return AnswerRows(kept, tuple(warnings))


def answers_in(rows: Sequence[Mapping[str, Any]], column: str) -> tuple[list[Answer], tuple[str, ...]]:
    """The answers in a column of scorable rows, and warnings.

    Raises:
        UserError: The column is written in another way than the right answers.
    """
    targets = [written(row["answer"]) for row in rows]
    given = [written(row.get(column)) for row in rows]
    verdicts, warnings = judge(given, targets, column)
    answers = []
    for row, target, verdict, response in zip(rows, targets, verdicts, given, strict=True):
        question, options = asked(row)
        answers.append(
            Answer(
                domain=written(row["category"]),
                question_id=written(row["question_id"]),
                target=target,
                verdict=verdict,
                question=question,
                options=options,
                response=response,
            )
        )
    return answers, warnings


def asked(document: Mapping[str, Any]) -> tuple[str | None, tuple[str, ...] | None]:
    """A document's question and options, None where it does not have them in a known shape."""
    try:
        found = read_question(folded(document), list_options=False)
    except UnreadableRowError:
        return None, None
    return found.text, found.options or None
