"""Several files, all or none."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sts_eval.errors import UserError
from sts_eval.records.record import write_atomically


@dataclass(frozen=True)
class Exported:
    """Files that are to be written."""

    files: Mapping[str, str]  # text by path below the folder, with slashes
    notes: tuple[str, ...] = ()  # what the user should know although nothing is wrong


def write_all(folder: Path, files: Mapping[str, str], *, force: bool = False) -> tuple[Path, ...]:
    """Write texts by their paths below a folder; gives the files that were written.

    Those that are there with the same content are left as they are. If one of them cannot be written, what was there
    before is put back.

    Raises:
        UserError: A file exists with another content, or the folder cannot be written.
    """
    before = {folder / name: _content(folder / name) for name in files}
    changed = {folder / name: text for name, text in files.items() if before[folder / name] != text.encode()}
    there = [path for path in changed if before[path] is not None]
    if there and not force:
        raise UserError(f"{there[0]} exists with another content", "Choose another folder, or pass --force")
    missing = {parent for path in changed for parent in path.parents if not parent.exists()}
    written: list[Path] = []
    try:
        for path, text in changed.items():
            write_atomically(path, text)
            written.append(path)
    except BaseException:
        for path in written:
            content = before[path]
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content)
        for parent in sorted(missing, reverse=True):  # the innermost first
            with suppress(OSError):  # it was not made
                parent.rmdir()
        raise
    return tuple(changed)


def _content(path: Path) -> bytes | None:
    """What a file holds; None where there is none."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})", "Choose another folder") from error
