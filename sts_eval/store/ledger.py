"""What happened to each submission, and which predictions were registered: small files that are only ever added.

    ledger/entry-NUMBER-ACTION-SUBMISSION.json    an entry, which holds the hash of the one before it
    ledger/TIME-ACTION-….json                     an entry of an earlier version, which does not; these come first

So an entry cannot be changed, taken out or put in between without breaking the chain, and its time cannot be before
that of the entry ahead of it: `chain_problems` tells. Whoever may write to the store can still make the whole chain
anew; against that its last hash has to be known elsewhere, for instance in a signed commit.

On a disk entries are written one at a time. Where there is no lock, two writers may give their entries the same number;
the next entry then holds the hash of both. Malformed input leaves no entry: it never was a
submission, and anybody could fill the ledger with it.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from sts_eval.records.ledger import Action, LedgerEntry, ReproductionFigures
from sts_eval.records.record import fingerprint, now
from sts_eval.store.files import Files
from sts_eval.submission.times import EARLIEST, read_time

LEDGER = "ledger"
SLACK = timedelta(minutes=5)  # by which clocks of writers may differ

_NUMBERED = re.compile(r"entry-(\d{8})-.*\.json")
_ONLY_IN_CHAIN = ("registered", "reproduced")
_OLDER = re.compile(r"\d{8}T\d+Z-")  # how entries of an earlier version begin


class Ledger:
    """The entries of a store."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def add(
        self,
        action: Action,
        submission: str,
        *,
        by: str,
        why: str = "",
        other: str | None = None,
        owner: str | None = None,
        figures: ReproductionFigures | None = None,
    ) -> LedgerEntry:
        """Append an entry. `owner` is who showed a secret or signed in."""
        with self._files.locked():
            while True:
                names = [name for name in self._files.names(LEDGER) if _NUMBERED.fullmatch(name) or _OLDER.match(name)]
                number = _number(names[-1]) if names else 0
                last = [name for name in names if _number(name) == number]
                entry = LedgerEntry(
                    action=action,
                    submission=submission,
                    when=now(),
                    by=by,
                    why=why,
                    other=other,
                    owner=owner,
                    figures=figures,
                    previous=_link(self.read(last).values()),
                )
                name = f"{LEDGER}/entry-{number + 1:08d}-{action}-{submission[:16]}.json"
                if self._files.create(name, entry.canonical().encode()):
                    return entry

    def accepts(self, submission: str) -> bool:
        """Whether a submission was ever accepted."""
        return self._first("accepted", submission) is not None

    def registration(self, prediction: str) -> LedgerEntry | None:
        """The first registration of a prediction, None where it was not registered."""
        return self._first("registered", prediction)

    def _first(self, action: Action, submission: str) -> LedgerEntry | None:
        """By what the file holds: one that was cut off is no entry, whatever its name says."""
        names = [name for name in self._files.names(LEDGER) if f"-{action}-{submission[:16]}" in name]
        found = self.read(names).values()
        return next((one for one in found if one.action == action and one.submission == submission), None)

    def read(self, names: Iterable[str]) -> dict[str, LedgerEntry]:
        """Entries by name; files that are none are left out, and what no earlier version wrote outside the chain."""
        found = self._files.records(LedgerEntry, LEDGER, names)
        return {name: one for name, one in found.items() if _number(name) or one.action not in _ONLY_IN_CHAIN}

    def entries(self, since: datetime | None = None) -> tuple[LedgerEntry, ...]:
        """Entries, oldest first; without those before `since` (with its time zone)."""
        found = self.read(self._files.names(LEDGER)).values()
        return tuple(
            one for one in found if since is None or (read_time(one.when) or since) >= since.replace(microsecond=0)
        )


def chain_problems(entries: Mapping[str, LedgerEntry]) -> list[str]:
    """Where the chain is broken, in sentences; entries by the names of their files, oldest first.

    An entry by a clock that is ahead is a problem itself, and none of those that come after it.
    """
    problems = []
    end = datetime.now(UTC) + SLACK
    before: dict[int, list[LedgerEntry]] = {}
    latest = EARLIEST
    for name, entry in entries.items():
        number, moment = _number(name), read_time(entry.when)
        if number and entry.previous != _link(before.get(number - 1, [])):
            problems.append(f"{name} does not follow from what is ahead of it")
        if moment is None or moment < latest - SLACK:
            problems.append(f"{name} is dated before an entry ahead of it")
        elif moment > end:
            problems.append(f"{name} is dated {entry.when}, which has not come yet")
        else:
            latest = max(latest, moment)
        before.setdefault(number, []).append(entry)
    return problems


def _link(entries: Iterable[LedgerEntry]) -> str | None:
    """What the next entry holds of those that have the last number, or of all of an earlier version; None of none."""
    hashes = sorted(entry.sha256() for entry in entries)
    return fingerprint(hashes) if len(hashes) > 1 else next(iter(hashes), None)


def _number(name: str) -> int:
    """The number of an entry, 0 for those of an earlier version."""
    found = _NUMBERED.fullmatch(name)
    return int(found[1]) if found else 0


@dataclass(frozen=True)
class LedgerState:
    """The state of a submission after all its entries."""

    status: Literal["accepted", "rejected", "withdrawn"] | None = None  # None: never accepted, so it is not shown
    since: str | None = None  # when it was first accepted
    place: int = 0  # of that entry in the ledger, which tells who was first within a second
    owner: str | None = None  # who showed a secret or signed in then
    by: str | None = None  # who handed it in, by name
    why: str | None = None  # why it was taken down; of an accepted one, nothing
    flagged: str | None = None  # the doubt, if there is one
    rerun: tuple[str, ...] = ()  # reruns by somebody else, or who runs the store, that agree with it, by the ledger
    reproduced: str | None = None  # when it was last reproduced by one of these, and agreed
    not_reproduced: str | None = None  # why a later reproduction did not agree

    def after(self, entry: LedgerEntry, place: int = 0, maintainers: Container[str | None] = ()) -> LedgerState:
        """The state after one more entry, which has this place in the ledger; owners of it that run the store."""
        others = entry.owner != self.owner if entry.owner and self.owner else entry.by != self.by
        others |= entry.owner in maintainers
        match entry.action:
            case "accepted":
                first = self
                if self.since is None:
                    first = replace(self, since=entry.when, place=place, owner=entry.owner, by=entry.by)
                return replace(first, status="accepted", why=None, flagged=None)
            case "rejected" | "withdrawn":
                return replace(self, status=entry.action, why=entry.why)
            case "flagged":
                return replace(self, flagged=entry.why or "no reason was given")
            case "rerun" if entry.other and others:
                return replace(self, rerun=(*self.rerun, entry.other))
            case "reproduced" if entry.figures:
                return self._reproduced(entry, entry.figures, others)
        return self

    def _reproduced(self, entry: LedgerEntry, figures: ReproductionFigures, others: bool) -> LedgerState:
        if not figures.agrees:
            return replace(self, not_reproduced="; ".join(figures.obstacles) or "it differs")
        return replace(self, reproduced=entry.when, not_reproduced=None) if others else self


def ledger_states(entries: Iterable[LedgerEntry], maintainers: Container[str | None] = ()) -> dict[str, LedgerState]:
    """The state of each submission, from entries that come oldest first. `maintainers` are owners who run the store."""
    states: dict[str, LedgerState] = {}
    for place, entry in enumerate(entries):
        if entry.action != "registered":
            states[entry.submission] = states.get(entry.submission, LedgerState()).after(entry, place, maintainers)
    return states


def registrations(entries: Iterable[LedgerEntry]) -> dict[str, str]:
    """When each prediction was first registered, by its hash, from entries that come oldest first.

    One by a clock that was put back counts from the entry ahead of it; one whose time has not come, not at all.
    """
    found: dict[str, str] = {}
    latest, end = EARLIEST, datetime.now(UTC) + SLACK
    for entry in entries:
        moment = read_time(entry.when)
        if moment is None or moment > end:
            continue
        if entry.action == "registered":
            when = entry.when if moment >= latest - SLACK else latest.isoformat(timespec="seconds")
            found.setdefault(entry.submission, when)
        latest = max(latest, moment)
    return found
