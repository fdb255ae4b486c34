"""Whole files or nothing, on a disk or behind any fsspec address.

On a disk a file is written under a temporary name and then linked to its own, which fails where it exists, or moved
over it. Object stores (`s3://`, `hf://`, ...) show an object when it is complete, so one write is enough; whether
creation is exclusive depends on them: s3fs asks for it, others look first and write then, and two writers at the same
moment may both believe that they were first. Nothing here depends on it but the queue's leases.

Temporary files start with a dot, are never listed, and are left behind by a writer that was killed, until they are
swept.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from sts_eval.errors import UserError

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{32}\.tmp")


class Files:
    """A folder of small files.

    Args:
        url: A path, or an address that fsspec knows: `hf://datasets/org/name`, `s3://bucket/folder`, ...
        options: What fsspec's file system takes, such as a token.

    Raises:
        UserError: No installed package opens such addresses.
    """

    def __init__(self, url: str, **options: Any) -> None:
        try:
            self._system, root = url_to_fs(url, **options)
        except (ImportError, ValueError) as error:
            raise UserError(f"{url} cannot be opened ({error})", "Give a folder, hf:// or s3:// address") from error
        self.url = url
        self._root = root.rstrip("/")
        self._folder = Path(root) if isinstance(self._system, LocalFileSystem) else None

    def names(self, folder: str, ending: str = ".json") -> list[str]:
        """Names of the finished files of a folder, sorted; none where there is no folder."""
        if self._folder is not None:
            try:
                found = os.listdir(self._folder / folder)  # noqa: PTH208 - names are all that is wanted
            except FileNotFoundError:
                return []
        else:
            self._system.invalidate_cache()
            try:
                listed = self._system.ls(self._path(folder), detail=False)
            except FileNotFoundError:
                return []
            found = [str(path).rstrip("/").rsplit("/", 1)[-1] for path in listed]
        return sorted(name for name in found if name.endswith(ending) and not name.startswith("."))

    def read(self, name: str) -> bytes | None:
        """A file, None where there is none."""
        try:
            if self._folder is not None:
                return (self._folder / name).read_bytes()
            content: bytes = self._system.cat_file(self._path(name))
        except (FileNotFoundError, NotADirectoryError):
            return None
        return content

    def read_all(self, names: Iterable[str]) -> dict[str, bytes]:
        """Several files by name, at once where the file system can; those that are gone are left out."""
        wanted = list(names)
        if self._folder is None and wanted:
            back = {self._path(name): name for name in wanted}
            found = self._system.cat(list(back), on_error="omit")
            return {back[path]: content for path, content in found.items() if path in back}
        contents = ((name, self.read(name)) for name in wanted)
        return {name: content for name, content in contents if content is not None}

    def create(self, name: str, content: bytes) -> bool:
        """Write a file unless there is one of that name. Whether it was written."""
        if self._folder is None:
            try:
                self._system.pipe_file(self._path(name), content, mode="create")
            except FileExistsError:
                return False
            return True
        final = self._folder / name
        if final.exists():
            return False
        temporary = self._written(final, content)
        try:
            os.link(temporary, final)
        except FileExistsError:
            return False
        except OSError as error:
            raise UserError(f"{final} cannot be written ({error.strerror})", "Use a disk that knows links") from error
        finally:
            temporary.unlink()
        return True

    def replace(self, name: str, content: bytes) -> None:
        """Write a file, over the one of that name if there is one."""
        if self._folder is None:
            self._system.pipe_file(self._path(name), content)
            return
        final = self._folder / name
        self._written(final, content).replace(final)

    @property
    def local(self) -> bool:
        """Whether the folder is on a disk."""
        return self._folder is not None

    def sweep(self, seconds: float) -> int:
        """Remove temporary files that killed writers left behind, on a disk only.

        Args:
            seconds: What is younger may belong to a writer at work, and stays.

        Returns:
            How many were removed.
        """
        swept = 0
        found = self._folder.rglob(".*.tmp") if self._folder is not None else ()
        for path in found:
            # Another reader may sweep at the same time, and one that may only read removes nothing.
            with contextlib.suppress(OSError):
                if _TEMPORARY.fullmatch(path.name) and path.stat().st_mtime < time.time() - seconds:
                    path.unlink()
                    swept += 1
        return swept

    def keep_newest(self, folder: str, most: int) -> None:
        """Remove the oldest files of a folder beyond so many, on a disk only."""
        if self._folder is None:
            return
        for name in sorted(self.names(folder), key=lambda one: self._changed(f"{folder}/{one}"))[:-most]:
            (self._folder / folder / name).unlink(missing_ok=True)

    def _changed(self, name: str) -> float:
        """When a file on a disk was written; 0 where it is gone."""
        try:
            return (self._folder / name).stat().st_mtime if self._folder is not None else 0.0
        except FileNotFoundError:
            return 0.0

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _written(self, final: Path, content: bytes) -> Path:
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
            raise UserError(
                f"{final} cannot be written ({error.strerror})", "Choose a store that you may write to, with free space"
            ) from error
        return temporary
