"""What is wrong with a submission: where, and how to correct it. Both are safe to print: hostile text is escaped."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]
"""Keys and places that lead to a value in a file."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")

_SHOWN = 60
"""Characters of a foreign value that a message repeats."""


@dataclass(frozen=True)
class Problem:
    """One mistake.

    Attributes:
        path: JSON path such as `$.outcome.predictors[0].scores["computer science"]`, in ASCII; `$` for the whole.
        message: What is wrong and what to do, in a sentence without its full stop.
    """

    path: str
    message: str

    @classmethod
    def at(cls, path: Path, message: str) -> Problem:
        """A mistake at a place that is given by its keys."""
        return cls("$" + "".join(map(_step, path)), message)

    def __str__(self) -> str:
        """One line."""
        return f"{self.path}: {self.message}"


def shown(value: Any) -> str:
    """A value as JSON, in ASCII and cut: nothing in it can move a cursor, be markup of a page, or fill a screen."""
    text = json.dumps(value, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _step(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if _PLAIN_KEY.fullmatch(part) else f"[{shown(part)}]"
