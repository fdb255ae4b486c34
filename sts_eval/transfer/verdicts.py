"""Whether an answer is right, as tables write it: a letter, a truth value, a number or a text.

How an answer is compared follows from the right answer of its question. Letters are compared case-blind and without
brackets, numbers by their value, texts in upper and lower case with runs of spaces as one space. An answer is unparsed
if it is of the kind of none of the file's right answers; a few texts among these do not make words answers. So is -1
where no right answer is negative: programs write it where they found no answer.
"""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from sts_eval.data.options import letter_of
from sts_eval.data.text import LISTED, is_missing
from sts_eval.errors import UserError
from sts_eval.records.answers import RIGHT, UNPARSED, WRONG

FEW = 0.1
"""Share of answers up to which all that there are may be of another kind: a model that seldom answered at all."""

_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?(?:[eE][+-]?\d{1,3})?|[+-]?\.\d+")
_TRUTH = {"true": True, "false": False}


def written(cell: Any) -> str:
    """A cell of a table as text without blank edges; empty where there is nothing."""
    return "" if is_missing(cell) else str(cell).strip()


def _number_of(text: str) -> Decimal | None:
    """The value of a number such as 18, -2.50, 1,000 or 1e-05, or of a truth value against 0 and 1."""
    if text.lower() in _TRUTH:
        return Decimal(_TRUTH[text.lower()])
    return Decimal(text.replace(",", "")) if _NUMBER.fullmatch(text) else None


def _truth_of(text: str) -> bool | None:
    return _TRUTH.get(text.lower(), {"0": False, "1": True}.get(text))


def _squeezed(text: str) -> str:
    return " ".join(text.split())


_KINDS: dict[str, Callable[[str], object]] = {
    "letters": letter_of,
    "truth values": _truth_of,
    "numbers": _number_of,
    "texts": _squeezed,
}


def _kind_of(target: str) -> str:
    if letter_of(target):
        return "letters"
    if target.lower() in _TRUTH:
        return "truth values"
    return "texts" if _number_of(target) is None else "numbers"


def judge(given: Sequence[str], targets: Sequence[str], name: str) -> tuple[list[str], tuple[str, ...]]:
    """Verdicts on answers against the right ones, both as `written`, and warnings.

    `name` says in messages where the answers are.

    Raises:
        UserError: Answers and right answers are written in different ways throughout.
    """
    kinds = [_kind_of(target) for target in targets]
    readers = {kind: _KINDS[kind] for kind in dict.fromkeys(kinds)}
    warnings = []
    if not any((_number_of(target) or 0) < 0 for target in targets):
        none_found = sum(_number_of(text) == -1 for text in given)
        if none_found:
            warnings.append(f"{none_found} answers in {name} are -1; they count as unparsed")
        given = ["" if _number_of(text) == -1 else text for text in given]
    texts = {_squeezed(target) for target, kind in zip(targets, kinds, strict=True) if kind == "texts"}
    if kinds.count("texts") <= FEW * len(kinds):  # a few texts do not make a text of every answer
        readers.pop("texts", None)
    readable = [
        bool(text)
        and (kind == "texts" or _squeezed(text) in texts or any(read(text) is not None for read in readers.values()))
        for text, kind in zip(given, kinds, strict=True)
    ]
    others = [text for text, is_read in zip(given, readable, strict=True) if text and not is_read]
    compared = [text for text, kind in zip(given, kinds, strict=True) if text and kind in readers]
    if len(others) == len(compared) and len(others) > FEW * len(given):
        example = next(target for target, kind in zip(targets, kinds, strict=True) if kind in readers)
        raise UserError(
            f"the right answers are {' and '.join(readers)} such as {example!r}, and no answer in {name} is one "
            f"(the first is {others[0]!r})",
            "Write both in the same way",
        )
    if others:
        listed = ", ".join(map(repr, others[:LISTED]))
        warnings.append(
            f"{len(others)} answers in {name} are no {' or '.join(readers)} ({listed}); they count as unparsed"
        )
    case = sum(
        kind == "texts" and _squeezed(one) != _squeezed(target) and _squeezed(one).lower() == _squeezed(target).lower()
        for one, target, kind in zip(given, targets, kinds, strict=True)
    )
    if case:
        warnings.append(f"{case} answers in {name} differ from the right one in upper and lower case alone; wrong")
    verdicts = [
        UNPARSED if not is_read else RIGHT if _KINDS[kind](one) == _KINDS[kind](target) else WRONG
        for one, target, kind, is_read in zip(given, targets, kinds, readable, strict=True)
    ]
    return verdicts, tuple(warnings)
