"""What became of each submission: a folder of small files, each named by time and chance, only ever added to.

A file per entry lets any number of writers work at once. Malformed input leaves no entry: it never was a submission,
and anybody could fill the ledger with it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from pydantic import ValidationError

from sts_eval.records.ledger import Action, LedgerEntry
from sts_eval.records.record import now
from sts_eval.store.files import Files

FOLDER = "ledger"

_STAMP = "%Y%m%dT%H%M%S%fZ"
"""How an entry's name begins."""

Status = Literal["accepted", "rejected", "withdrawn"]


@dataclass(frozen=True)
class Standing:
    """Where a submission stands after all that was said of it.

    Attributes:
        status: None where it was never accepted: its writer was stopped, and nothing of it is shown.
        since: When it was first accepted.
        why: Why it was taken down; of an accepted one, nothing.
        flagged: The doubt, if there is one.
        rerun: Submissions that are said to agree with it.
    """

    status: Status | None = None
    since: str | None = None
    why: str | None = None
    flagged: str | None = None
    rerun: tuple[str, ...] = ()


class Ledger:
    """The entries of a store."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def add(self, action: Action, submission: str, *, by: str, why: str = "", other: str | None = None) -> LedgerEntry:
        """Append an entry."""
        entry = LedgerEntry(action=action, submission=submission, when=now(), by=by, why=why, other=other)
        stamp = datetime.now(UTC).strftime(_STAMP)
        name = f"{FOLDER}/{stamp}-{action}-{submission[:16]}-{uuid.uuid4().hex}.json"
        self._files.create(name, entry.canonical().encode())
        return entry

    def names(self) -> list[str]:
        """Names of all entries, oldest first."""
        return self._files.names(FOLDER)

    def accepts(self, submission: str) -> bool:
        """Whether a submission was ever accepted."""
        return any(f"-accepted-{submission[:16]}-" in name for name in self.names())

    def read(self, names: Iterable[str]) -> dict[str, LedgerEntry]:
        """Entries by name; files that are none are left out."""
        entries = {}
        for path, content in self._files.read_all(f"{FOLDER}/{name}" for name in names).items():
            try:
                entries[path.rpartition("/")[2]] = LedgerEntry.model_validate_json(content)
            except ValidationError:
                continue
        return entries

    def since(self, moment: datetime) -> tuple[LedgerEntry, ...]:
        """Entries from a moment on, oldest first; older ones are not read.

        Args:
            moment: With its time zone.
        """
        first = moment.astimezone(UTC).strftime(_STAMP)
        return tuple(self.read(name for name in self.names() if name >= first).values())

    def entries(self) -> tuple[LedgerEntry, ...]:
        """All entries, oldest first."""
        return tuple(self.read(self.names()).values())


def standings(entries: Iterable[LedgerEntry]) -> dict[str, Standing]:
    """Where each submission stands.

    Args:
        entries: Oldest first.
    """
    found: dict[str, Standing] = {}
    for entry in entries:
        before = found.get(entry.submission, Standing())
        match entry.action:
            case "accepted":
                since = before.since or entry.when
                after = replace(before, status="accepted", since=since, why=None, flagged=None)
            case "rejected" | "withdrawn":
                after = replace(before, status=entry.action, why=entry.why)
            case "flagged":
                after = replace(before, flagged=entry.why or "no reason was given")
            case "rerun":
                after = replace(before, rerun=(*before.rerun, *([entry.other] if entry.other else [])))
        found[entry.submission] = after
    return found


def packed(entries: dict[str, LedgerEntry]) -> str:
    """Entries by name as one text, which `unpacked` reads."""
    return json.dumps({name: entry.model_dump(mode="json") for name, entry in entries.items()}, separators=(",", ":"))


def unpacked(text: str) -> dict[str, LedgerEntry]:
    """The inverse of `packed`. What it reads was checked when it was packed."""
    return {name: LedgerEntry.model_construct(**fields) for name, fields in json.loads(text).items()}
