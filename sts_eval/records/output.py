"""What a command writes replaces nothing that it reads, and nothing of another kind."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from sts_eval.errors import UserError
from sts_eval.records.record import Record, check_writable

VIEWS = (".html", ".htm", ".md", ".png", ".pdf", ".svg")
"""Endings of pages, documents and pictures, which can be made again."""


def check_output(
    path: Path,
    read: Iterable[object] = (),
    *,
    kind: type[Record] | None = None,
    force: bool | None = None,
    option: str = "-o",
) -> None:
    """Find out before the work whether a file can be written, and that it replaces nothing that it should not.

    Args:
        path: The file.
        read: What is read. Only paths count (hub ids, loaded models and None do not).
        kind: The kind of record that is written; None for a page, document or picture.
        force: Whether a file that is there is replaced; None where one is if it is of the same kind.
        option: The option that names the file.

    Raises:
        UserError: It is one of those that are read, it is there already and is not to be replaced, or it cannot be
            written.
    """
    given = {Path(one).expanduser().resolve() for one in read if isinstance(one, str | Path) and str(one)}
    place = path.resolve()
    if place in given and not path.is_dir():
        raise UserError(f"{path} is one of the files that are read", f"Give another name with {option}")
    if path.is_file():
        alike = path.suffix.lower() in VIEWS if kind is None else _holds(path, kind)
        if not alike and given.intersection(place.parents):
            raise UserError(f"{path} is in a folder that is read", f"Give another name with {option}")
        if force is False:
            raise UserError(f"{path} is there already", "Give another path, or --force to overwrite it")
        if force is None and not alike:
            what = "page, document or picture" if kind is None else f"{kind.__name__.lower()} record"
            raise UserError(f"{path} is there already and is no {what}", f"Give another name with {option}")
    check_writable(path)


def check_outputs(
    paths: Sequence[Path], read: Iterable[object] = (), *, kind: type[Record], force: bool | None = None
) -> None:
    """The same for a record and the files that are written beside it, which an earlier such record allows to replace.

    Args:
        paths: The record, then the others.
        read: As for `check_output`.
        kind: The kind of the record.
        force: As for `check_output`.

    Raises:
        UserError: As for `check_output`, about any of the files.
    """
    record, *others = paths
    again, given = record.is_file(), tuple(read)
    check_output(record, given, kind=kind, force=force)
    for path in others:
        check_output(path, given, force=(again or None) if force is None else force)


def _holds(path: Path, kind: type[Record]) -> bool:
    try:
        kind.read(path)
    except UserError:
        return False
    return True
