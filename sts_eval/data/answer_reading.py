"""How a benchmark writes its right answers, decided once from all of its rows.

"1" can be an index from 0, an index from 1, or the text of an option; "C" can be a letter or the text of an option.
One row does not tell which, all rows together mostly do.
"""

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from sts_eval.errors import UserError

FEW = 10
"""Fewer indices than this say nothing by leaving out 0 and the number of options."""

_MEND = "Write a column `answer_index` that counts from 0, and remove the other columns of the answer"

Sense = Literal["text", "place"] | None


class Told(NamedTuple):
    """What one row tells of its right option.

    Attributes:
        n: How many options it has.
        position: The whole number in its field of the index, if any.
        number: Its answer, where that is a whole number.
        letter: The place of the letter that its answer is, which may lie beyond the options.
        text: The place of the only option whose text is the answer.
    """

    n: int
    position: int | None
    number: int | None
    letter: int | None
    text: int | None


class AnswerReading(NamedTuple):
    """How answers are read.

    Attributes:
        index_from: What the index of the first option is, in the field of the index.
        number_from: The same where the answer is a number.
        numbers: Whether an answer that is a number is an index or the text of an option; by row where None.
        letters: Whether an answer that is a letter is the option's letter or its text; the letter where None.
        notes: What to say about it.
    """

    index_from: int = 0
    number_from: int = 0
    numbers: Sense = None
    letters: Sense = None
    notes: tuple[str, ...] = ()


AS_MMLU = AnswerReading()
"""Indices count from 0, and letters are letters."""


def decide(rows: Iterable[Told], source: str) -> AnswerReading:
    """How the answers of a benchmark are to be read.

    Raises:
        UserError: Two readings fit equally well and differ, or index and letter are one apart in most rows.
    """
    told = list(rows)
    answered = [row for row in told if (row.number, row.letter, row.text) != (None, None, None)]
    _check_one_apart(told, source)
    indexed = [(row.position, row.n) for row in told if row.position is not None]
    settled = sum(row.position is not None and row.position in (row.letter, row.text) for row in told) * 2 > len(
        indexed
    )
    index_from, index_notes = _first(indexed, "the index of the answer", source, settled=settled)
    numbered = [row for row in answered if row.number is not None]
    number_from = 0
    number_notes: tuple[str, ...] = ()
    numbers: Sense = None
    if 2 * len(numbered) > len(answered):
        pairs = [(row.number, row.n) for row in numbered if row.number is not None]
        number_from, number_notes = _first(pairs, "the answer", source, settled=bool(indexed))
        places = [(_within(value - number_from, n), row.text) for (value, n), row in zip(pairs, numbered, strict=True)]
        numbers = _sense(places, "numbers", "indices", source)
        number_notes = () if numbers == "text" else number_notes
    lettered = [row for row in answered if row.letter is not None]
    places = [(None if row.letter is None else _within(row.letter, row.n), row.text) for row in answered]
    letters = _sense(places, "letters", "the letters of options", source) if lettered else None
    return AnswerReading(index_from, number_from, numbers, letters, (*index_notes, *number_notes))


def _within(place: int, n: int) -> int | None:
    return place if 0 <= place < n else None


def _first(values: Sequence[tuple[int, int]], what: str, source: str, *, settled: bool) -> tuple[int, tuple[str, ...]]:
    """What the first option's index is, from indices and numbers of options, and what to say about it."""
    if not values or any(value == 0 for value, _ in values):
        return 0, ()
    if any(value == n for value, n in values):
        note = f"{source}: {what} is never 0 and is sometimes the number of options, so it is read as counting from 1"
        return 1, (note,)
    if settled or len(values) < FEW:
        return 0, ()
    return 0, (
        f"{source}: {what} is neither 0 nor the number of options in any of {len(values)} rows, so it may count from "
        "0 or from 1; it is read as counting from 0",
    )


def _sense(places: Sequence[tuple[int | None, int | None]], kind: str, place: str, source: str) -> Sense:
    """Whether answers are places or texts: what fits more rows.

    Raises:
        UserError: Both fit as many rows, and differ.
    """
    by_place = sum(one is not None for one, _ in places)
    by_text = sum(text is not None for _, text in places)
    if by_place != by_text:
        return "text" if by_text > by_place else "place"
    differ = [number for number, pair in enumerate(places, 1) if None not in pair and pair[0] != pair[1]]
    if differ:
        raise UserError(
            f"answers of {source} that are {kind} can be {place} or the texts of options, which differ in "
            f"{len(differ)} rows",
            _MEND,
        )
    return None


def _check_one_apart(told: Sequence[Told], source: str) -> None:
    both = [(row.position, row.letter) for row in told if row.position is not None and row.letter is not None]
    apart = sum(index - letter == 1 for index, letter in both)
    if 2 * apart > len(both):
        raise UserError(
            f"the index of the answer is one more than the place of its letter in {apart} of {len(both)} rows of "
            f"{source}, so it seems to count from 1",
            "Subtract 1 from `answer_index`, or remove that column",
        )
