"""What happened to each submission, and which predictions were registered: small files that are only ever added.

    ledger/TIME-ACTION-….json        an entry, named by time and chance
    preregistrations/SHA256.json     a registration, named by the prediction's hash; only the first counts

A file per entry lets any number of writers work at once. Malformed input leaves no entry: it never was a submission,
and anybody could fill the ledger with it.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from sts_eval.records.ledger import SHA256, Action, LedgerEntry, Preregistration
from sts_eval.records.record import now
from sts_eval.store.files import Files

LEDGER, REGISTRATIONS = "ledger", "preregistrations"

_STAMP = "%Y%m%dT%H%M%S%fZ"  # how an entry's name begins


class Ledger:
    """The entries of a store."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def add(self, action: Action, submission: str, *, by: str, why: str = "", other: str | None = None) -> LedgerEntry:
        """Append an entry."""
        entry = LedgerEntry(action=action, submission=submission, when=now(), by=by, why=why, other=other)
        stamp = datetime.now(UTC).strftime(_STAMP)
        name = f"{LEDGER}/{stamp}-{action}-{submission[:16]}-{uuid.uuid4().hex}.json"
        self._files.create(name, entry.canonical().encode())
        return entry

    def accepts(self, submission: str) -> bool:
        """Whether a submission was ever accepted."""
        return any(f"-accepted-{submission[:16]}-" in name for name in self._files.names(LEDGER))

    def read(self, names: Iterable[str]) -> dict[str, LedgerEntry]:
        """Entries by name; files that are none are left out."""
        return self._files.records(LedgerEntry, LEDGER, names)

    def entries(self, since: datetime | None = None) -> tuple[LedgerEntry, ...]:
        """Entries, oldest first; those before `since` (with its time zone) are not read."""
        first = since.astimezone(UTC).strftime(_STAMP) if since else ""
        return tuple(self.read(name for name in self._files.names(LEDGER) if name >= first).values())


@dataclass(frozen=True)
class LedgerState:
    """The state of a submission after all its entries."""

    status: Literal["accepted", "rejected", "withdrawn"] | None = None  # None: never accepted, so it is not shown
    since: str | None = None  # when it was first accepted
    why: str | None = None  # why it was taken down; of an accepted one, nothing
    flagged: str | None = None  # the doubt, if there is one
    rerun: tuple[str, ...] = ()  # reruns that agree with it, by the ledger

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
    """The state of each submission, from entries that come oldest first."""
    states: dict[str, LedgerState] = {}
    for entry in entries:
        states[entry.submission] = states.get(entry.submission, LedgerState()).after(entry)
    return states


def read_registrations(files: Files, predictions: Iterable[str]) -> dict[str, Preregistration]:
    """The registrations of predictions by hash; those that were not registered are left out."""
    names = [f"{sha256}.json" for sha256 in predictions if re.fullmatch(SHA256, sha256)]
    found = files.records(Preregistration, REGISTRATIONS, names)
    # A file under another prediction's name registers nothing.
    return {one.prediction_sha256: one for name, one in found.items() if name == f"{one.prediction_sha256}.json"}
