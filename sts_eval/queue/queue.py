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

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field

from sts_eval.errors import UserError
from sts_eval.records.ledger import EvaluationRequest
from sts_eval.records.record import Record
from sts_eval.records.submission import SHA256
from sts_eval.store.files import Files

REQUESTS, LEASES, FAILED, DONE = (f"queue/{name}" for name in ("requests", "leases", "failed", "done"))

MOST_ATTEMPTS = 3
LATEST = 4e9  # seconds since 1970, in the year 2096: no lease ends after it, whoever wrote it
LONGEST_LOG = 10_000  # characters; the end is kept

State = Literal["waiting", "running", "stuck", "failed", "done"]
"""`stuck`: the lease is over and its worker gave no result; another will take it unless all attempts are used up.
`failed`: all attempts ended badly."""


class LeaseFile(Record):
    """Who works on a request."""

    worker: str
    taken: float = Field(description="seconds since 1970")
    until: float = Field(ge=0, le=LATEST)


class FailureFile(Record):
    """How an attempt ended."""

    worker: str
    when: float
    log: str


class DoneFile(Record):
    """The result of a request."""

    worker: str
    when: float
    submission: str = Field(pattern=SHA256)


class LostLeaseError(UserError):
    """Somebody else works on the request by now."""


@dataclass(frozen=True)
class QueueEntry:
    """A request and how far it is. A worker that took it holds its lease by this entry."""

    key: str
    request: EvaluationRequest
    state: State
    attempts: int  # how often it was taken, and so the number of the last attempt
    worker: str | None = None  # who had it last
    until: str | None = None  # when that lease ends or ended, UTC, ISO 8601
    log: str | None = None  # how the last attempt failed
    submission: str | None = None  # the submission that came of it


class Queue:
    """The requests of a store. The clock gives seconds since 1970."""

    def __init__(self, files: Files, *, clock: Callable[[], float] = time.time) -> None:
        self._files = files
        self._clock = clock

    def add(self, request: EvaluationRequest) -> tuple[str, bool]:
        """Ask for a run: the request's key, and whether it is new. Somebody may have asked for it before."""
        wanted = request.model_copy(update={"by": "", "created": ""})
        key = hashlib.sha256(wanted.canonical().encode()).hexdigest()
        return key, self._files.create(f"{REQUESTS}/{key}.json", request.canonical().encode())

    def take(self, lease_seconds: float, worker: str) -> QueueEntry | None:
        """Take the oldest free request, None where there is none; without renewal it is free again after the lease."""
        for entry in self.entries():
            if entry.state in ("waiting", "stuck") and entry.attempts < MOST_ATTEMPTS:
                lease = self._lease(worker, lease_seconds)
                name = _attempt(entry.key, entry.attempts + 1)
                if self._files.create(f"{LEASES}/{name}", lease.canonical().encode()):
                    until = _time(lease.until)
                    return replace(entry, state="running", attempts=entry.attempts + 1, worker=worker, until=until)
        return None

    def renew(self, taken: QueueEntry, lease_seconds: float) -> None:
        """Keep a request for longer.

        Raises:
            LostLeaseError: Somebody else has taken it.
        """
        name = self._held(taken)
        self._files.replace(f"{LEASES}/{name}", self._lease(str(taken.worker), lease_seconds).canonical().encode())

    def done(self, taken: QueueEntry, submission: str) -> None:
        """Record the submission that came of a request.

        Raises:
            LostLeaseError: Somebody else has taken it.
        """
        self._held(taken)
        record = DoneFile(worker=str(taken.worker), when=self._clock(), submission=submission)
        self._files.create(f"{DONE}/{taken.key}.json", record.canonical().encode())

    def failed(self, taken: QueueEntry, log: str) -> None:
        """Record that an attempt ended badly. The request is free for another at once, up to `MOST_ATTEMPTS`.

        Raises:
            LostLeaseError: Somebody else has taken it.
        """
        name = self._held(taken)
        record = FailureFile(worker=str(taken.worker), when=self._clock(), log=log[-LONGEST_LOG:])
        self._files.create(f"{FAILED}/{name}", record.canonical().encode())

    def entries(self) -> tuple[QueueEntry, ...]:
        """All requests, oldest first."""
        requests = self._files.records(EvaluationRequest, REQUESTS, self._files.names(REQUESTS))
        leases, failed, done = (set(self._files.names(folder)) for folder in (LEASES, FAILED, DONE))
        found = []
        for name, request in requests.items():
            key = name.removesuffix(".json")
            attempts = max((n for n in range(1, MOST_ATTEMPTS + 1) if _attempt(key, n) in leases), default=0)
            last = _attempt(key, attempts)
            entry = QueueEntry(key, request, "waiting", attempts)
            lease = self._files.record(LeaseFile, f"{LEASES}/{last}") if attempts else None
            if lease is not None:
                state: State = "running" if lease.until > self._clock() else "stuck"
                entry = replace(entry, state=state, worker=lease.worker, until=_time(lease.until))
            if name in done:
                finished = self._files.record(DoneFile, f"{DONE}/{name}")
                entry = replace(entry, state="done", submission=finished.submission if finished else None)
            elif last in failed:
                failure = self._files.record(FailureFile, f"{FAILED}/{last}")
                state = "failed" if attempts >= MOST_ATTEMPTS else "waiting"
                entry = replace(entry, state=state, log=failure.log if failure else "")
            found.append(entry)
        return tuple(sorted(found, key=lambda entry: (entry.request.created, entry.key)))

    def _held(self, taken: QueueEntry) -> str:
        """Name of the files of an attempt, if nobody else has begun the next one."""
        if self._files.read(f"{LEASES}/{_attempt(taken.key, taken.attempts + 1)}") is not None:
            problem = f"request {taken.key[:12]} was taken by another worker"
            raise LostLeaseError(problem, "Give the worker a longer --lease")
        return _attempt(taken.key, taken.attempts)

    def _lease(self, worker: str, seconds: float) -> LeaseFile:
        start = self._clock()
        return LeaseFile(worker=worker, taken=start, until=start + seconds)


def _attempt(key: str, attempt: int) -> str:
    return f"{key}-{attempt:04d}.json"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
