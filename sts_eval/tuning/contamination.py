"""Benchmark questions inside a training set.

A tuned model that has seen the questions it is scored on says nothing about transfer. Texts are compared word
by word, without case and punctuation; a benchmark question counts as contained where all its words occur in a
row of the training set in one piece, in question or solution.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sts_eval.data.benchmark import Benchmark, Question
from sts_eval.data.training_set import Example
from sts_eval.errors import UserError
from sts_eval.records.tuning import Contamination

WINDOW = 8
"""Words by which a benchmark question is looked up before all of it is compared."""

FEWEST_WORDS = 5
"""A shorter question is common speech; it counts only where it is the row's whole question."""

LISTED = 5

_WORD = re.compile(r"\w+")

Words = tuple[str, ...]

Starts = dict[Words, list[tuple[str, Words]]]
"""Ids and texts of benchmark questions by their first words."""


def find_contamination(examples: Sequence[Example], benchmark: Benchmark) -> Contamination:
    """Find the rows of a training set that contain a question of a benchmark.

    Args:
        examples: The training rows.
        benchmark: Its options, where it lists any, are not part of the comparison.
    """
    texts = {question.id: words(_bare(question.text)) for question in _questions(benchmark)}
    found: dict[int, str] = {}
    starts: Starts = {}
    whole: dict[Words, str] = {}
    for identity, text in texts.items():
        if len(text) < FEWEST_WORDS:
            whole.setdefault(text, identity)
        else:
            starts.setdefault(text[:WINDOW], []).append((identity, text))
    sizes = sorted({len(start) for start in starts})
    for number, example in enumerate(examples):
        asked = words(example.question)
        hit = whole.get(asked) or _find(asked, starts, sizes)
        hit = hit or _find(words(example.solution), starts, sizes)
        if hit is not None:
            found[number] = hit
    return Contamination(rows=tuple(found), question_ids=tuple(found.values()), checked=len(texts))


def refuse(contamination: Contamination, examples: Sequence[Example]) -> None:
    """Refuse a contaminated training set.

    Raises:
        UserError: It is one.
    """
    if not contamination.rows:
        return
    pairs = zip(contamination.rows[:LISTED], contamination.question_ids[:LISTED], strict=True)
    listed = ", ".join(f"row {row} holds question {identity}" for row, identity in pairs)
    more = ", ..." if len(contamination.rows) > LISTED else ""
    raise UserError(
        f"{len(contamination.rows)} of {len(examples)} training rows contain benchmark questions ({listed}{more})",
        "Take those rows out, or set tune.allow_overlap: true in the experiment file to train on them",
    )


def words(text: str) -> Words:
    """A text as its words, lower case, without punctuation."""
    return tuple(_WORD.findall(text.lower()))


def _find(text: Words, starts: Starts, sizes: Sequence[int]) -> str | None:
    for size in sizes:
        for at in range(len(text) - size + 1):
            for identity, question in starts.get(text[at : at + size], ()):
                if text[at : at + len(question)] == question:
                    return identity
    return None


def _bare(text: str) -> str:
    """The question without the options that a benchmark may list below it."""
    return text.partition("\nOptions:\n")[0]


def _questions(benchmark: Benchmark) -> Iterator[Question]:
    for domain in benchmark.domains.values():
        yield from domain.questions
