"""Which option of a row is the right one: an index, a letter, a label, or the text of an option."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from sts_eval.data.answer_reading import AnswerReading, Told
from sts_eval.data.options import LETTERS, Option, letter_of, options_of
from sts_eval.data.text import UnreadableRowError, is_missing

INDEX_FIELDS = ("answer_index", "answer_idx")
ANSWER_FIELDS = (
    *("answerkey", "answer_key", "answer key", "answer", "correct_answer", "correct_option", "label", "gold", "target"),
    "cop",  # MedMCQA
)


def told_by(row: Mapping[str, Any]) -> Told | None:
    """What a row with folded names tells of its right option; None where it cannot be read or tells nothing."""
    try:
        every = options_of(row)
        index, answer = (
            next((bare(row[name]) for name in names if not is_missing(row.get(name))), None)
            for names in (INDEX_FIELDS, ANSWER_FIELDS)
        )
    except UnreadableRowError:
        return None
    told = str(answer).strip()
    if not every:
        return None
    number = None if _labelled(every, index) is not None else _whole(index)
    labelled = _labelled(every, answer)
    if labelled is not None:
        return Told(len(every), number, None, labelled, labelled)
    letter, texts = letter_of(told), [option.text for option in every]
    return Told(
        n=len(every),
        position=number,
        number=_whole(answer),
        letter=None if letter is None else LETTERS.index(letter),
        text=texts.index(told) if texts.count(told) == 1 else None,
    )


def places_of_right(
    row: Mapping[str, Any], options: Sequence[Option], reading: AnswerReading
) -> tuple[int | None, int | None]:
    """Places of the right option by the index, and by the answer itself; None where the row does not tell.

    Raises:
        UnreadableRowError: All that the row tells is outside the options.
    """
    outside = None
    found: list[int | None] = []
    for names in (INDEX_FIELDS, ANSWER_FIELDS):
        place = None
        for name in names:
            if not options or is_missing(row.get(name)):
                continue
            try:
                place = _place(row[name], options, reading, is_index=names == INDEX_FIELDS)
            except LookupError:
                first = reading.index_from if names == INDEX_FIELDS else reading.number_from
                outside = (
                    f"has {row[name]!r} in field {name!r} for {len(options)} options (an index counts from {first})"
                )
            if place is not None:
                break
        found.append(place)
    if outside and found == [None, None]:
        raise UnreadableRowError(outside)
    return found[0], found[1]


def _place(value: Any, options: Sequence[Option], reading: AnswerReading, *, is_index: bool) -> int | None:
    """Which option a value names: by index, label, letter or text; None where it names none.

    Raises:
        LookupError: It is an index or a letter beyond the options.
    """
    value = bare(value)
    told = str(value).strip()
    labelled = _labelled(options, value)
    if labelled is not None:
        return labelled
    texts = [option.text for option in options]
    number, letter = _whole(value), letter_of(told)
    text = texts.index(told) if texts.count(told) == 1 else None
    sense = reading.letters if letter else reading.numbers
    if text is not None and sense == "text" and not is_index:
        return text
    if number is not None and (is_index or sense == "place" or not isinstance(value, str)):
        return _counted(number, len(options), reading.index_from if is_index else reading.number_from)
    if letter:
        place = LETTERS.index(letter)
        if place >= len(options) and text is None:
            raise LookupError(told)
        return place if place < len(options) else text
    if text is None and told.isdecimal() and not any(one and one.isdecimal() for one in texts):  # in a CSV file
        return _counted(int(told), len(options), reading.number_from)
    return text


def _counted(number: int, n: int, first: int) -> int | None:
    """The place from 0 of an index; None where it is below the first.

    Raises:
        LookupError: It is beyond the options.
    """
    if number - first >= n:
        raise LookupError(number)
    return number - first if number >= first else None


def _labelled(options: Sequence[Option], value: object) -> int | None:
    """Which option's own label a value is."""
    labels = [(option.label or "").lower() for option in options]
    told = str(value).strip().lower()
    return labels.index(told) if labels.count(told) == 1 else None


def bare(value: Any) -> Any:
    """An answer that is written as a list of one.

    Raises:
        UnreadableRowError: The list holds several.
    """
    if not isinstance(value, list):
        return value
    if len(value) != 1:
        raise UnreadableRowError(f"has {len(value)} right answers, not one")
    return value[0]


def _whole(value: Any) -> int | None:
    """A whole number, also where it is written as text or as 3.0; None for anything else."""
    match = None if isinstance(value, bool) else re.fullmatch(r"\s*(-?\d{1,99})(\.0+)?\s*", str(value))
    return int(match[1]) if match else None
