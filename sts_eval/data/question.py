"""One row of a benchmark as a question, from the shapes that benchmarks have.

`options` reads the options, `right_option` which of them is the right one. Where options are left out, an index is
moved along. A passage that a question is about comes before it, after a blank line.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sts_eval.data.answer_reading import AS_MMLU, AnswerReading
from sts_eval.data.options import LETTERS, Option, asked_of, options_of
from sts_eval.data.right_option import bare, places_of_right
from sts_eval.data.tables import Row
from sts_eval.data.text import UnreadableRowError, is_missing, text_of

OPTIONS = "\nOptions:\n"
"""What stands between a question and the options that are listed below it."""

PASSAGE_FIELDS = ("passage", "article", "context")
CATEGORY_FIELDS = ("category", "domain", "subject", "subject_name", "task", "topic")
SOLUTION_FIELDS = ("cot_content", "solution")


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


def read_question(row: Mapping[str, Any], *, list_options: bool, reading: AnswerReading = AS_MMLU) -> QuestionRow:
    """Read a row with folded names.

    Args:
        row: The row.
        list_options: Whether the prompt shows the options.
        reading: How the benchmark writes its answers.

    Raises:
        UnreadableRowError: It has no question, its options are in no known shape, or the answer is none of them.
    """
    name, asked, _ = asked_of(row)
    question = text_of(asked, name)
    passages = {
        name: text_of(row[name], name)
        for name in PASSAGE_FIELDS
        if isinstance(row.get(name), str) and row[name].strip()
    }
    every = options_of(row)
    places = [place for place, option in enumerate(every) if option.text is not None]
    options = tuple(option.text for option in every if option.text is not None)
    if list_options and len(options) > len(LETTERS):
        raise UnreadableRowError(f"has {len(options)} options, more than the {len(LETTERS)} letters that mark them")
    index, answer = places_of_right(row, every, reading)
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


def _carries(option: str, letter: str) -> bool:
    return option.startswith((f"{letter}. ", f"{letter}) ", f"({letter}) ", f"{letter}: "))


def _solution(
    row: Mapping[str, Any], every: Sequence[Option], options: Sequence[str], right: int | None, *, list_options: bool
) -> str:
    """The assistant turn of a demonstration: its chain of thought, or the bare answer where it has none."""
    for name in SOLUTION_FIELDS:
        if not is_missing(row.get(name)):
            return text_of(row[name], name).removeprefix("A:").strip()
    answer = bare(row.get("answer"))
    if right is not None and not (isinstance(answer, str) and _stands(answer, every, options)):
        return LETTERS[right] if list_options else options[right]
    return "" if is_missing(answer) else text_of(answer, "answer").removeprefix("A:").strip()


def _stands(answer: str, every: Sequence[Option], options: Sequence[str]) -> bool:
    """Whether the answer as the file words it fits the prompt: not where letters are the file's or have moved."""
    if answer.strip().isdecimal() and answer.strip() not in options:  # an index, which the prompt does not show
        return False
    return bool(answer.strip()) and len(every) == len(options) and all(option.label is None for option in every)
