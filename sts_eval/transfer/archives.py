"""Results in a zip archive, unpacked where nobody sees them."""

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from sts_eval.data.files import check_unpacked
from sts_eval.errors import UserError

_FILES_OF_SYSTEMS = ("__MACOSX", ".DS_Store", "Thumbs.db")  # which systems add to archives
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
                members = [one for one in archive.infolist() if not one.is_dir() and not _of_system(one.filename)]
                check_unpacked(path, sum(one.file_size for one in members))
                for one in members:
                    archive.extract(one, folder)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
            raise UserError(f"{path} cannot be unpacked ({error})", "Unpack it and give what it holds") from error
        files = [one for one in folder.rglob("*") if one.is_file()]
        if not files:
            raise UserError(f"{path} holds no files", "Give an archive with results")
        yield files[0] if len(files) == 1 else folder


def _of_system(name: str) -> bool:
    return not {*PurePosixPath(name).parts}.isdisjoint(_FILES_OF_SYSTEMS)
