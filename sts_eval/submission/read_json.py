"""From bytes to plain values, with limits that are checked before anything is built from them.

JSON readers differ in what they make of a key that occurs twice, and Python's takes NaN, numbers without end and
halves of surrogate pairs. Here each of them is a problem with its place.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable
from typing import Any

from sts_eval.submission.problem import Problem, json_path, shown

MOST_BYTES = 8_000_000
"""A run of MMLU-Pro's 12,032 questions with ten seeds and all its evidence is about half of it."""

MOST_VALUES = 1_000_000
"""Values in a file; ten seeds on 12,032 questions are about 300,000."""

DEEPEST = 16
"""Levels of nesting; a submission has ten."""

LONGEST_LIST = 50_000
LONGEST_TEXT = 50_000
"""A domain's verdicts are one letter per question in one text."""

LONGEST_KEY = 200

LARGEST = 1e15
"""No figure of a run is larger, and sums of such squares stay finite."""

_INTEGER_DIGITS = 18

_BOM = b"\xef\xbb\xbf"


class _Object(dict[str, Any]):
    """A JSON object that remembers which keys occurred more than once."""

    twice: tuple[str, ...] = ()


def read_json(raw: bytes) -> tuple[Any, tuple[Problem, ...], bool]:
    """Read JSON that nobody vouches for.

    Args:
        raw: The file.

    Returns:
        The value, what is wrong with it, and whether a reader may go on to look for further problems: not
        where it is no JSON or breaks a limit.
    """
    refused = _too_much(raw)
    if refused is None:
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            refused = f"byte {error.start} is not UTF-8; save the file as UTF-8"
    if refused is not None:
        return None, (Problem("$", refused),), False
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_int=_integer, parse_constant=float)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return None, (Problem("$", f"it is not JSON ({error.msg}, {where}); mend it there"),), False
    except RecursionError:
        return None, (Problem("$", f"it is nested more than {DEEPEST} levels deep; flatten it"),), False
    walk = _Walk()
    walk.look(value, ())
    return value, tuple(walk.problems), not walk.over


def _too_much(raw: bytes) -> str | None:
    if len(raw) > MOST_BYTES:
        return f"it has {len(raw):,} bytes, and {MOST_BYTES:,} are allowed; leave out `transfer`, or split the run"
    if raw.startswith(_BOM):
        return "it starts with a byte order mark; save the file as UTF-8 without one"
    # Each value follows a bracket, a brace or a comma, so there cannot be more of them than of these.
    if sum(map(raw.count, (b",", b"[", b"{"))) > MOST_VALUES:
        return f"it has more than {MOST_VALUES:,} values; leave out `transfer`, or split the run"
    return None


def _object(pairs: Iterable[tuple[str, Any]]) -> _Object:
    listed = list(pairs)
    made = _Object(listed)
    if len(made) < len(listed):
        made.twice = tuple(key for key, count in Counter(key for key, _ in listed).items() if count > 1)
    return made


def _integer(text: str) -> int | float:
    """Longer ones are of no use here, and Python takes a square of their length in time to read them."""
    return int(text) if len(text) <= _INTEGER_DIGITS else float(text)


class _Walk:
    """Looks at every value once."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.over = False

    def look(self, value: Any, path: tuple[str | int, ...]) -> None:
        if isinstance(value, str):
            self._text(value, path)
        elif isinstance(value, int | float):
            self._number(value, path)
        elif isinstance(value, list | dict) and len(path) >= DEEPEST:
            self._refuse(path, f"it is nested more than {DEEPEST} levels deep; flatten it")
        elif isinstance(value, list):
            self._list(value, path)
        elif isinstance(value, _Object):
            self._fields(value, path)

    def _list(self, value: list[Any], path: tuple[str | int, ...]) -> None:
        if len(value) > LONGEST_LIST:
            self._refuse(path, f"it has {len(value):,} entries, and {LONGEST_LIST:,} are allowed; split the run")
            return
        for place, one in enumerate(value):
            self.look(one, (*path, place))

    def _fields(self, value: _Object, path: tuple[str | int, ...]) -> None:
        for key in value.twice:
            self.problems.append(Problem(json_path((*path, key)), "it occurs twice; keep one of them"))
        for key, one in value.items():
            if len(key) > LONGEST_KEY or _is_broken(key):
                self._refuse(path, f"the key {shown(key)} is too long or no valid text; rename it")
            else:
                self.look(one, (*path, key))

    def _text(self, value: str, path: tuple[str | int, ...]) -> None:
        if len(value) > LONGEST_TEXT:
            self._refuse(path, f"it has {len(value):,} characters, and {LONGEST_TEXT:,} are allowed; shorten it")
        elif _is_broken(value):
            self._refuse(path, "it holds half of a surrogate pair, which is no character; remove it")

    def _number(self, value: float, path: tuple[str | int, ...]) -> None:
        if not math.isfinite(value):
            self.problems.append(
                Problem(json_path(path), "it is NaN or infinite; give a finite number, or leave it out")
            )
        elif abs(value) > LARGEST:
            self._refuse(path, f"it is larger than {LARGEST:g}; check its unit")

    def _refuse(self, path: tuple[str | int, ...], message: str) -> None:
        self.problems.append(Problem(json_path(path), message))
        self.over = True


def _is_broken(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
