"""The loop that does a sweep, whatever engine does its stages.

It keeps nothing that is not on disk: killed and started again, it goes on from the records.
"""

import os
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Protocol

from sts_eval.errors import UserError
from sts_eval.records.record import Record, now
from sts_eval.sweep.matrix import Matrix
from sts_eval.sweep.perform import Task
from sts_eval.sweep.stages import plan
from sts_eval.sweep.state import Book, StageRecord

Tell = Callable[[Book, StageRecord | None], None]
"""Called with the state and the stage that has just ended, None where only time has passed."""

DRIVER_FILE = "driver.json"

POLL = 1.0  # seconds between looks at what runs
SILENT = 60.0  # seconds without a sign of life after which a driver counts as gone


class Engine(Protocol):
    """Does stages somewhere."""

    width: int  # stages at once, as far as it can tell
    place: str  # what it is, in words
    notes: tuple[str, ...]  # what the user should know of it before it begins

    def submit(self, task: Task) -> None:
        """Take an attempt, to begin it when there is room."""

    def wait(self, seconds: float) -> list[StageRecord]:
        """Attempts that have ended, as soon as there is one; none where none ends in that time."""

    def close(self) -> None:
        """Give up what is not done."""


class Driver(Record):
    """Who drives a sweep. Its file's time of change is the sign of life."""

    schema_version: Literal[1] = 1
    host: str
    pid: int
    started: str
    place: str
    width: int


def drive(
    matrix: Matrix,
    folder: Path,
    engine: Engine,
    *,
    retry: bool = False,
    tell: Tell = lambda _book, _record: None,
    poll: float = POLL,
) -> Book:
    """Do all stages that can be done; with `retry`, also those that were quarantined.

    Returns:
        The state at the end: every stage is done, quarantined or blocked.

    Raises:
        UserError: The folder cannot be written, or another driver is at work in it.
    """
    folder = folder.resolve()
    book = open_book(matrix, folder)
    with _claimed(folder, engine) as alive:
        book.interrupt()
        if retry:
            book.forgive()
        while True:
            for name, standing in book.standings().items():
                if standing == "ready":
                    engine.submit(_task(book, name, matrix))
                    book.submitted.add(name)
            tell(book, None)
            if not book.submitted:
                return book
            for ended in engine.wait(poll):
                book.end(ended)
                tell(book, ended)
            alive()
            book.look(book.submitted)


def open_book(matrix: Matrix, folder: Path) -> Book:
    """The state of a sweep as it is on disk."""
    return Book(folder, plan(matrix))


def _task(book: Book, name: str, matrix: Matrix) -> Task:
    record = book.records.get(name)
    avoid = record.host if record is not None and record.status == "failed" else ""
    return Task(book.stages[name], matrix, book.folder, Path.cwd(), record.attempts if record else 0, avoid)


def driver_of(folder: Path) -> Driver | None:
    """Who drives a sweep now, None where nobody does."""
    path = folder / DRIVER_FILE
    try:
        driver, silent = Driver.read(path), time.time() - path.stat().st_mtime
    except (UserError, OSError):
        return None
    here = driver.host == socket.gethostname()
    return None if silent > SILENT or (here and not _is_process(driver.pid)) else driver


def _is_process(pid: int) -> bool:
    if sys.platform != "win32":  # where asking this way would end it; the sign of life must do
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except OSError:  # somebody else's
            pass
    return True


@contextmanager
def _claimed(folder: Path, engine: Engine) -> Iterator[Callable[[], None]]:
    """Be the only driver of a folder; the function gives a sign of life."""
    path, other = folder / DRIVER_FILE, driver_of(folder)
    if other is not None:
        raise UserError(
            f"{folder} is being driven by process {other.pid} on {other.host}",
            "Look at it with --status, or stop that process first",
        )
    own = Driver(host=socket.gethostname(), pid=os.getpid(), started=now(), place=engine.place, width=engine.width)
    own.write(path)
    try:
        yield lambda: os.utime(path) if path.is_file() else None
    finally:
        path.unlink(missing_ok=True)
