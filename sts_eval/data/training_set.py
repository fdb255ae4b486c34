"""The set that the model would be tuned on: questions with solutions, from the formats that people have.

    question and solution    under their usual names (`training_fields`), in any case: GSM8K, LIMO
    Alpaca, Dolly            `input`, `context` or `passage` follows the question after a blank line; `system` and
                             `history` come before it as turns of a conversation
    OpenAI, trl              `messages`, with system, tools and several turns; `prompt` and `completion` as text or as
                             messages
    ShareGPT                 `conversations` with from and value
    several choices          `options`, `choices` or a column each, listed below the question where the solution is a
                             letter or an index; the solution is then the option's text
    judged answers           `label: false` (KTO) and `is_correct: false` are left out
    preference pairs         `prompt` and `chosen`, or `chosen` alone where it is a conversation; `rejected` is not read

What a conversation becomes is described in `conversation`. Fields that the user names are read alone.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sts_eval.data.conversation import (
    Conversation,
    Turn,
    conversation,
    conversation_of,
    is_messages,
    messages_of,
    turns_of,
)
from sts_eval.data.example import Example
from sts_eval.data.optioned import option_example, points_to_option
from sts_eval.data.tables import Row, read_table
from sts_eval.data.text import LEFT_OUT_SHARE, BadRow, UnreadableRowError, check_left_out, is_missing, text_of
from sts_eval.data.training_fields import (
    CONTEXT_FIELDS,
    CONVERSATION_FIELDS,
    HISTORY_FIELDS,
    KNOWN_SETS,
    OPTION_FIELDS,
    QUESTION_FIELDS,
    REASONING_FIELDS,
    SYSTEM_FIELDS,
    UNREAD_FIELDS,
    Fields,
    KnownSet,
    all_named,
    find_fields,
)
from sts_eval.data.verdicts import rejected_rows
from sts_eval.experiment import TrainingSetSpec
from sts_eval.records.prediction import DataIdentity
from sts_eval.records.record import fingerprint

__all__ = ["Example", "TrainingSet", "load_training_set"]

_NO_INPUT = ("<noinput>", "noinput")
"""What the authors of Alpaca write where there is no input."""


@dataclass(frozen=True)
class TrainingSet:
    """Examples of a training set and their provenance.

    Attributes:
        source: Path or hub id.
        revision: Hub commit, None for a file.
        suffix: Standing instruction that follows each question in a prompt.
        examples: All examples that can be read, in the order of the source.
        numbers: The row that each comes from, counted from 1; empty where the examples came from no file.
        sha256: Fingerprint of the examples and the suffix.
        warnings: What the user should know about how the rows were read.
        form: Which fields the examples came from.
        left_out: How many rows cannot be read.
        roles: Turns by role that went into the examples, where they were conversations.
        answers: The short answer of each example, empty where it has none; none at all where no field holds answers.
        own_answers: By seed, then by row, a model's own answers that are demonstrated in place of solutions.
    """

    source: str
    revision: str | None
    suffix: str
    examples: Sequence[Example]
    sha256: str
    warnings: tuple[str, ...] = ()
    form: str = ""
    left_out: int = 0
    roles: Mapping[str, int] = field(default_factory=dict)
    numbers: Sequence[int] = ()
    answers: Sequence[str] = ()
    own_answers: Mapping[int, Mapping[int, str]] = field(default_factory=dict)

    def fingerprints(self, *, answers: bool) -> list[str]:
        """Of what a tuning reads: the examples, and the short answers where it is rewarded for them."""
        return [self.sha256, *([fingerprint(self.answers)] if answers else [])]

    def identity(self) -> DataIdentity:
        """The set as records name it."""
        return DataIdentity(
            source=self.source,
            revision=self.revision,
            rows=len(self.examples),
            sha256=self.sha256,
            form=self.form,
            left_out=self.left_out,
            roles=dict(self.roles),
        )


def load_training_set(spec: TrainingSetSpec) -> TrainingSet:
    """Read a training set and find its format by the names of its fields.

    Raises:
        UserError: The source cannot be read, its format is not known, or more than one row in twenty has no text.
    """
    table = read_table(spec.source, split=spec.split, revision=spec.revision)
    known = KNOWN_SETS.get(spec.source, KnownSet())
    rows = [dict(row) for row in table.rows]
    fields = find_fields(spec, known, rows)
    examples, numbers, answers, bad = [], [], [], []
    counts = _Counts()
    rejected, verdict = rejected_rows(rows, fields.solution, spec.source)
    for number, row in enumerate(rows, start=1):
        if number in rejected:
            continue
        try:
            example = _example(row, fields, counts)
        except UnreadableRowError as error:
            bad.append(BadRow(number, str(error)))
        else:
            examples.append(example)
            numbers.append(number)
            answers.append("" if is_missing(value := row.get(fields.answer or "")) else str(value).strip())
    left_out = check_left_out(bad, len(rows), spec.source)
    suffix = known.suffix if spec.suffix is None else spec.suffix
    return TrainingSet(
        spec.source,
        table.revision,
        suffix,
        examples,
        fingerprint([suffix, examples]),
        warnings=(
            *table.notes,
            *left_out,
            *verdict,
            *counts.lines(spec.source, fields, len(examples)),
            *_unread(spec, fields, rows),
            *([] if counts.listed else _options_unread(examples, rows, spec.source)),
            *_repeated(examples, spec.source),
        ),
        form=fields.described(),
        left_out=len(bad),
        roles=dict(counts.roles),
        numbers=numbers,
        answers=answers if fields.answer else (),
    )


class _Counts:
    """What was made of the rows."""

    def __init__(self) -> None:
        self.roles: Counter[str] = Counter()
        self.extended: Counter[str] = Counter()
        self.not_text: Counter[str] = Counter()
        self.joined = 0
        self.listed = 0
        self.later_turns = 0
        self.conversations = 0

    def add(self, found: Conversation) -> None:
        """Count a conversation."""
        self.conversations += 1
        self.joined += found.joined
        self.later_turns += found.left_out
        self.roles.update(turn.role for turn in found.read)

    def lines(self, source: str, fields: Fields, n: int) -> list[str]:
        """One line for each thing that the user should know."""
        lines = [
            f"{source}: field {name!r} was added to the question in {count} of {n} rows"
            for name, count in self.extended.items()
        ]
        lines += [
            f"{source}: field {name!r} holds no text in {count} of {n} rows and was not read there"
            for name, count in self.not_text.items()
        ]
        if self.listed:
            lines.append(
                f"{source}: in {self.listed} of {n} rows the options are listed below the question, and the solution "
                f"is the text of the right one, which field {fields.solution!r} names by letter or by index from 0"
            )
        if self.joined:
            told = ", ".join(f"{count} {role}" for role, count in self.roles.items())
            lines.append(
                f"{source}: in {self.joined} of {n} conversations system texts and earlier turns were joined into the "
                f"question; only the last assistant turn is the solution (turns: {told})"
            )
        if self.later_turns:
            lines.append(f"{source}: {self.later_turns} turns after the last assistant turn were left out")
        if "chosen" in (fields.question, fields.solution):
            lines.append(f"{source} holds preference pairs: the chosen answer is read, the rejected one is not")
        return lines


def _example(row: Row, fields: Fields, counts: _Counts) -> Example:
    """One row as an example."""
    before = [*_system(row, fields), *_tools(row, fields)]
    if fields.solution is None:
        talk = conversation_of(row.get(fields.question))
        if not is_messages(talk):
            raise UnreadableRowError(f"has no messages in field {fields.question!r}")
        found = conversation([*before, *turns_of(talk, fields.question)])
        counts.add(found)
        return found.example
    asked = messages_of(row.get(fields.question))
    solved = messages_of(row.get(fields.solution))
    if isinstance(solved, list) and len(solved) == 1 and isinstance(solved[0], str):
        solved = solved[0]
    if not (before or is_messages(asked) or is_messages(solved) or any(row.get(name) for name in fields.history)):
        text = _question_text(row, fields, asked, counts)
        if fields.options and points_to_option(solved) and (optioned := option_example(row, text, solved)):
            counts.listed += 1
            return optioned
        return Example(text, text_of(solved, fields.solution))
    answer = _part(solved, fields.solution, "assistant")
    if answer and answer[0].role != "assistant":  # the whole conversation, as in some preference pairs
        turns = answer
    elif is_messages(asked):
        turns = [*before, *_part(asked, fields.question, "user"), *answer]
    else:
        text = _question_text(row, fields, asked, counts)
        turns = [*before, *_history(row, fields), Turn("user", text), *answer]
    found = conversation(turns)
    counts.add(found)
    return found.example


def _part(value: object, name: str, role: str) -> list[Turn]:
    return turns_of(value, name) if is_messages(value) else [Turn(role, text_of(value, name))]


def _question_text(row: Row, fields: Fields, asked: object, counts: _Counts) -> str:
    """The question, and what it is about where another field holds that."""
    parts = [] if is_missing(asked) else [text_of(asked, fields.question)]
    for name in fields.context:
        value = row.get(name)
        if is_missing(value) or (isinstance(value, str) and value.strip().lower() in _NO_INPUT):
            continue
        if not isinstance(value, str | int | float):
            counts.not_text[name] += 1
            continue
        parts.append(text_of(value, name))
        counts.extended[name] += 1
    return "\n\n".join(parts) if parts else text_of(asked, fields.question)


def _system(row: Row, fields: Fields) -> list[Turn]:
    return [Turn("system", text_of(row[name], name)) for name in fields.system if not is_missing(row.get(name))]


def _tools(row: Row, fields: Fields) -> list[Turn]:
    """Descriptions of tools, as JSON after a word that says so."""
    found = [row[name] for name in fields.tools if not is_missing(row.get(name)) and row[name] != []]
    texts = [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in found]
    return [Turn("system", f"Tools: {text.strip()}") for text in texts if text.strip() != "[]"]


def _history(row: Row, fields: Fields) -> list[Turn]:
    """Earlier turns as LLaMA-Factory writes them: pairs of question and answer."""
    turns: list[Turn] = []
    for name in fields.history:
        for pair in row.get(name) or ():
            if not isinstance(pair, list | tuple) or len(pair) != 2:  # noqa: PLR2004 -- a question and its answer
                raise UnreadableRowError(f"has something other than pairs of question and answer in field {name!r}")
            turns += [Turn(role, text_of(said, name)) for role, said in zip(("user", "assistant"), pair, strict=True)]
    return turns


def _unread(spec: TrainingSetSpec, fields: Fields, rows: Sequence[Row]) -> list[str]:
    """A line for each field that belongs to the example by its name and is not read."""
    read = (fields.question, fields.solution, *fields.context, *fields.system, *fields.history, *fields.tools)
    lines = []
    for part, names in (
        ("question", (*QUESTION_FIELDS, *CONTEXT_FIELDS, *SYSTEM_FIELDS, *HISTORY_FIELDS, *UNREAD_FIELDS)),
        ("solution", (*REASONING_FIELDS, *CONVERSATION_FIELDS)),
    ):
        for name in dict.fromkeys(all_named(names, list(rows[0]))):
            asked = (row.get(name) for row in rows if not _repeats(name, row, fields))
            count = sum(isinstance(value, str | list) and not is_missing(value) and value != [] for value in asked)
            if name not in read and count and fields.solution is not None:
                lines.append(
                    f"{spec.source}: field {name!r} holds something in {count} of {len(rows)} rows and is not part of "
                    f"the {part}, which is read from {(fields.question if part == 'question' else fields.solution)!r}"
                )
    return lines


def _repeats(name: str, row: Row, fields: Fields) -> bool:
    """Whether a cell holds what is read once more; Alpaca's `text` has the question with a prompt around it."""
    value, question = row.get(name), row.get(fields.question)
    again = isinstance(value, str) and isinstance(question, str) and question.strip() in value
    return (again and name.lower() == "text") or value in (question, row.get(fields.solution or ""))


def _options_unread(examples: Sequence[Example], rows: Sequence[Row], source: str) -> list[str]:
    """A line where the questions do not show the options, and solutions may be their letters."""
    letters = sum(len(example.solution.strip("().")) == 1 and example.solution.isupper() for example in examples)
    named = [
        name for name in OPTION_FIELDS if name in rows[0] and not is_missing(rows[0][name]) and rows[0][name] != []
    ]
    if not named:
        return []
    alone = f"{letters} of {len(examples)} solutions are single letters, and " if letters > len(examples) / 2 else ""
    return [f"{source}: {alone}field {named[0]!r} with the options is not part of the question"]


def _repeated(examples: Sequence[Example], source: str) -> list[str]:
    """A line where many rows say the same: held-out rows are then rows that were trained on."""
    again = len(examples) - len(set(examples))
    if again <= LEFT_OUT_SHARE * len(examples):
        return []
    return [f"{source}: {again} of {len(examples)} rows repeat an earlier one, so held-out rows may be trained on too"]
