"""The set that the model would be tuned on: questions with solutions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sts_eval.data.tables import Row, Table, fingerprint, read_table
from sts_eval.errors import UserError
from sts_eval.experiment import TrainingSetSpec

QUESTION_FIELDS = ("question", "problem", "prompt", "instruction", "query", "input")
SOLUTION_FIELDS = ("solution", "response", "completion", "output", "long_answer", "answer")


class Example(NamedTuple):
    """One worked example: a user turn and the assistant turn that answers it."""

    question: str
    solution: str


class _KnownSet(NamedTuple):
    question: str
    solution: str
    suffix: str


# The paper's training sets, as their hub pages name the columns; the suffix is the paper's, for LIMO.
KNOWN_SETS = {
    "GAIR/LIMO": _KnownSet(
        "question", "solution", " Let's think step by step and output the final answer within \\boxed{}."
    ),
    "open-r1/verifiable-coding-problems-python-10k": _KnownSet("problem", "gold_standard_solution", ""),
}


@dataclass(frozen=True)
class TrainingSet:
    """Examples of a training set and their provenance.

    Attributes:
        source: Path or hub id.
        revision: Hub commit, None for a file.
        suffix: Standing instruction that follows each question in a prompt.
        examples: All examples, in the order of the source.
        sha256: Fingerprint of the examples and the suffix.
    """

    source: str
    revision: str | None
    suffix: str
    examples: Sequence[Example]
    sha256: str


def load_training_set(spec: TrainingSetSpec) -> TrainingSet:
    """Read a training set and find its two columns.

    Raises:
        UserError: The source cannot be read, a column is missing, or a row has no text in it.
    """
    table = read_table(spec.source, split=spec.split, revision=spec.revision)
    known = KNOWN_SETS.get(spec.source)
    question = spec.question_field or (known and known.question)
    solution = spec.solution_field or (known and known.solution)
    columns = list(table.rows[0])
    question = _column("question", columns, question, QUESTION_FIELDS, spec.source)
    rest = tuple(name for name in SOLUTION_FIELDS if name != question)
    solution = _column("solution", columns, solution, rest, spec.source)
    examples = [_example(row, number, question, solution, table) for number, row in enumerate(table.rows, start=1)]
    suffix = spec.suffix if spec.suffix is not None else (known.suffix if known else "")
    return TrainingSet(spec.source, table.revision, suffix, examples, fingerprint([suffix, examples]))


def _column(role: str, columns: Sequence[str], wanted: str | None, names: Sequence[str], source: str) -> str:
    candidates = [wanted] if wanted else names
    for name in candidates:
        if name in columns:
            return name
    sought = f"field {wanted!r}" if wanted else f"{role} field ({', '.join(names)})"
    raise UserError(
        f"{source} has no {sought}; its fields are {', '.join(columns)}",
        f"Name the field with --{role}-field (in lm_eval: --metadata {role}_field=NAME)",
    )


def _example(row: Row, number: int, question: str, solution: str, table: Table) -> Example:
    pair = [row.get(name) for name in (question, solution)]
    for name, text in zip((question, solution), pair, strict=True):
        if not isinstance(text, str) or not text.strip():
            raise UserError(f"{table.source} row {number} has no text in field {name!r}", "Mend or remove that row")
    # Without blank edges, which many chat templates cut off: the tokens would not pair up.
    return Example(*(str(text).strip() for text in pair))
