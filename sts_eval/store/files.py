"""Whole files or nothing, on a disk or behind any fsspec address.

On a disk a file is written under a temporary name and then linked to its own, which fails where it exists, or moved
over it; fsspec's own writing to a disk shows files that are half written. Object stores (`s3://`, `hf://`, ...) show an
object when it is complete, so one write is enough; whether creation is exclusive depends on them: s3fs asks for it,
others look first and write then, and two writers at the same moment may both believe that they were first. The queue's
leases depend on it, and so does who is first to use a name.

What has to be read and then written by one writer at a time is done under a lock, which a folder on a disk has and an
object store has not.

Temporary files start with a dot, are never listed, and are left behind by a writer that was killed, until they are
swept.
"""

import contextlib
import os
import re
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from filelock import FileLock
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem
from pydantic import ValidationError

from sts_eval.errors import UserError
from sts_eval.records.record import Record

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{32}\.tmp")

LOCK = ".lock"

Kind = TypeVar("Kind", bound=Record)


class Files:
    """A folder of small files: a path, or an address that fsspec knows (`hf://datasets/org/name`, `s3://bucket/...`).

    Tokens and other options come from fsspec's configuration and the environment.

    Raises:
        UserError: No installed package opens such addresses.
    """

    def __init__(self, url: str) -> None:
        try:
            self._system, root = url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise UserError(f"{url} cannot be opened ({error})", "Give a folder, hf:// or s3:// address") from error
        self._root = root.rstrip("/")
        self._folder = Path(root) if isinstance(self._system, LocalFileSystem) else None
        self._lock = FileLock(self._folder / LOCK) if self._folder is not None else None

    def check_is_no_file(self) -> None:
        """Refuse a file in the place of a folder.

        Raises:
            UserError: There is a file of the store's name.
        """
        if self._folder is not None and self._folder.is_file():
            raise UserError(f"the store {self._folder} is a file", "Give a folder, hf:// or s3:// address")

    def check_exists(self) -> None:
        """Refuse a store on a disk that nobody has written to.

        Raises:
            UserError: There is no such folder.
        """
        if self._folder is not None and not self._folder.is_dir():
            raise UserError(
                f"there is no store {self._folder}", "Check the path, or submit a run, which makes the store"
            )

    @property
    def local(self) -> bool:
        """Whether the folder is on a disk."""
        return self._folder is not None

    def names(self, folder: str) -> list[str]:
        """Names of the finished JSON files of a folder, sorted; none where there is no folder."""
        if self._folder is not None:
            try:
                with os.scandir(self._folder / folder) as listed:
                    names = [entry.name for entry in listed if _is_file(entry)]
            except FileNotFoundError:
                return []
            except NotADirectoryError:
                if self._folder.is_file():  # the store itself is none; a file in a folder's place is nothing
                    raise
                return []
        else:
            self._system.invalidate_cache()
            try:
                found = self._system.ls(f"{self._root}/{folder}", detail=True)
            except FileNotFoundError:
                return []
            names = [str(one["name"]).rpartition("/")[2] for one in found if one["type"] == "file"]
        return sorted(name for name in names if name.endswith(".json") and not name.startswith("."))

    def read(self, name: str) -> bytes | None:
        """A file, None where there is none: a folder, a device or a pipe of that name is none."""
        if self._folder is not None and not (self._folder / name).is_file():
            return None
        try:
            content: bytes = self._system.cat_file(f"{self._root}/{name}")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        return content

    def read_all(self, names: Iterable[str]) -> dict[str, bytes]:
        """Several files by name, at once where the file system can; those that are gone are left out."""
        if self.local:
            contents = ((name, self.read(name)) for name in names)
            return {name: content for name, content in contents if content is not None}
        by_path = {f"{self._root}/{name}": name for name in names}
        found = self._system.cat(list(by_path), on_error="omit") if by_path else {}
        return {by_path[path]: content for path, content in found.items() if path in by_path}

    def record(self, kind: type[Kind], name: str) -> Kind | None:
        """A file as a record, None where there is none or it holds no such record."""
        try:
            return kind.model_validate_json(self.read(name) or b"")
        except ValidationError:  # somebody may have put it there by hand
            return None

    def records(self, kind: type[Kind], folder: str, names: Iterable[str]) -> dict[str, Kind]:
        """Files of a folder as records, by name; those that are gone or hold no such record are left out."""
        found = {}
        for path, content in self.read_all(f"{folder}/{name}" for name in names).items():
            with contextlib.suppress(ValidationError):  # somebody may have put it there by hand
                found[path.rpartition("/")[2]] = kind.model_validate_json(content)
        return found

    def create(self, name: str, content: bytes) -> bool:
        """Write a file unless there is one of that name; whether it was written."""
        if self._folder is None:
            try:
                self._system.pipe_file(f"{self._root}/{name}", content, mode="create")
            except FileExistsError:
                return False
            return True
        final = self._folder / name
        if final.exists():
            return False
        temporary = _write_temporary(final, content)
        try:
            os.link(temporary, final)
        except FileExistsError:
            return False
        except OSError as error:
            raise UserError(
                f"{final} cannot be written ({error.strerror})", "Use a disk that supports hard links"
            ) from error
        finally:
            temporary.unlink()
        return True

    def replace(self, name: str, content: bytes) -> None:
        """Write a file, over the one of that name if there is one."""
        if self._folder is None:
            self._system.pipe_file(f"{self._root}/{name}", content)
        else:
            final = self._folder / name
            _write_temporary(final, content).replace(final)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other writers out of a folder on a disk; it may be taken twice, and goes with its process.

        Raises:
            UserError: The folder cannot be written.
        """
        if self._folder is None or self._lock is None:
            yield
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(poll_interval=0.01)
        except OSError as error:
            problem = f"{self._folder} cannot be written ({error.strerror})"
            raise UserError(problem, "Choose a store that you may write to, with free space") from error
        try:
            yield
        finally:
            self._lock.release()

    def sweep(self, seconds: float) -> None:
        """Remove temporary files that killed writers left behind, on a disk only.

        What is younger than `seconds` may belong to a writer at work, and stays.
        """
        for path in self._folder.rglob(".*.tmp") if self._folder is not None else ():
            # Another reader may sweep at the same time, and one that may only read removes nothing.
            with contextlib.suppress(OSError):
                if _TEMPORARY.fullmatch(path.name) and path.stat().st_mtime < time.time() - seconds:
                    path.unlink()

    def keep_newest(self, folder: str, most: int) -> None:
        """Remove the oldest files of a folder beyond so many, on a disk only."""
        if self._folder is None:
            return
        written: dict[Path, float] = {}
        for name in self.names(folder):
            with contextlib.suppress(FileNotFoundError):
                path = self._folder / folder / name
                written[path] = path.stat().st_mtime
        for path in sorted(written, key=written.__getitem__)[:-most]:
            path.unlink(missing_ok=True)


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Whether it is a file or leads to one; a link that leads back to itself does not."""
    try:
        return entry.is_file()
    except OSError:
        return False


def _write_temporary(final: Path, content: bytes) -> Path:
    """A temporary file beside the final one, on the disk for good."""
    temporary = final.with_name(f".{final.name}.{uuid.uuid4().hex}.tmp")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        temporary.unlink(missing_ok=True)
        problem = f"{final} cannot be written ({error.strerror})"
        raise UserError(problem, "Choose a store that you may write to, with free space") from error
    return temporary
