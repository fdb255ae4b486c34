"""What a driver asks of whatever does the stages."""

from __future__ import annotations

from typing import Protocol

from sts_eval.sweep.perform import Task
from sts_eval.sweep.state import Ended


class Engine(Protocol):
    """Does stages somewhere.

    Attributes:
        width: Stages at once, as far as it can tell.
        place: What it is, in words.
        notes: What the user should know of it before it begins.
    """

    width: int
    place: str
    notes: tuple[str, ...]

    def submit(self, task: Task) -> None:
        """Take an attempt, to begin it when there is room."""

    def wait(self, seconds: float) -> list[Ended]:
        """Attempts that have ended, as soon as there is one; none where none ends in that time."""

    def close(self) -> None:
        """Give up what is not done."""
