"""The loop that does a sweep, whatever engine does its stages.

It keeps nothing that is not on disk: killed and started again, it goes on from the records.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sts_eval.records.claim import Claim, claimed, holder, own_claim
from sts_eval.sweeps.matrix import Matrix
from sts_eval.sweeps.perform import Task
from sts_eval.sweeps.stages import plan
from sts_eval.sweeps.state import Book, StageRecord

Tell = Callable[[Book, StageRecord | None], None]
"""Called with the state and the stage that has just ended, None where only time has passed."""

DRIVER_FILE = "driver.json"

POLL = 1.0  # seconds between looks at what runs


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


class Driver(Claim):
    """Who drives a sweep."""

    place: str
    width: int


def drive(
    matrix: Matrix,
    folder: Path,
    engine: Engine,
    *,
    retry: bool = False,
    predict_only: bool = False,
    tell: Tell = lambda _book, _record: None,
    poll: float = POLL,
) -> Book:
    """Do all stages that can be done; with `retry`, also those that were quarantined.

    With `predict_only` it ends when the predictions are made, before the first tuning.

    Returns:
        The state at the end: every stage that was to be done is done, quarantined or blocked.

    Raises:
        UserError: The folder cannot be written, or another driver is at work in it.
    """
    folder = folder.resolve()
    book = open_book(matrix, folder)
    driver = Driver(**own_claim().model_dump(), place=engine.place, width=engine.width)
    with claimed(folder / DRIVER_FILE, driver, "Look at it with --status, or stop that process first"):
        book.interrupt()
        if retry:
            book.forgive()
        while True:
            for name, standing in book.standings().items():
                if standing == "ready" and (book.stages[name].kind == "predict" or not predict_only):
                    engine.submit(_task(book, name, matrix))
                    book.submitted.add(name)
            tell(book, None)
            if not book.submitted:
                return book
            for ended in engine.wait(poll):
                book.end(ended)
                tell(book, ended)
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
    return holder(folder / DRIVER_FILE, Driver)
