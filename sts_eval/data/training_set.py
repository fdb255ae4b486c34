"""The set that the model would be tuned on: questions with solutions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sts_eval.data.tables import Row, fingerprint, read_table
from sts_eval.errors import UserError
from sts_eval.experiment import TrainingSetSpec

QUESTION_FIELDS = ("question", "problem", "prompt", "instruction", "query", "input")
SOLUTION_FIELDS = ("solution", "response", "completion", "output", "long_answer", "answer")


class Example(NamedTuple):
    """One worked example: a user turn and the assistant turn that answers it."""

    question: str
    solution: str


class _KnownSet(NamedTuple):
    question: str | None = None
    solution: str | None = None
    suffix: str = ""


# The paper's training sets, as their hub pages name the columns; the suffix is the paper's, for LIMO.
KNOWN_SETS = {
    "GAIR/LIMO": _KnownSet(
        "question", "solution", " Let's think step by step and output the final answer within \\boxed{}."
    ),
    "open-r1/verifiable-coding-problems-python-10k": _KnownSet("problem", "gold_standard_solution"),
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
    known = KNOWN_SETS.get(spec.source, _KnownSet())
    columns = list(table.rows[0])
    question = _column("question", spec.question_field or known.question, QUESTION_FIELDS, columns, spec.source)
    rest = [name for name in SOLUTION_FIELDS if name != question]
    solution = _column("solution", spec.solution_field or known.solution, rest, columns, spec.source)
    examples = []
    for number, row in enumerate(table.rows, start=1):
        where = f"{spec.source} row {number}"
        examples.append(Example(_text(row, question, where), _text(row, solution, where)))
    suffix = known.suffix if spec.suffix is None else spec.suffix
    return TrainingSet(spec.source, table.revision, suffix, examples, fingerprint([suffix, examples]))


def _column(role: str, wanted: str | None, usual: Sequence[str], columns: Sequence[str], source: str) -> str:
    """The wanted column, or the first of the usual names that is there."""
    for name in [wanted] if wanted else usual:
        if name in columns:
            return name
    sought = f"field {wanted!r}" if wanted else f"{role} field ({', '.join(usual)})"
    raise UserError(
        f"{source} has no {sought}; its fields are {', '.join(columns)}",
        f"Name the field with --{role}-field (in lm_eval: --metadata {role}_field=NAME)",
    )


def _text(row: Row, name: str, where: str) -> str:
    """A row's text, without blank edges: many chat templates cut them off, and the tokens would not pair up."""
    text = row.get(name)
    if not isinstance(text, str) or not text.strip():
        raise UserError(f"{where} has no text in field {name!r}", "Mend or remove that row")
    return text.strip()
