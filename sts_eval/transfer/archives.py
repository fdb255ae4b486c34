"""The files that a path stands for: those below a folder, and those in a zip archive, in a folder for the time."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sts_eval.data.archives import is_visible, opened_zip
from sts_eval.errors import UserError

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
        with opened_zip(path) as (archive, members):
            for one in members:
                archive.extract(one, folder)
        files = files_below(folder)
        if not files:
            raise UserError(f"{path} holds no files", "Give an archive with results")
        yield files[0] if len(files) == 1 else folder


def files_below(folder: Path) -> list[Path]:
    """All files in a folder and in folders below, sorted, without hidden ones and those that systems add."""
    return sorted(
        file for file in folder.rglob("*") if file.is_file() and is_visible(file.relative_to(folder).as_posix())
    )
