"""What is wrong with a submission: where, and how to correct it. Both are safe to print: hostile text is escaped."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

Path = tuple[str | int, ...]  # keys and places that lead to a value in a file

MOST_PROBLEMS = 100  # of one file that are told; a file with more is of another kind

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_SHOWN = 60  # characters of a foreign value that a message repeats


@dataclass(frozen=True)
class Problem:
    """One mistake."""

    path: str  # JSON path such as `$.outcome.predictors[0].scores["computer science"]`, in ASCII; `$` for the whole
    message: str  # what is wrong and what to do, in a sentence without its full stop

    @classmethod
    def at(cls, path: Path, message: str) -> Problem:
        """A mistake at a place that is given by its keys."""
        return cls("$" + "".join(map(_step, path)), message)

    def __str__(self) -> str:
        """One line."""
        return f"{self.path}: {self.message}"


def shown(value: Any) -> str:
    """A value as JSON, in ASCII and cut: nothing in it can move a cursor, be markup of a page, or fill a screen."""
    text = ""
    for part in json.JSONEncoder(default=str).iterencode(value):
        text += part
        if len(text) > _SHOWN:  # of a file of megabytes no more is written out
            return f"{text[:_SHOWN]}..."
    return text


def _step(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if _PLAIN_KEY.fullmatch(part) else f"[{shown(part)}]"
