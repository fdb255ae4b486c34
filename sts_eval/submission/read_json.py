"""From bytes to plain values, with limits that are checked before anything is built from them.

JSON readers differ in what they make of a key that occurs twice, and Python's takes NaN, numbers without end and
halves of surrogate pairs. Here each of them is a problem with its place.
"""

import codecs
import json
import math
from collections import Counter
from typing import Any

from sts_eval.submission.problem import MOST_PROBLEMS, Path, Problem, shown

MOST_BYTES = 8_000_000  # a run of MMLU-Pro's 12,032 questions with ten seeds and all its evidence is about half of it
MOST_VALUES = 1_000_000  # ten seeds on 12,032 questions are about 300,000
MOST_OBJECTS = 50_000  # 200 predictors on 100 domains are 20,000; of each one pydantic may tell several mistakes
DEEPEST = 16  # levels of nesting; a submission has ten
LONGEST_LIST = 50_000
MOST_KEYS = 1000  # of one object; pydantic tells of each key that it does not know
LONGEST_TEXT = 50_000  # a domain's verdicts are one letter per question in one text
LONGEST_KEY = 200
LARGEST = 1e15  # no figure of a run is larger, and sums of such squares stay finite

_INTEGER_DIGITS = 18
_TOO_DEEP = f"it is nested more than {DEEPEST} levels deep; flatten it"


class _Object(dict[str, Any]):
    """A JSON object that remembers which keys occurred more than once."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated: list[str] = []
        if len(self) < len(pairs):
            self.repeated = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]


def read_json(raw: bytes) -> tuple[Any, tuple[Problem, ...], bool]:
    """Read JSON that nobody vouches for: the value, and what is wrong with it.

    The third result is whether a reader may look for further problems: not where it is no JSON or breaks a limit.
    """
    value, obstacle = None, _size_obstacle(raw)
    if obstacle is None:
        try:
            value = json.loads(raw.decode(), object_pairs_hook=_Object, parse_int=_integer, parse_constant=float)
        except UnicodeDecodeError as error:
            obstacle = f"byte {error.start} is not UTF-8; save the file as UTF-8"
        except json.JSONDecodeError as error:
            obstacle = f"it is not JSON ({error.msg}, line {error.lineno}, column {error.colno}); correct it there"
        except RecursionError:
            obstacle = _TOO_DEEP
    if obstacle is not None:
        return None, (Problem("$", obstacle),), False
    problems: list[Problem] = []
    within_limits = _inspect(value, (), problems)
    return value, tuple(problems), within_limits


def _size_obstacle(raw: bytes) -> str | None:
    if len(raw) > MOST_BYTES:
        return f"it has {len(raw):,} bytes or more, {MOST_BYTES:,} are allowed; leave out `transfer`, or split the run"
    if raw.startswith(codecs.BOM_UTF8):
        return "it starts with a byte order mark; save the file as UTF-8 without one"
    # Each value follows a bracket, a brace or a comma, so there cannot be more of them than of these.
    if sum(map(raw.count, (b",", b"[", b"{"))) > MOST_VALUES:
        return f"it has more than {MOST_VALUES:,} values; leave out `transfer`, or split the run"
    if raw.count(b"{") > MOST_OBJECTS:
        return f"it has more than {MOST_OBJECTS:,} objects; split the run"
    return None


def _integer(text: str) -> int | float:
    """Longer ones are of no use here, and Python takes a square of their length in time to read them."""
    return int(text) if len(text) <= _INTEGER_DIGITS else float(text)


def _inspect(value: Any, path: Path, problems: list[Problem]) -> bool:
    """Add what is wrong with a value and with all in it. Whether everything keeps within the limits."""
    if len(problems) > MOST_PROBLEMS:  # enough to refuse it
        return False
    obstacle = _limit_broken(value, len(path))
    if obstacle is not None:
        problems.append(Problem.at(path, obstacle))
        return False
    if isinstance(value, float) and not math.isfinite(value):
        problems.append(Problem.at(path, "it is NaN or infinite; give a finite number, or leave it out"))
    fits = True
    if isinstance(value, list):
        for place, one in enumerate(value):
            fits &= _inspect(one, (*path, place), problems)
    elif isinstance(value, _Object):
        problems += [Problem.at((*path, key), "it occurs twice; keep one of them") for key in value.repeated]
        for key, one in value.items():
            if len(key) > LONGEST_KEY or not _is_text(key):
                problems.append(Problem.at(path, f"the key {shown(key)} is too long or no valid text; rename it"))
                fits = False
            else:
                fits &= _inspect(one, (*path, key), problems)
    return fits


def _limit_broken(value: Any, depth: int) -> str | None:
    match value:
        case str() if len(value) > LONGEST_TEXT:
            return f"it has {len(value):,} characters, and {LONGEST_TEXT:,} are allowed; shorten it"
        case str() if not _is_text(value):
            return "it holds half of a surrogate pair, which is no character; remove it"
        case int() | float() if LARGEST < abs(value) < math.inf:
            return f"it is larger than {LARGEST:g}; check its unit"
        case list() | dict() if depth >= DEEPEST:
            return _TOO_DEEP
        case list() | dict() if len(value) > (most := LONGEST_LIST if isinstance(value, list) else MOST_KEYS):
            return f"it has {len(value):,} entries, and {most:,} are allowed; split the run"
    return None


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
