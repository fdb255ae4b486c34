"""Reading rows whose fields are divided by a separator: CSV as RFC 4180 has it, with any separator.

A field that holds the separator, a line break or a quote stands between double quotes, and a quote inside it is
doubled. What breaks these rules would shift fields or swallow rows, so it is refused with its line.
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from sts_eval.errors import UserError

SEPARATORS = (",", ";", "\t", "|")
"""What may stand between the columns; the first one that divides the header is taken."""

csv.field_size_limit(2**30)  # the library refuses fields of more than 128 KiB otherwise


class _Record(NamedTuple):
    """One record: its first line, counted from 1, and its fields."""

    line: int
    cells: list[str]


def read_delimited(
    path: Path, text: str, usual: str, columns: Sequence[str] | None = None
) -> tuple[list[dict[str, str | None]], tuple[str, ...]]:
    """The rows of a text, all fields as text, and what the user should know about how it was read.

    Args:
        path: The file, for messages.
        text: What it holds.
        usual: The separator that its name promises; another one is said.
        columns: Names of the columns where the text has no header line.

    Raises:
        UserError: A quote is never closed or text follows it, or a row has more fields than the header.
    """
    first, _, rest = text.partition("\n")
    told = first.strip().lower()
    skipped = 0
    if told.startswith("sep=") and len(told) == len("sep=;"):  # Excel's own hint
        separator, text, skipped = told[-1], rest, 1
    else:
        separator = _separator(first_record(text), (usual, *SEPARATORS))
    records = _records(path, text, separator, skipped)
    if any(cell[:1] == " " and cell.lstrip(" ")[:1] == '"' for record in records for cell in record.cells):
        records = _records(path, text, separator, skipped, spaced=True)
    if not records:
        raise ValueError("No columns to parse from file")
    names = _names(columns or records[0].cells)
    notes = [] if separator == usual else [f"{path}: columns are separated by {separator!r}"]
    rows: list[dict[str, str | None]] = []
    for line, cells in records if columns else records[1:]:
        if any(cell.strip() for cell in cells[len(names) :]):
            raise UserError(
                f"{path} cannot be read with the separator {separator!r} (line {line} has {len(cells)} fields for "
                f"{len(names)} columns: {', '.join(names)[:80]})",
                f"Quote every field that holds {separator!r}, name every column in the first line, or save the rows "
                "as .jsonl",
            )
        if swallowed := max((_rows_inside(cells, at, separator) for at in range(len(cells))), default=0):
            found = f"{path} line {line} opens a quote that closes {swallowed} lines below, around what looks like rows"
            if separator == "\t":  # which text seldom holds
                raise UserError(found, _DOUBLE)
            notes.append(f"{found}; they were read as one field")
        rows.append({name: cells[at] if at < len(cells) else None for at, name in enumerate(names)})
    return rows, tuple(notes)


_DOUBLE = (
    'Write a quote inside a field as "" and the whole field between quotes, as in "say ""yes""", or save the rows as '
    ".jsonl"
)


def _records(path: Path, text: str, separator: str, skipped: int, *, spaced: bool = False) -> list[_Record]:
    """All records that are not blank; with `spaced`, spaces before a field do not belong to it."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=spaced)
    records: list[_Record] = []
    line = 1 + skipped
    try:
        for cells in reader:
            if len(cells) > 1 or any(cell.strip() for cell in cells):
                records.append(_Record(line, cells))
            line = reader.line_num + 1 + skipped
    except csv.Error as error:
        last = reader.line_num + skipped
        if "end of data" in str(error):
            what = f"line {line} opens a quote that is never closed"
        else:
            what = (
                f"in line {line} text follows a closing quote"
                if last == line
                else f"line {line} opens a quote, and text follows the quote that closes it in line {last}"
            )
        raise UserError(f"{path} cannot be read ({what})", _DOUBLE) from error
    return records


def _rows_inside(cells: Sequence[str], at: int, separator: str) -> int:
    """Line breaks of a field that looks like the rest of its row, further rows, and the beginning of a last one."""
    lines = cells[at].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(lines) <= 1 + (separator != "\t"):  # text often has a comma in one of two lines
        return 0
    whole = lines[0].count(separator) + at
    fits = all(line.count(separator) == whole for line in lines[1:-1])
    ends = lines[-1].count(separator) + len(cells) - 1 - at == whole
    return len(lines) - 1 if separator in cells[at] and fits and ends else 0


def _names(header: Sequence[str]) -> list[str]:
    """Names of the columns, each once, as pandas makes them: a second "a" is "a.1", a blank one "Unnamed: 0"."""
    names: list[str] = []
    for at, told in enumerate(header):
        base = name = told if told.strip() else f"Unnamed: {at}"
        count = 0
        while name in names:
            count += 1
            name = f"{base}.{count}"
        names.append(name)
    return names


def first_record(text: str) -> str:
    """The first record of a text, which may go over several lines where its fields are quoted."""
    lines, quotes = [], 0
    for line in io.StringIO(text, newline=""):
        lines.append(line)
        quotes += line.count('"')
        if quotes % 2 == 0 and line.strip():
            break
    return "".join(lines).strip("\r\n")


def _separator(header: str, separators: Sequence[str]) -> str:
    """The first separator that divides the header into columns; the first of all for a single column."""
    for separator in separators:
        if len(next(csv.reader(io.StringIO(header, newline=""), delimiter=separator), [])) > 1:
            return separator
    return separators[0]
