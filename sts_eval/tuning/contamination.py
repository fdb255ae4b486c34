"""Benchmark questions inside a training set.

A tuned model that has seen the questions it is scored on says nothing about transfer. Texts are compared word by
word, without case and punctuation. A training row contains a benchmark question where all the question's words occur
in the row in one piece, in its question or solution.
"""

import re
from collections.abc import Sequence

from sts_eval.data.benchmark import Benchmark
from sts_eval.data.training_set import Example, TrainingSet
from sts_eval.errors import UserError
from sts_eval.records.tuning import Contamination

WINDOW = 8  # words by which a benchmark question is looked up before all of it is compared
FEWEST_WORDS = 5  # a shorter question counts only where it is the row's whole question: it may occur by chance
LISTED = 5  # rows in a message

Words = tuple[str, ...]

Starts = dict[Words, list[tuple[str, Words]]]  # ids and texts of benchmark questions by their first words


def find_contamination(examples: Sequence[Example], benchmark: Benchmark) -> Contamination:
    """Find the training rows that contain a question of a benchmark. Its options are not part of the comparison."""
    questions = [question for domain in benchmark.domains.values() for question in domain.questions]
    texts = [(question.id, words(question.without_options)) for question in questions]
    found: dict[int, str] = {}
    starts: Starts = {}
    whole: dict[Words, str] = {}
    for identity, text in texts:
        if len(text) < FEWEST_WORDS:
            whole.setdefault(text, identity)
        else:
            starts.setdefault(text[:WINDOW], []).append((identity, text))
    sizes = sorted({len(start) for start in starts})
    for number, example in enumerate(examples):
        asked = words(example.question)
        hit = whole.get(asked) or _find(asked, starts, sizes) or _find(words(example.solution), starts, sizes)
        if hit is not None:
            found[number] = hit
    return Contamination(
        benchmark=benchmark.source, rows=tuple(found), question_ids=tuple(found.values()), checked=len(texts)
    )


def check_contamination(training_set: TrainingSet, benchmark: Benchmark, *, allow: bool) -> Contamination:
    """Find contaminated rows, and refuse the training set if there are any and they are not allowed.

    Raises:
        UserError: The set is contaminated, which is not allowed.
    """
    found = find_contamination(training_set.examples, benchmark)
    if found.rows and not allow:
        pairs = zip(found.rows[:LISTED], found.question_ids[:LISTED], strict=True)
        listed = ", ".join(f"row {row} holds question {identity}" for row, identity in pairs)
        more = ", ..." if len(found.rows) > LISTED else ""
        raise UserError(
            f"{len(found.rows)} of {len(training_set.examples)} training rows contain benchmark questions "
            f"({listed}{more}) of {benchmark.source}",
            "Take those rows out, or set tune.allow_overlap: true in the experiment file to train on them",
        )
    return found


def words(text: str) -> Words:
    """A text as its words, lower case, without punctuation."""
    return tuple(re.findall(r"\w+", text.lower()))


def _find(text: Words, starts: Starts, sizes: Sequence[int]) -> str | None:
    for size in sizes:
        for at in range(len(text) - size + 1):
            for identity, question in starts.get(text[at : at + size], ()):
                if text[at : at + len(question)] == question:
                    return identity
    return None
