"""The downstream domains: multiple-choice questions by category, in MMLU-Pro's schema.

Schema (TIGER-Lab/MMLU-Pro): `question_id, question, options, answer, answer_index, cot_content,
category`. The test split is what gets scored; the validation split, with its chains of thought,
gives the demonstrations. A folder `test.parquet` + `validation.parquet` (or .jsonl, .json, .csv)
stands in for the hub. A `benchmark.json` beside them may say `{"list_options": false}` for a
benchmark whose prompts show the question alone.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sts_eval.data.tables import SUFFIXES, Row, Table, fingerprint, is_local, read_table
from sts_eval.data.training_set import Example
from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec

NAMED = {"mmlu_pro": "TIGER-Lab/MMLU-Pro"}

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Question:
    """One question of a domain.

    Attributes:
        id: The benchmark's own id of the question.
        domain: Its category.
        text: What the user turn says, options included where the benchmark lists them.
        choices: What an answer may say: a letter for each listed option, or the options' own texts. Only
            predictors that need labels read them.
        right: Position of the right choice; None where the row does not tell.
    """

    id: str
    domain: str
    text: str
    choices: tuple[str, ...] = ()
    right: int | None = None


@dataclass(frozen=True)
class Domain:
    """A category: its scored questions and the worked examples that may demonstrate it."""

    name: str
    questions: Sequence[Question]
    demonstrations: Sequence[Example]


@dataclass(frozen=True)
class Benchmark:
    """Domains by name, and where they came from. `sha256` covers the questions and demonstrations."""

    source: str
    revision: str | None
    domains: Mapping[str, Domain]
    sha256: str


def question_text(row: Row, *, list_options: bool) -> str:
    """The user turn of a row: the question, and below it the lettered options where they are shown.

    Raises:
        UserError: The options are not a list.
    """
    question = str(row["question"]).strip()
    options = row.get("options")
    if not list_options or options is None or len(options) == 0:
        return question
    if isinstance(options, str):  # whose letters would otherwise be listed
        raise UserError(f"options {options[:40]!r} are not a list", "Save the benchmark as .jsonl or .parquet")
    lines = [f"{letter}. {str(option).strip()}" for letter, option in zip(LETTERS, options, strict=False)]
    return "\n".join([question, "Options:", *lines])


def solution_text(row: Row) -> str:
    """The assistant turn of a demonstration: its chain of thought, or the bare answer where it has none."""
    for name in ("cot_content", "solution", "answer"):
        text = str(row.get(name) or "").strip()
        if text:
            return text.removeprefix("A:").strip()
    return ""


def load_benchmark(spec: BenchmarkSpec) -> Benchmark:
    """Read a benchmark and group it by category.

    Raises:
        UserError: The source cannot be read, lacks a column, or has no questions in a wanted domain.
    """
    test, validation, list_options = _tables(spec)
    questions: defaultdict[str, list[Question]] = defaultdict(list)
    demonstrations: defaultdict[str, list[Example]] = defaultdict(list)
    for number, row in enumerate(test.rows):
        question = _question(row, number, test.source, list_options=list_options)
        questions[question.domain].append(question)
    for row in validation.rows:
        domain = _domain(row, validation.source)
        demonstrations[domain].append(Example(question_text(row, list_options=list_options), solution_text(row)))
    names = list(spec.domains) or sorted(questions)
    for name in names:
        if not questions.get(name):
            raise UserError(
                f"{spec.source} has no questions in domain {name!r}",
                f"Choose among {', '.join(sorted(questions))}",
            )
        if not demonstrations.get(name):
            raise UserError(
                f"{spec.source} has no demonstrations for domain {name!r} in its validation split",
                "Add worked examples of that category to the validation file",
            )
    domains = {name: Domain(name, questions[name], demonstrations[name]) for name in names}
    content = [[[q.id, q.text] for q in d.questions] + [list(e) for e in d.demonstrations] for d in domains.values()]
    return Benchmark(spec.source, test.revision, domains, fingerprint(content))


def _tables(spec: BenchmarkSpec) -> tuple[Table, Table, bool]:
    source = NAMED.get(spec.source, spec.source)
    if not is_local(source):
        if "/" not in source:
            raise UserError(f"no benchmark is called {source!r}", f"Give {', '.join(NAMED)}, a hub id or a folder")
        read = [read_table(source, split=split, revision=spec.revision) for split in ("test", "validation")]
        return read[0], read[1], True
    folder = Path(source).expanduser()
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder", "Give a folder that holds test.* and validation.* files")
    test, validation = (read_table(str(_split_file(folder, split)), split=split) for split in ("test", "validation"))
    return test, validation, _lists_options(folder)


def _split_file(folder: Path, split: str) -> Path:
    for suffix in SUFFIXES:
        if (path := folder / f"{split}{suffix}").is_file():
            return path
    raise UserError(f"{folder} has no {split} file", f"Put a {split}.parquet (or {', '.join(SUFFIXES)}) there")


def _lists_options(folder: Path) -> bool:
    """Whether a benchmark folder's prompts show the options; its benchmark.json may say no."""
    card = folder / "benchmark.json"
    if not card.is_file():
        return True
    try:
        return bool(json.loads(card.read_text(encoding="utf-8")).get("list_options", True))
    except (ValueError, AttributeError) as error:
        raise UserError(
            f"{card} is not JSON, or not an object", 'Write {"list_options": false} or remove it'
        ) from error


def _question(row: Row, number: int, source: str, *, list_options: bool) -> Question:
    """One row of the test split. Its number is its id where it has none of its own.

    The names of a question's fields are known here, in `question_text` and in `_domain` alone.
    """
    domain = _domain(row, source)
    text = question_text(row, list_options=list_options)
    options = row.get("options")
    choices = () if options is None else tuple(str(option).strip() for option in options)
    if list_options:
        choices = tuple(LETTERS[: len(choices)])
    try:
        right = int(row.get("answer_index", -1))
    except (TypeError, ValueError):
        right = -1
    known = right if 0 <= right < len(choices) else None
    return Question(str(row.get("question_id", number)), domain, text, choices, known)


def _domain(row: Row, source: str) -> str:
    domain = row.get("category") or row.get("domain")
    if domain is None or "question" not in row:
        missing = "question" if domain is not None else "category"
        raise UserError(f"{source} has no field {missing!r}; its fields are {', '.join(row)}", "Rename the column")
    return str(domain)
