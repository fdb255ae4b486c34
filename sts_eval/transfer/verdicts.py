"""Whether an answer is right, as tables write it: a letter, a number, a truth value or a text.

How the answers are written follows from all right answers of a file. Letters are compared case-blind and without
brackets, numbers by their value, texts as they are. An answer of another kind than the right ones is unparsed.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

from sts_eval.data.question import letter_of
from sts_eval.data.text import LISTED, is_missing
from sts_eval.errors import UserError
from sts_eval.records.answers import RIGHT, UNPARSED, WRONG

FEW = 0.1
"""Share of answers up to which all that there are may be of another kind: a model that seldom answered at all."""

_NUMBER = re.compile(r"([+-]?\d+)(?:\.0*)?")
_TRUTH = {"true": True, "false": False}


def written(cell: Any) -> str:
    """A cell of a table as text without blank edges; empty where there is nothing."""
    return "" if is_missing(cell) else str(cell).strip()


def _number_of(text: str) -> int | None:
    if text.lower() in _TRUTH:  # a column of truth values against one of 0 and 1
        return int(_TRUTH[text.lower()])
    match = _NUMBER.fullmatch(text)
    return int(match[1]) if match else None


def _truth_of(text: str) -> bool | None:
    return _TRUTH.get(text.lower(), {"0": False, "1": True}.get(text))


_KINDS: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("letters", letter_of),
    ("truth values", _truth_of),
    ("numbers", _number_of),
    ("texts", str),
)


def judge(given: Sequence[str], targets: Sequence[str], name: str) -> tuple[list[str], tuple[str, ...]]:
    """Verdicts on answers against the right ones, both as `written`, and warnings.

    `name` says in messages where the answers are.

    Raises:
        UserError: Answers and right answers are written in different ways throughout.
    """
    has_words = any(target.lower() in _TRUTH for target in targets)
    kind, read = next(
        (kind, read)
        for kind, read in _KINDS
        if all(read(target) is not None for target in targets) and (kind != "truth values" or has_words)
    )
    said = [read(text) if text else None for text in given]
    others = [text for text, value in zip(given, said, strict=True) if text and value is None]
    if len(others) == sum(map(bool, given)) and len(others) > FEW * len(given):
        raise UserError(
            f"the right answers are {kind} such as {targets[0]!r}, and no answer in {name} is one (the first is "
            f"{others[0]!r})",
            "Write both in the same way",
        )
    warnings = []
    if others:
        listed = ", ".join(map(repr, others[:LISTED]))
        warnings.append(f"{len(others)} answers in {name} are no {kind} ({listed}); they count as unparsed")
    right = [read(target) for target in targets]
    case = sum(
        kind == "texts" and one != target and one.lower() == target.lower()
        for one, target in zip(given, targets, strict=True)
    )
    if case:
        warnings.append(f"{case} answers in {name} differ from the right one in upper and lower case alone; wrong")
    verdicts = [
        UNPARSED if one is None else RIGHT if one == target else WRONG for one, target in zip(said, right, strict=True)
    ]
    return verdicts, tuple(warnings)
