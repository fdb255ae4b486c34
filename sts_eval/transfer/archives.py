"""The files that a path stands for: those below a folder, and those in a zip archive, in a folder for the time."""

import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from sts_eval.data.files import check_unpacked
from sts_eval.errors import UserError

_OF_SYSTEMS = ("__MACOSX", "Thumbs.db")
_OTHERS = (".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".tgz", ".7z", ".rar")


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """A file or folder as it is; of a zip archive the only file, or else a folder of its files.

    Raises:
        UserError: It is another archive, is broken or encrypted, or holds more than `MOST_UNPACKED`.
    """
    if path.is_file() and path.name.lower().endswith(_OTHERS):
        raise UserError(f"{path} is an archive of a kind that is not read", "Unpack it and give what it holds")
    if path.suffix.lower() != ".zip" or not path.is_file():
        yield path
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / path.stem
        try:
            with zipfile.ZipFile(path) as archive:
                members = [one for one in archive.infolist() if not one.is_dir() and _is_visible(one.filename)]
                check_unpacked(path, sum(one.file_size for one in members))
                for one in members:
                    archive.extract(one, folder)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
            raise UserError(f"{path} cannot be unpacked ({error})", "Unpack it and give what it holds") from error
        files = files_below(folder)
        if not files:
            raise UserError(f"{path} holds no files", "Give an archive with results")
        yield files[0] if len(files) == 1 else folder


def files_below(folder: Path) -> list[Path]:
    """All files in a folder and in folders below, sorted, without hidden ones and those that systems add."""
    return sorted(
        file for file in folder.rglob("*") if file.is_file() and _is_visible(file.relative_to(folder).as_posix())
    )


def _is_visible(name: str) -> bool:
    return not any(part.startswith(".") or part in _OF_SYSTEMS for part in PurePosixPath(name).parts)
