"""Several files, all or none."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sts_eval.errors import UserError


@dataclass(frozen=True)
class Exported:
    """Files that are to be written.

    Attributes:
        files: Content by path below the folder, with slashes.
        notes: What the user should know although nothing is wrong.
    """

    files: Mapping[str, bytes]
    notes: tuple[str, ...] = ()


def write_all(folder: Path, files: Mapping[str, bytes], *, force: bool = False) -> tuple[Path, ...]:
    """Write files below a folder. Those that are there with the same content are left as they are.

    Every file is written under a temporary name first; if that or the renaming fails, what was there is put back.

    Args:
        folder: Made if it is missing.
        files: Content by path below it.
        force: Write over files with another content.

    Returns:
        The files that were written.

    Raises:
        UserError: A file exists with another content, or the folder cannot be written.
    """
    changed = {folder / name: content for name, content in files.items() if _now(folder / name) != content}
    before = {path: _now(path) for path in changed}
    there = [path for path, content in before.items() if content is not None]
    if there and not force:
        raise UserError(f"{there[0]} exists with another content", "Choose another folder, or pass --force")
    temporary = {path: path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp") for path in changed}
    made: list[Path] = []
    moved: list[Path] = []
    try:
        for path, content in changed.items():
            _make_folder(path.parent, made)
            _write(temporary[path], content)
        for path in changed:
            temporary[path].replace(path)
            moved.append(path)
    except OSError as error:
        _undo(moved, before, [*temporary.values()], made)
        where = error.filename or folder
        raise UserError(
            f"{where} cannot be written ({error.strerror})", "Free space, or choose another folder"
        ) from error
    return tuple(changed)


def _now(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})", "Choose another folder") from error


def _make_folder(folder: Path, made: list[Path]) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent, made)
        folder.mkdir()
        made.append(folder)


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _undo(moved: list[Path], before: Mapping[Path, bytes | None], temporary: list[Path], made: list[Path]) -> None:
    for path in moved:
        content = before[path]
        if content is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(content)
    for path in temporary:
        if path.parent.is_dir():
            path.unlink(missing_ok=True)
    for folder in reversed(made):
        folder.rmdir()
