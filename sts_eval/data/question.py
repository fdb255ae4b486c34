"""One row of a benchmark as a question, from the shapes that benchmarks have.

    options     a list (MMLU-Pro `options`, MMLU `choices`); an object by letter (MedQA); texts and labels (ARC, as
                {"text": [...], "label": [...]} or [{"text": ..., "label": ...}]); one column each (CMMLU and
                C-Eval A, B, C, D; option_a, opa, choice1, ...); JSON text of these, in a CSV file
    the answer  an index from 0, a letter, a label, or the text of an option

Options that are null or "N/A" are left out, as MMLU-Pro's own script does, and an index is moved along. A passage
that a question is about comes before it, after a blank line.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sts_eval.data.answer_reading import AS_MMLU, AnswerReading, Told
from sts_eval.data.tables import Row
from sts_eval.data.text import UnreadableRowError, is_missing, text_of

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

OPTIONS = "\nOptions:\n"
"""What stands between a question and the options that are listed below it."""

QUESTION_FIELDS = ("question", "question_stem", "stem", "problem", "query", "prompt", "ctx")
OPTION_FIELDS = ("options", "choices", "answer_choices", "endings")
PASSAGE_FIELDS = ("passage", "article", "context")
INDEX_FIELDS = ("answer_index", "answer_idx")
ANSWER_FIELDS = (
    *("answerkey", "answer_key", "answer key", "answer", "correct_answer", "correct_option", "label", "gold", "target"),
    "cop",  # MedMCQA
)
CATEGORY_FIELDS = ("category", "domain", "subject", "subject_name", "task", "topic")
SOLUTION_FIELDS = ("cot_content", "solution")

_NUMBERED = re.compile(r"(?:opt?|option|choice|answer|ending)[ _-]?([a-j]|\d{1,2})")
_LETTER = re.compile(r"\(?([A-Za-z])[).:]?")
NOT_AN_OPTION = "N/A"


class Option(NamedTuple):
    """One option: its text, None where it is left out, and what the file calls it, if it does."""

    text: str | None
    label: str | None = None


class QuestionRow(NamedTuple):
    """A row of a benchmark.

    Attributes:
        text: The user turn: passage, question, and the lettered options where they are shown.
        options: The options' texts, without those left out.
        right: Position of the right one; None where the row does not tell.
        solution: The assistant turn of a demonstration; empty where the row has none.
        dropped: How many options were left out.
        conflict: Whether the index and the letter of the answer disagree; the index is taken.
        passage: Whether a passage comes before the question.
        lettered: Whether the options carry letters of their own.
        unread: The fields of further passages, which are not shown.
    """

    text: str
    options: tuple[str, ...]
    right: int | None
    solution: str
    dropped: int
    conflict: bool
    passage: bool
    lettered: bool
    unread: tuple[str, ...] = ()


def folded(row: Row) -> dict[str, Any]:
    """A row whose fields are in small letters, so that "Question" and "question" are one."""
    return {str(name).strip().lower(): value for name, value in row.items()}


def category_of(row: Mapping[str, Any]) -> str | None:
    """The category that a row names, if any.

    Raises:
        UnreadableRowError: It is not text.
    """
    name = next((name for name in CATEGORY_FIELDS if not is_missing(row.get(name))), None)
    return str(row[name]) if name and text_of(row[name], name) else None


def told_by(row: Mapping[str, Any]) -> Told | None:
    """What a row with folded names tells of its right option; None where it cannot be read or tells nothing."""
    try:
        every = _options(row, _asked(row)[2])
        index, answer = (
            next((_bare(row[name]) for name in names if not is_missing(row.get(name))), None)
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


def read_question(row: Mapping[str, Any], *, list_options: bool, reading: AnswerReading = AS_MMLU) -> QuestionRow:
    """Read a row with folded names.

    Args:
        row: The row.
        list_options: Whether the prompt shows the options.
        reading: How the benchmark writes its answers.

    Raises:
        UnreadableRowError: It has no question, its options are in no known shape, or the answer is none of them.
    """
    name, asked, held = _asked(row)
    question = text_of(asked, name)
    passages = {
        name: text_of(row[name], name)
        for name in PASSAGE_FIELDS
        if isinstance(row.get(name), str) and row[name].strip()
    }
    every = _options(row, held)
    places = [place for place, option in enumerate(every) if option.text is not None]
    options = tuple(option.text for option in every if option.text is not None)
    if list_options and len(options) > len(LETTERS):
        raise UnreadableRowError(f"has {len(options)} options, more than the {len(LETTERS)} letters that mark them")
    index, answer = _answers(row, every, reading)
    place = answer if index is None else index
    if place is not None and place not in places:
        raise UnreadableRowError("names an option as right that is empty or N/A")
    right = None if place is None else places.index(place)
    text = "\n\n".join([*list(passages.values())[:1], question])
    if list_options and options:
        listed = (f"{letter}. {option}" for letter, option in zip(LETTERS, options, strict=False))
        text += OPTIONS + "\n".join(listed)
    return QuestionRow(
        text=text,
        options=options,
        right=right,
        solution=_solution(row, every, options, right, list_options=list_options),
        dropped=len(every) - len(options),
        conflict=index is not None and answer is not None and index != answer,
        passage=bool(passages),
        lettered=list_options and len(options) > 1 and all(map(_carries, options, LETTERS)),
        unread=tuple(passages)[1:],
    )


def _asked(row: Mapping[str, Any]) -> tuple[str, Any, Any]:
    """The field of the question, the question, and the options that it holds itself, if any."""
    name = next((name for name in QUESTION_FIELDS if name in row), "question")
    asked = row.get(name)
    if isinstance(asked, dict) and "stem" in asked:
        return name, asked["stem"], asked.get("choices")
    return name, asked, None


def _carries(option: str, letter: str) -> bool:
    return option.startswith((f"{letter}. ", f"{letter}) ", f"({letter}) ", f"{letter}: "))


def _options(row: Mapping[str, Any], held: object) -> list[Option]:
    """A row's options, those that are left out with None as their text.

    Raises:
        UnreadableRowError: They are in no known shape.
    """
    name = next((name for name in OPTION_FIELDS if not is_missing(row.get(name))), OPTION_FIELDS[0])
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


def _answers(
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
    value = _bare(value)
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


def letter_of(text: str) -> str | None:
    """The option letter that a text is: B for "b", "(B)", "B." and "B:"; None for anything else."""
    match = _LETTER.fullmatch(text.strip())
    return match[1].upper() if match else None


def _bare(value: Any) -> Any:
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


def _solution(
    row: Mapping[str, Any], every: Sequence[Option], options: Sequence[str], right: int | None, *, list_options: bool
) -> str:
    """The assistant turn of a demonstration: its chain of thought, or the bare answer where it has none."""
    for name in SOLUTION_FIELDS:
        if not is_missing(row.get(name)):
            return text_of(row[name], name).removeprefix("A:").strip()
    answer = _bare(row.get("answer"))
    if right is not None and not (isinstance(answer, str) and _stands(answer, every, options)):
        return LETTERS[right] if list_options else options[right]
    return "" if is_missing(answer) else text_of(answer, "answer").removeprefix("A:").strip()


def _stands(answer: str, every: Sequence[Option], options: Sequence[str]) -> bool:
    """Whether the answer as the file words it fits the prompt: not where letters are the file's or have moved."""
    if answer.strip().isdecimal() and answer.strip() not in options:  # an index, which the prompt does not show
        return False
    return bool(answer.strip()) and len(every) == len(options) and all(option.label is None for option in every)
