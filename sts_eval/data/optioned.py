"""Training rows in the form of a benchmark: options, and the letter or index of the right one."""

from collections.abc import Mapping
from typing import Any

from sts_eval.data.example import Example
from sts_eval.data.options import letter_of
from sts_eval.data.question import OPTIONS, PASSAGE_FIELDS, folded, read_question


def points_to_option(value: object) -> bool:
    """Whether a solution is a letter or a whole number."""
    if isinstance(value, str):
        return letter_of(value) is not None or value.strip().isdecimal()
    return isinstance(value, int) and not isinstance(value, bool)


def option_example(row: Mapping[str, Any], question: str, answer: object) -> Example | None:
    """The question with its options below it and the text of the right one; None where the row has no options.

    Args:
        row: The row, with options in a shape that benchmarks have.
        question: What is asked, passage included.
        answer: The letter or the index, from 0, of the right option.

    Raises:
        UnreadableRowError: The options are in no known shape, or the answer is none of them.
    """
    held = {name: value for name, value in folded(row).items() if name not in PASSAGE_FIELDS}
    found = read_question({**held, "question": question, "answer": answer}, list_options=True)
    if found.right is None:
        return None
    shown = all(option in question for option in found.options) and OPTIONS.strip() in found.text
    return Example(question if shown else found.text, found.options[found.right])
