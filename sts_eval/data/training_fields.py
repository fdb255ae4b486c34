"""Which fields of a training set are read, and as what: found by their names, unless the user names them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from sts_eval.data.conversation import conversation_of, is_messages
from sts_eval.data.optioned import points_to_option
from sts_eval.data.tables import Row
from sts_eval.data.text import is_missing, kind_of
from sts_eval.errors import UserError
from sts_eval.experiment import TrainingSetSpec

QUESTION_FIELDS = ("question", "problem", "prompt", "instruction", "query", "input", "inputs", "user", "text")
"""The last, "text", only where there is a solution too."""
SOLUTION_FIELDS = (
    *("solution", "response", "completion", "output", "long_answer", "answer", "outputs", "target", "targets"),
    *("generated_solution", "gold_standard_solution", "assistant", "final_answer", "chosen"),
)
CONVERSATION_FIELDS = ("messages", "conversations", "conversation", "dialogue", "dialog", "chat", "chosen")
CONTEXT_FIELDS = ("input", "context", "passage")
SYSTEM_FIELDS = ("system", "system_prompt")
HISTORY_FIELDS = ("history",)
UNREAD_FIELDS = ("document", "story", "article", "support", "body", "text")
TOOL_FIELDS = ("tools", "functions")
REASONING_FIELDS = (
    *("reasoning", "reasoning_content", "rationale", "thinking", "thinking_trajectories", "cot", "complex_cot"),
    *("chain_of_thought", "explanation"),
)
OPTION_FIELDS = ("options", "choices")
ANSWER_FIELDS = ("answer", "final_answer", "ground_truth", "expected_answer", "gold")
"""Short answers beside a solution, for rewards that compare with them."""


class KnownSet(NamedTuple):
    """What is known of a set by its hub id; None is found by name."""

    question: str | None = None
    solution: str | None = None
    suffix: str = ""


# The paper's training sets, as their hub pages name the columns; the suffix is the paper's, for LIMO.
KNOWN_SETS = {
    "GAIR/LIMO": KnownSet(
        "question", "solution", " Let's think step by step and output the final answer within \\boxed{}."
    ),
    "open-r1/verifiable-coding-problems-python-10k": KnownSet("problem", "gold_standard_solution"),
}


@dataclass(frozen=True)
class Fields:
    """Which fields of a row are read, and as what."""

    question: str
    solution: str | None
    context: tuple[str, ...] = ()
    system: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    options: bool = False
    answer: str | None = None  # of short answers; no part of an example

    def described(self) -> str:
        """The fields in one line."""
        if self.solution is None:
            before = ", ".join(map(repr, (*self.system, *self.tools)))
            return f"conversations in field {self.question!r}" + (f", preceded by {before}" if before else "")
        asked = [*self.system, *self.tools, *self.history, self.question, *self.context]
        return f"question from {' + '.join(map(repr, asked))}, solution from {self.solution!r}"


def find_fields(spec: TrainingSetSpec, known: KnownSet, rows: Sequence[Row]) -> Fields:
    """Which fields are read.

    Raises:
        UserError: None of the formats fits, or a field that the user names is not there; the message names the fields.
    """
    found = _find_example(spec, known, rows)
    every = list(dict.fromkeys(name for row in rows for name in row))
    if spec.answer_field is not None and spec.answer_field not in every:
        raise UserError(
            f"{spec.source} has no field {spec.answer_field!r} for answers; its fields are {', '.join(every)}",
            "Correct answer_field, or leave it out",
        )
    others = [name for name in every if name not in (found.question, found.solution)]
    return replace(
        found, answer=_named(spec.answer_field, ANSWER_FIELDS, others if spec.answer_field is None else every)
    )


def _find_example(spec: TrainingSetSpec, known: KnownSet, rows: Sequence[Row]) -> Fields:
    """Which fields make an example."""
    every = list(dict.fromkeys(name for row in rows for name in row))
    asked, solved = spec.question_field or known.question, spec.solution_field or known.solution
    system, tools = all_named(SYSTEM_FIELDS, every), all_named(TOOL_FIELDS, every)
    for columns in (list(rows[0]), every):  # rows may lack fields that are empty there
        question = _named(asked, QUESTION_FIELDS, columns)
        solution = _named(solved, [name for name in SOLUTION_FIELDS if name != question], columns)
        if question and solution:
            if asked:
                return Fields(question, solution)
            context = tuple(name for name in all_named(CONTEXT_FIELDS, every) if name not in (question, solution))
            history = all_named(HISTORY_FIELDS, every)
            return Fields(
                question, solution, context, system, history, tools, options=not solved and _point(rows, solution)
            )
    names: Sequence[str] = [asked] if asked else CONVERSATION_FIELDS
    for column in () if solved else all_named(names, every):
        if any(is_messages(conversation_of(row.get(column))) for row in rows):
            return Fields(column, None, system=system, tools=tools)
    for name in () if asked or solved else all_named(CONVERSATION_FIELDS, every):
        held = next((row[name] for row in rows if not is_missing(row.get(name))), None)
        if not isinstance(held, str | int | float | None):
            raise UserError(
                f"{spec.source} holds {kind_of(held)} in field {name!r} that is no conversation",
                'Write a list of messages: [{"role": "user", "content": ...}, {"role": "assistant", "content": ...}]',
            )
    role, wanted, usual = "question", spec.question_field or known.question, ", ".join(QUESTION_FIELDS[:-1])
    if _named(wanted, QUESTION_FIELDS[:-1], every) is not None:  # a text alone is no question
        role, wanted, usual = "solution", spec.solution_field or known.solution, ", ".join(SOLUTION_FIELDS)
    sought = f"field {wanted!r}" if wanted else f"{role} field ({usual})"
    raise UserError(
        f"{spec.source} has no {sought}; its fields are {', '.join(every)}",
        f"Name the field with --{role}-field (in lm_eval: --metadata {role}_field=NAME), or write the rows as "
        "conversations in a field 'messages'",
    )


def _point(rows: Sequence[Row], solution: str) -> bool:
    """Whether most solutions are letters or whole numbers; a few are so among texts, as where an option is 50."""
    return sum(points_to_option(row.get(solution)) for row in rows) > len(rows) / 2


def all_named(usual: Sequence[str], columns: Sequence[str]) -> tuple[str, ...]:
    """All columns of these names, in the order of the names."""
    return tuple(column for name in usual if (column := _named(None, [name], columns)) is not None)


def _named(wanted: str | None, usual: Sequence[str], columns: Sequence[str]) -> str | None:
    """The wanted field, or the first of the usual names that is there, exactly or in another case."""
    for name in [wanted] if wanted else usual:
        if name in columns:
            return name
    if wanted:
        return None
    folded = {column.strip().lower(): column for column in reversed(columns)}
    return next((folded[name] for name in usual if name in folded), None)
