"""The base of every record: canonical JSON, a content hash, atomic files."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from sts_eval.errors import UserError


class Part(BaseModel):
    """A part of a record: immutable, strict about unknown fields, without NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Record(Part):
    """A record on disk, named by the hash of its content."""

    def canonical(self) -> str:
        """Canonical JSON: sorted keys, no spaces. Equal records give equal text on any machine."""
        values = self.model_dump(mode="json")
        return json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    def sha256(self) -> str:
        """SHA-256 of the canonical JSON, in hexadecimal: the record's name wherever it is referred to."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    def write(self, path: Path) -> None:
        """Write the record, whole or not at all.

        Raises:
            UserError: The folder cannot be written.
        """
        write_atomically(path, json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a record and check it.

        Raises:
            UserError: The file is missing or is not such a record.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise UserError(f"{path} cannot be read ({error.strerror})", "Check the path") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the top level"
            raise UserError(
                f"{path} is not a valid {cls.__name__.lower()} record: {where}: {first['msg']}",
                "Make it again with this version of the tool",
            ) from error


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader sees all of it or what was there before.

    Raises:
        UserError: The folder cannot be written, or the disk is full.
    """
    check_writable(path)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"{path} cannot be written ({error.strerror})", "Free space, or choose another path") from error
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Find out before the work, not after it, whether a file can be written. Makes missing folders.

    Raises:
        UserError: It cannot.
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder", "Give the path of a file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror})", "Choose a folder that you may write to"
        ) from error


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
