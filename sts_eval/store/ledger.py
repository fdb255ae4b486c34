"""What happened to each submission: a folder of small files, each named by time and chance, only ever added to.

A file per entry lets any number of writers work at once. Malformed input leaves no entry: it never was a submission,
and anybody could fill the ledger with it.
"""

from __future__ import annotations

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

    def entries(self, since: datetime | None = None) -> tuple[LedgerEntry, ...]:
        """Entries, oldest first.

        Args:
            since: With its time zone; older ones are not read. All if None.
        """
        first = since.astimezone(UTC).strftime(_STAMP) if since else ""
        return tuple(self.read(name for name in self.names() if name >= first).values())


@dataclass(frozen=True)
class LedgerState:
    """The state of a submission after all its entries.

    Attributes:
        status: None where it was never accepted: its writer was stopped, and nothing of it is shown.
        since: When it was first accepted.
        why: Why it was taken down; of an accepted one, nothing.
        flagged: The doubt, if there is one.
        rerun: Reruns that agree with it, by the ledger.
    """

    status: Literal["accepted", "rejected", "withdrawn"] | None = None
    since: str | None = None
    why: str | None = None
    flagged: str | None = None
    rerun: tuple[str, ...] = ()

    def after(self, entry: LedgerEntry) -> LedgerState:
        """The state after one more entry."""
        match entry.action:
            case "accepted":
                return replace(self, status="accepted", since=self.since or entry.when, why=None, flagged=None)
            case "rejected" | "withdrawn":
                return replace(self, status=entry.action, why=entry.why)
            case "flagged":
                return replace(self, flagged=entry.why or "no reason was given")
            case "rerun":
                return replace(self, rerun=(*self.rerun, *([entry.other] if entry.other else [])))


def ledger_states(entries: Iterable[LedgerEntry]) -> dict[str, LedgerState]:
    """The state of each submission.

    Args:
        entries: Oldest first.
    """
    states: dict[str, LedgerState] = {}
    for entry in entries:
        states[entry.submission] = states.get(entry.submission, LedgerState()).after(entry)
    return states
