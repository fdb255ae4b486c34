"""The base of every record: canonical JSON, a content hash, atomic files."""

import hashlib
import json
import os
import tempfile
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, get_args

from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError

from sts_eval.errors import UserError
from sts_eval.records.older import upgraded


class Part(BaseModel):
    """A part of a record: immutable, strict about unknown fields, without NaN or infinity."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


# Two rules for `exclude_if` of fields that older records lack: such a record keeps its text, and so its hash.


def absent(value: object) -> bool:
    """Whether a field is None or has no entries; zero and False are values."""
    return value is None or value == ()


def is_empty(value: object) -> bool:
    """Whether a field is zero, False, an empty text or has no entries."""
    return not value


class Record(Part):
    """A record on disk, named by the hash of its content."""

    _as_written: str | None = PrivateAttr(default=None)

    @classmethod
    def from_json(cls, raw: str | bytes, *, strict: bool = False) -> Self:
        """Read JSON of the present or an earlier schema.

        A record of an earlier schema keeps its canonical text, and so its hash, to which other records refer. `strict`
        refuses values of another type that could be converted.

        Raises:
            ValidationError: It is not such a record.
        """
        try:
            values = json.loads(raw)
        except (ValueError, RecursionError):
            return cls.model_validate_json(raw, strict=strict)  # which says what is wrong with it
        newer = upgraded(cls.__name__, values) if isinstance(values, dict) else values
        if newer is values:
            return cls.model_validate_json(raw, strict=strict)
        record = cls.model_validate_json(json.dumps(newer), strict=strict)
        record._remember(values, newer)
        return record

    def _remember(self, values: dict[str, Any], newer: dict[str, Any]) -> None:
        """Keep the text of this record and of the records in its fields, where it is of an earlier schema."""
        self._as_written = canonical_json(values)
        for name in type(self).model_fields:
            part = getattr(self, name)
            if isinstance(part, Record) and values[name] is not newer[name]:
                part._remember(values[name], newer[name])

    @property
    def of_earlier_schema(self) -> bool:
        """Whether it was written by an earlier version of the tool."""
        return self._as_written is not None

    def model_copy(self, *, update: Any = None, deep: bool = False) -> Self:
        """A copy; with another content it is a record of the present schema."""
        copy = super().model_copy(update=update, deep=deep)
        if update:
            copy._as_written = None
        return copy

    def canonical(self) -> str:
        """Canonical JSON: sorted keys, no spaces. Equal records give equal text on any machine."""
        return self._as_written or canonical_json(self._plain())

    def _plain(self) -> dict[str, Any]:
        """As plain values; what is of an earlier schema as it was written."""
        if self._as_written is not None:
            written: dict[str, Any] = json.loads(self._as_written)
            return written
        values = self.model_dump(mode="json")
        parts = {name: getattr(self, name) for name in type(self).model_fields}
        older = {name: part for name, part in parts.items() if isinstance(part, Record) and part.of_earlier_schema}
        return values | {name: part._plain() for name, part in older.items()}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.sha256()[:12]}>"  # all its fields would fill pages

    def sha256(self) -> str:
        """SHA-256 of the canonical JSON, in hexadecimal: the record's name wherever it is referred to."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    def write(self, path: Path) -> None:
        """Write the record, whole or not at all.

        Raises:
            UserError: The folder cannot be written.
        """
        write_atomically(path, json.dumps(self._plain(), ensure_ascii=False, indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a record and check it.

        Raises:
            UserError: The file is missing or is not such a record.
        """
        if path.exists() and not path.is_file():  # a pipe never begins, and a device has no end
            raise UserError(f"{path} is no ordinary file", "Check the path")
        try:
            raw = path.read_bytes()
            return cls.from_json(raw)
        except OSError as error:
            raise UserError(f"{path} cannot be read ({error.strerror})", "Check the path") from error
        except ValidationError as error:
            _refuse_another_kind(path, raw, cls)
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "the top level"
            raise UserError(
                f"{path} is not a valid {cls.__name__.lower()} record: {where}: {first['msg']}",
                "Make it again with this version of the tool",
            ) from error


def _refuse_another_kind(path: Path, raw: bytes, wanted: type[Record]) -> None:
    """Refuse in plain words what is a record, but of another kind, or of a version that is not known yet."""
    if "schema_version" not in wanted.model_fields:
        return
    name = wanted.__name__.lower()
    for kind in Record.__subclasses__():
        has_form = any(field.is_required() for field in kind.model_fields.values())  # others take any empty object
        if "schema_version" in kind.model_fields and has_form and kind is not wanted:
            with suppress(ValidationError):
                kind.from_json(raw)
                raise UserError(
                    f"{path} is a {kind.__name__.lower()} record, and a {name} record is needed here",
                    "Check the order of the arguments",
                )
    with suppress(ValueError, RecursionError):
        values = json.loads(raw)
        version = values.get("schema_version") if isinstance(values, dict) else None
        newest = max(get_args(wanted.model_fields["schema_version"].annotation))
        if isinstance(version, int) and version > newest:
            raise UserError(
                f"{path} has schema version {version}, and {name} records are known up to version {newest}",
                "Install a newer version of sts-eval",
            )


def canonical_json(values: object, *, allow_nan: bool = False) -> str:
    """Plain values as canonical JSON: sorted keys, no spaces."""
    return json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=allow_nan)


def fingerprint(values: object) -> str:
    """SHA-256 of the canonical JSON of plain values: equal data give equal fingerprints on any machine."""
    return hashlib.sha256(canonical_json(values, allow_nan=True).encode()).hexdigest()


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader sees all of it or what was there before.

    Raises:
        UserError: The folder cannot be written, or the disk is full.
    """
    check_writable(path)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
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
    """Find out before the work, not after it, whether a file can be written. Leaves nothing on the disk.

    Folders that are missing can be made where the nearest folder that is there may be written to.

    Raises:
        UserError: It cannot.
    """
    try:
        if path.is_dir():
            raise UserError(f"{path} is a folder", "Give the path of a file")
        there = nearest(path.parent)
        if not there.is_dir():
            raise UserError(f"{there} is a file", "Give a folder")
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror})", "Choose a folder that you may write to"
        ) from error


def nearest(path: Path) -> Path:
    """A path, or the nearest of the folders above it that is there."""
    return next(one for one in (path, *path.parents) if one.exists())


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
