"""The options of one row of a benchmark, from the shapes that benchmarks have.

A list (MMLU-Pro `options`, MMLU `choices`); an object by letter (MedQA); texts and labels (ARC, as
{"text": [...], "label": [...]} or [{"text": ..., "label": ...}]); one column each (CMMLU and C-Eval A, B, C, D;
option_a, opa, choice1, ...); JSON text of these, in a CSV file.

Options that are null or "N/A" are left out, as MMLU-Pro's own script does.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sts_eval.data.text import UnreadableRowError, is_missing, text_of

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

QUESTION_FIELDS = ("question", "question_stem", "stem", "problem", "query", "prompt", "ctx")
OPTION_FIELDS = ("options", "choices", "answer_choices", "endings")
NOT_AN_OPTION = "N/A"

_NUMBERED = re.compile(r"(?:opt?|option|choice|answer|ending)[ _-]?([a-j]|\d{1,2})")
_LETTER = re.compile(r"\(?([A-Za-z])[).:]?")


class Option(NamedTuple):
    """One option: its text, None where it is left out, and what the file calls it, if it does."""

    text: str | None
    label: str | None = None


def asked_of(row: Mapping[str, Any]) -> tuple[str, Any, Any]:
    """The field of the question, the question, and the options that it holds itself, if any."""
    name = next((name for name in QUESTION_FIELDS if name in row), "question")
    asked = row.get(name)
    if isinstance(asked, dict) and "stem" in asked:
        return name, asked["stem"], asked.get("choices")
    return name, asked, None


def options_of(row: Mapping[str, Any]) -> list[Option]:
    """A row's options, those that are left out with None as their text.

    Raises:
        UnreadableRowError: They are in no known shape.
    """
    name = next((name for name in OPTION_FIELDS if not is_missing(row.get(name))), OPTION_FIELDS[0])
    held = asked_of(row)[2]
    value = row.get(name) if held is None else held
    if is_missing(value):
        return _columns(row)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise UnreadableRowError(
                f"has options {value[:40]!r} that are not a list: save the benchmark as .jsonl or .parquet"
            ) from None
    if isinstance(value, dict):
        value = _pairs(value)
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise UnreadableRowError(f"has {value!r} in field {name!r}, not a list of options")
    return [_option(part, name) for part in value]


def _pairs(options: Mapping[str, Any]) -> list[Any]:
    """An object of options as a list: {"text": [...], "label": [...]}, or texts by letter in the order of letters."""
    if isinstance(options.get("text"), list):
        labels = options.get("label") or [None] * len(options["text"])
        return [{"text": text, "label": label} for text, label in zip(options["text"], labels, strict=False)]
    numbers = all(str(key).isdecimal() for key in options)
    keys = sorted(options, key=int) if numbers else sorted(options)
    return [{"text": options[key], "label": key} for key in keys if options[key] is not None]


def _option(part: object, name: str) -> Option:
    label = None
    if isinstance(part, dict) and len(part) == 1 and letter_of(next(iter(part))):  # {"A": "text"}
        ((label, text),) = part.items()
    elif isinstance(part, dict):
        told = next((part[key] for key in ("label", "key", "letter") if not is_missing(part.get(key))), None)
        label = None if told is None else str(told).strip()
        text = next((part[key] for key in ("text", "value", "option", "content") if key in part), part)
    else:
        text = part
    if isinstance(text, str) and text.strip() in {"", NOT_AN_OPTION}:
        return Option(None if text.strip() else "", label)
    return Option(None if is_missing(text) else text_of(text, name), label)


def _columns(row: Mapping[str, Any]) -> list[Option]:
    """Options in a column each; a blank one is left out."""
    letters = [name for name in LETTERS.lower() if name in row]
    found = letters if letters[:2] == ["a", "b"] else []
    if not found:
        numbered = [(match[1], name) for name in row if (match := _NUMBERED.fullmatch(name))]
        found = [name for _, name in sorted(numbered, key=lambda pair: (len(pair[0]), pair[0]))]
    options = []
    for name in found if len(found) > 1 else []:
        label = name.upper() if found == letters else None
        empty = is_missing(row[name]) or str(row[name]).strip() == NOT_AN_OPTION
        options.append(Option(None if empty else text_of(row[name], name), label))
    return options


def letter_of(text: str) -> str | None:
    """The option letter that a text is: B for "b", "(B)", "B." and "B:"; None for anything else."""
    match = _LETTER.fullmatch(text.strip())
    return match[1].upper() if match else None
