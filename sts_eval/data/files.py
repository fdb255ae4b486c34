"""Reading the rows of one local file.

A format is one function in `READERS`, by the ending of its files; the ending may be in capitals, and a compressed
file carries one of `COMPRESSED` behind it (rows.jsonl.gz). Text is UTF-8, with or without a byte order mark, or
UTF-16 with one. Other encodings are refused: which one it is cannot be told from the bytes for sure, and a wrong guess
would change words in silence.
"""

import codecs
import io
import json
import lzma
import shlex
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sts_eval.data import archives
from sts_eval.data.delimited import read_delimited
from sts_eval.errors import UserError

Row = Mapping[str, Any]

COMPRESSED = (".gz", ".bz2", ".xz", ".zip")

LONGEST_WHOLE_NUMBER = 4000
"""Digits of a whole number that Python converts; longer ones are kept as text."""


class FileRows(NamedTuple):
    """The rows of a file, and what the user should know about how it was read."""

    rows: list[Row]
    notes: tuple[str, ...] = ()


def ending(path: Path) -> str | None:
    """The format of a file by its name, for instance .jsonl for ROWS.JSONL.gz; None where it is none of `READERS`."""
    suffix = bare_name(path).suffix
    return suffix if suffix in READERS else None


def bare_name(path: Path) -> Path:
    """A file's name in small letters without the ending of its compression."""
    name = path.name.lower()
    for suffix in COMPRESSED:
        name = name.removesuffix(suffix)
    return Path(name)


def read_file(path: Path, *, columns: Sequence[str] | None = None) -> FileRows:
    """Read a file.

    Args:
        path: A file with an ending in `READERS`.
        columns: Names of the columns of a CSV file without a header line; otherwise its first line names them.

    Raises:
        UserError: The file is missing, empty, malformed (with the line), or not UTF-8 text.
    """
    if not path.is_file():
        raise missing(path)
    if path.suffix.lower() == ".zip":
        return _read_zip(path, columns)
    if ending(path) is None:
        raise UserError(f"{path} is not a table this tool reads", f"Give one of {', '.join(READERS)}")
    try:
        raw = _bytes(path)
    except _UNREADABLE as error:
        raise UserError(f"{path} cannot be read ({error})", "Check that it is whole and may be read") from error
    return _read_bytes(path, raw, columns)


def missing(path: Path) -> UserError:
    """The refusal of a file that is not there."""
    return UserError(f"there is no file {path}", "Check the path, or give a dataset's hub id such as GAIR/LIMO")


_UNREADABLE = (ValueError, OSError, EOFError, zlib.error, lzma.LZMAError)


def _read_zip(path: Path, columns: Sequence[str] | None) -> FileRows:
    """The rows of all tables in a zip archive, one after the other; other files in it are said."""
    with archives.opened_zip(path) as (archive, members):
        names = [one.filename for one in members]
        tables = [name for name in names if ending(Path(name)) and not name.lower().endswith(COMPRESSED)]
        if not tables:
            raise UserError(
                f"{path} holds no table (its files: {', '.join(names) or 'none'})",
                f"Put files there that end in {', '.join(READERS)}",
            )
        kinds = sorted({str(ending(Path(name))) for name in tables})
        if len(kinds) > 1:
            raise UserError(
                f"{path} holds files of several kinds ({', '.join(tables)}), which may be the same rows twice",
                "Unpack it and give one file",
            )
        found = [_read_bytes(path / name, archive.read(name), columns) for name in tables]
    others = [name for name in names if name not in tables]
    notes = [f"{path}: {len(tables)} files were read: {', '.join(tables)}"] if len(tables) > 1 else []
    notes += [f"{path}: not read: {', '.join(others)}"] if others else []
    return FileRows(
        [row for one in found for row in one.rows], (*notes, *(note for one in found for note in one.notes))
    )


def _read_bytes(path: Path, raw: bytes, columns: Sequence[str] | None) -> FileRows:
    suffix = ending(path) or ""
    try:
        found = _read_csv(path, raw, columns) if columns else READERS[suffix](path, raw)
    except RecursionError as error:
        raise UserError(f"{path} is nested too deeply to be a table", "Give one object per row") from error
    except _UNREADABLE as error:
        raise UserError(f"{path} cannot be read ({error})", f"Check that it is a {suffix[1:]} file") from error
    if not found.rows:
        raise UserError(f"{path} holds no rows", "Give a file with at least one row")
    return found


def _bytes(path: Path) -> bytes:
    import fsspec

    if path.suffix.lower() not in COMPRESSED:
        return path.read_bytes()
    with fsspec.open(str(path), "rb", compression="infer") as file:
        content: bytes = file.read(archives.MOST_UNPACKED + 1)
    archives.check_unpacked(path, len(content))
    return content


_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark begins the same
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def _decoded(path: Path, raw: bytes) -> str:
    encoding = next((name for mark, name in _MARKS.items() if raw.startswith(mark)), "utf-8")
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        before = raw[: error.start].split(b"\n")
        line = (before[-1] + raw[error.start : error.start + 40].split(b"\n")[0]).decode("cp1252", errors="replace")
        name = shlex.quote(path.name)
        raise UserError(
            f"{path} is not UTF-8 text (line {len(before)}); as Windows-1252, which contains "
            f"Latin-1, that line reads {line.strip()[-80:]!r}",
            "If this is right, convert the file with "
            f"`iconv -f WINDOWS-1252 -t UTF-8 {name} > utf8-{name}`; otherwise name its encoding after -f",
        ) from error


def _whole_number(digits: str) -> int | str:
    return int(digits) if len(digits) <= LONGEST_WHOLE_NUMBER else digits


def _parse(text: str) -> Any:
    return json.loads(text, parse_int=_whole_number)


def _objects(value: object) -> list[Row] | None:
    """A list of objects, bare or as the only list in an object such as {"data": [...]}; None for anything else."""
    if isinstance(value, dict):
        lists = [part for part in value.values() if isinstance(part, list) and part and isinstance(part[0], dict)]
        value = lists[0] if len(lists) == 1 and len(value) == 1 else None
    if isinstance(value, list) and all(isinstance(row, dict) for row in value):
        return value
    return None


def _read_jsonl(path: Path, raw: bytes) -> FileRows:
    text = _decoded(path, raw)
    if text.lstrip()[:1] == "[":  # one list, as some tools write under this name
        try:
            rows = _objects(_parse(text))
        except json.JSONDecodeError:
            rows = None
        if rows is not None:
            return FileRows(rows)
    return FileRows(_lines(path, text))


def _lines(path: Path, text: str) -> list[Row]:
    """One object per line; only line breaks divide lines, since JSON text may hold other separators."""
    rows: list[Row] = []
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        bare = line.strip().lstrip("\ufeff")  # a mark in the middle comes from joined files
        if not bare:
            continue
        try:
            row = _parse(bare)
        except json.JSONDecodeError as error:
            raise UserError(f"{path} line {number} is not JSON ({error.msg})", "Mend or remove that line") from error
        if not isinstance(row, dict):
            raise UserError(f"{path} line {number} is not a JSON object", "Write one object per line")
        rows.append(row)
    return rows


def _read_json(path: Path, raw: bytes) -> FileRows:
    text = _decoded(path, raw)
    try:
        value = _parse(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and text.lstrip()[:1] == "{":
            return FileRows(_lines(path, text))
        raise UserError(f"{path} is not JSON ({error.msg} at line {error.lineno})", "Mend that line") from error
    rows = _objects(value)
    if rows is None:
        raise UserError(
            f"{path} is not a list of JSON objects", "Write [{...}, {...}], or one object per line as .jsonl"
        )
    return FileRows(rows)


def _read_parquet(path: Path, raw: bytes) -> FileRows:
    import pyarrow
    import pyarrow.parquet

    try:
        rows: list[Row] = pyarrow.parquet.read_table(pyarrow.BufferReader(raw)).to_pylist()
    except pyarrow.ArrowException as error:  # some kinds of it are neither ValueError nor OSError
        raise ValueError(str(error)) from error
    return FileRows(rows)


def _read_csv(path: Path, raw: bytes, columns: Sequence[str] | None = None) -> FileRows:
    rows, notes = read_delimited(path, _decoded(path, raw), "\t" if ending(path) == ".tsv" else ",", columns)
    return FileRows(list(rows), notes)


READERS: Mapping[str, Callable[[Path, bytes], FileRows]] = {
    ".jsonl": _read_jsonl,
    ".json": _read_json,
    ".parquet": _read_parquet,
    ".csv": _read_csv,
    ".tsv": _read_csv,
}
