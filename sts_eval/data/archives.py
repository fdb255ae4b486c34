"""What a zip archive holds: its files without folders, hidden ones and those that systems add."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from sts_eval.errors import UserError

MOST_UNPACKED = 2**30
"""Bytes that a compressed file may hold."""

_OF_SYSTEMS = ("__MACOSX", "Thumbs.db")


@contextmanager
def opened_zip(path: Path) -> Iterator[tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]]:
    """A zip archive and its files, sorted by name.

    Raises:
        UserError: It is broken or encrypted, or holds more than `MOST_UNPACKED`.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [one for one in archive.infolist() if not one.is_dir() and is_visible(one.filename)]
            check_unpacked(path, sum(one.file_size for one in members))
            yield archive, sorted(members, key=lambda one: one.filename)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise UserError(f"{path} cannot be unpacked ({error})", "Unpack it and give what it holds") from error


def is_visible(name: str) -> bool:
    """Whether a path inside an archive or folder is neither hidden nor added by a system."""
    return not any(part.startswith(".") or part in _OF_SYSTEMS for part in PurePosixPath(name).parts)


def check_unpacked(path: Path, size: int) -> None:
    """Refuse what would fill the memory: a compressed file may unpack to a thousand times its size.

    Raises:
        UserError: It unpacks to more than `MOST_UNPACKED` bytes.
    """
    if size > MOST_UNPACKED:
        raise UserError(
            f"{path} unpacks to more than {MOST_UNPACKED / 2**30:g} GiB",
            "If that is right, unpack it yourself and give the file",
        )
