"""Runs that somebody asked for, taken by one worker at a time.

    queue/requests/KEY.json              what is wanted; KEY is the hash of it, so that a thing is asked for once
    queue/leases/KEY-ATTEMPT.json        who works on it and until when; made exclusively, so that one worker gets it
    queue/failed/KEY-ATTEMPT.json        an attempt that ended badly, with its log
    queue/done/KEY.json                  the submission that came of it

A request is free if nobody has tried it, if its last attempt failed, or if its last lease is over: its worker was
killed. Attempts are numbered, and the file of the next number can be made by one worker only. A worker renews its lease
while it works; where another attempt has begun meanwhile, it has lost the request and must stop.

Exclusive creation is certain on a local disk. On an object store it is as good as the store's own (`sts_eval.store.
files`): two workers may take a request at the same moment, and then do the same work twice. Clocks of workers should
agree to well within a lease.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, TypeVar

from pydantic import Field, ValidationError

from sts_eval.errors import UserError
from sts_eval.records.ledger import SHA256, EvaluationRequest
from sts_eval.records.record import Record
from sts_eval.store.files import Files

REQUESTS, LEASES, FAILED, DONE = (f"queue/{name}" for name in ("requests", "leases", "failed", "done"))

MOST_ATTEMPTS = 3

LONGEST_LOG = 10_000
"""Characters; the end is kept."""

State = Literal["waiting", "running", "stuck", "failed", "done"]
"""`stuck`: the lease is over and nobody said how it ended; it will be taken again unless its attempts are used up.
`failed`: all attempts ended badly."""


Kind = TypeVar("Kind", bound=Record)


class LeaseFile(Record):
    """Who works on a request."""

    worker: str
    taken: float = Field(description="seconds since 1970")
    until: float


class FailureFile(Record):
    """How an attempt ended."""

    worker: str
    when: float
    log: str


class DoneFile(Record):
    """What came of a request."""

    worker: str
    when: float
    submission: str = Field(pattern=SHA256)


class LostLeaseError(UserError):
    """Somebody else works on the request by now."""


@dataclass(frozen=True)
class Lease:
    """The right to work on a request, for a while.

    Attributes:
        key: The request's.
        request: What is wanted.
        attempt: From 1.
        worker: Who has it.
    """

    key: str
    request: EvaluationRequest
    attempt: int
    worker: str


@dataclass(frozen=True)
class QueueEntry:
    """A request and how far it is.

    Attributes:
        key: Its name.
        request: What is wanted.
        state: How far.
        attempts: How often it was taken.
        worker: Who had it last.
        until: When that lease ends or ended, UTC, ISO 8601.
        log: How the last attempt failed.
        submission: What came of it.
    """

    key: str
    request: EvaluationRequest
    state: State
    attempts: int
    worker: str | None
    until: str | None
    log: str | None
    submission: str | None


class Queue:
    """The requests of a store.

    Args:
        files: The store's.
        clock: Seconds since 1970.
    """

    def __init__(self, files: Files, *, clock: Callable[[], float] = time.time) -> None:
        self._files = files
        self._clock = clock

    def add(self, request: EvaluationRequest) -> tuple[str, bool]:
        """Ask for a run.

        Returns:
            The request's key, and whether it is new: somebody may have asked for it before.
        """
        wanted = request.model_copy(update={"by": "", "created": ""})
        key = hashlib.sha256(wanted.canonical().encode()).hexdigest()
        return key, self._files.create(f"{REQUESTS}/{key}.json", request.canonical().encode())

    def take(self, lease_seconds: float, worker: str) -> Lease | None:
        """Take the oldest free request; None where there is none.

        Args:
            lease_seconds: How long it is the worker's without renewal.
            worker: Who takes it.
        """
        for entry in self.entries():
            if entry.state not in ("waiting", "stuck") or entry.attempts >= MOST_ATTEMPTS:
                continue
            lease = Lease(entry.key, entry.request, entry.attempts + 1, worker)
            if self._files.create(_lease(lease.key, lease.attempt), self._lease_file(worker, lease_seconds)):
                return lease
        return None

    def renew(self, lease: Lease, lease_seconds: float) -> None:
        """Keep a request for longer.

        Raises:
            LostLeaseError: Somebody else has taken it.
        """
        self._check(lease)
        self._files.replace(_lease(lease.key, lease.attempt), self._lease_file(lease.worker, lease_seconds))

    def done(self, lease: Lease, submission: str) -> None:
        """Say what came of a request.

        Raises:
            LostLeaseError: Somebody else has taken it.
        """
        self._check(lease)
        record = DoneFile(worker=lease.worker, when=self._clock(), submission=submission)
        self._files.create(f"{DONE}/{lease.key}.json", record.canonical().encode())

    def failed(self, lease: Lease, log: str) -> None:
        """Say that an attempt ended badly. The request is free for another at once, up to `MOST_ATTEMPTS`.

        Raises:
            LostLeaseError: Somebody else has taken it.
        """
        self._check(lease)
        record = FailureFile(worker=lease.worker, when=self._clock(), log=log[-LONGEST_LOG:])
        self._files.create(f"{FAILED}/{_attempt(lease.key, lease.attempt)}", record.canonical().encode())

    def entries(self) -> tuple[QueueEntry, ...]:
        """All requests, oldest first."""
        raw = self._files.read_all(f"{REQUESTS}/{name}" for name in self._files.names(REQUESTS))
        attempts: dict[str, int] = {}
        for name in self._files.names(LEASES):
            key, _, number = name.removesuffix(".json").rpartition("-")
            attempts[key] = max(attempts.get(key, 0), int(number) if number.isdigit() else 0)
        done = {name.removesuffix(".json") for name in self._files.names(DONE)}
        failed = set(self._files.names(FAILED))
        found = []
        for path, content in raw.items():
            key = path.rpartition("/")[2].removesuffix(".json")
            try:
                request = EvaluationRequest.model_validate_json(content)
            except ValidationError:  # somebody put it there by hand; nobody can run it
                continue
            found.append(self._entry(key, request, attempts.get(key, 0), key in done, failed))
        return tuple(sorted(found, key=lambda entry: (entry.request.created, entry.key)))

    def _entry(
        self, key: str, request: EvaluationRequest, attempts: int, is_done: bool, failed: set[str]
    ) -> QueueEntry:
        lease = self._read(LeaseFile, _lease(key, attempts)) if attempts else None
        state: State = "waiting"
        log = submission = None
        if is_done:
            finished = self._read(DoneFile, f"{DONE}/{key}.json")
            state, submission = "done", finished.submission if finished else None
        elif attempts and _attempt(key, attempts) in failed:
            failure = self._read(FailureFile, f"{FAILED}/{_attempt(key, attempts)}")
            log = failure.log if failure else ""
            state = "failed" if attempts >= MOST_ATTEMPTS else "waiting"
        elif lease is not None:
            state = "running" if lease.until > self._clock() else "stuck"
        return QueueEntry(
            key=key,
            request=request,
            state=state,
            attempts=attempts,
            worker=lease.worker if lease else None,
            until=datetime.fromtimestamp(lease.until, UTC).isoformat(timespec="seconds") if lease else None,
            log=log,
            submission=submission,
        )

    def _check(self, lease: Lease) -> None:
        if self._files.read(_lease(lease.key, lease.attempt + 1)) is not None:
            raise LostLeaseError(
                f"request {lease.key[:12]} was taken by another worker", "Give the worker a longer --lease"
            )

    def _lease_file(self, worker: str, lease_seconds: float) -> bytes:
        start = self._clock()
        return LeaseFile(worker=worker, taken=start, until=start + lease_seconds).canonical().encode()

    def _read(self, kind: type[Kind], name: str) -> Kind | None:
        content = self._files.read(name)
        try:
            return None if content is None else kind.model_validate_json(content)
        except ValidationError:
            return None


def _attempt(key: str, attempt: int) -> str:
    return f"{key}-{attempt:04d}.json"


def _lease(key: str, attempt: int) -> str:
    return f"{LEASES}/{_attempt(key, attempt)}"
