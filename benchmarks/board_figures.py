"""Lines of the table that says whether the leaderboard holds its promises."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True)
class Figure:
    """A line of the table."""

    what: str
    value: str  # With its unit.
    goal: str = ""  # What was promised; empty where nothing was.
    held: bool | None = None  # None where nothing was promised.


def goal(what: str, value: float, most: float, *, worst: float | None = None) -> Figure:
    """A time that was promised, in seconds; its median stands for it, and the worst beside it."""
    beside = "" if worst is None else f" (worst {seconds(worst)})"
    return Figure(what, seconds(value) + beside, f"under {seconds(most)}", value < most)


def seconds(value: float) -> str:
    """A time as text."""
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def timed(what: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """Seconds, and what came of it."""
    start = time.perf_counter()
    found = what(*arguments)
    return time.perf_counter() - start, found


def machine() -> str:
    """The machine, the day and what else it did, as the beginning of a sentence."""
    return (
        f"{datetime.now(UTC):%Y-%m-%d}: {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, load average of the last 5 minutes {os.getloadavg()[1]:.1f}"
    )


def rows(figures: list[Figure]) -> str:
    """Figures as the rows of a Markdown table with its head."""
    held = {None: "", True: "yes", False: "**no**"}
    lines = ["| what | measured | goal | holds |", "|---|---|---|---|"]
    lines += [f"| {one.what} | {one.value} | {one.goal} | {held[one.held]} |" for one in figures]
    return "\n".join(lines)
