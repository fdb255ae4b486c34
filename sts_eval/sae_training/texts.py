"""The texts on which an SAE is trained: general text, and if asked for, training sets and benchmarks."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sts_eval.data.benchmark import load_benchmark
from sts_eval.data.tables import is_local, read_table
from sts_eval.data.text import BadRow, UnreadableRowError, check_left_out, text_of
from sts_eval.data.training_set import load_training_set
from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec, TextSpec, TrainingSetSpec
from sts_eval.records.prediction import DataIdentity
from sts_eval.records.record import fingerprint

TEXT_COLUMNS = ("text", "content", "document", "passage")
PLAIN = (".txt", ".md")


@dataclass(frozen=True)
class Texts:
    """Texts of one source, and its identity."""

    texts: Sequence[str]
    identity: DataIdentity
    warnings: tuple[str, ...] = ()


def load_texts(spec: TextSpec) -> list[Texts]:
    """Read all sources of a description.

    Raises:
        UserError: None is named, one cannot be read, or its column of text is not known.
    """
    found = [
        *(_general(source, spec) for source in spec.text),
        *(_training_set(source) for source in spec.training_sets),
        *(_benchmark(source) for source in spec.benchmarks),
    ]
    if not found:
        raise UserError(
            "no text is named to train the SAE on",
            "Give general text with --text (a hub id, file or folder), or the data itself with --sft and --domains",
        )
    return found


def _general(source: str, spec: TextSpec) -> Texts:
    path = Path(source).expanduser()
    plain = sorted(file for file in path.rglob("*") if file.suffix.lower() in PLAIN) if path.is_dir() else [path]
    if is_local(source) and plain and all(file.suffix.lower() in PLAIN for file in plain):
        return _texts(source, None, list(_read_plain(plain)), "plain text")
    table = read_table(source, split=spec.split)
    columns = list(table.rows[0])
    column = spec.column or next((name for name in TEXT_COLUMNS if name in columns), None)
    if column not in columns:
        raise UserError(
            f"{source} has no column {column or 'of text'!r}; its columns are {', '.join(columns)}",
            "Name it with --text-column; give a training set with --sft and a benchmark with --domains",
        )
    texts, bad = [], []
    for number, row in enumerate(table.rows, start=1):
        try:
            texts.append(text_of(row.get(column), column))
        except UnreadableRowError as error:
            bad.append(BadRow(number, str(error)))
    notes = (*table.notes, *check_left_out(bad, len(table.rows), source))
    return _texts(source, table.revision, texts, f"column {column!r}", notes)


def _read_plain(files: Sequence[Path]) -> Iterator[str]:
    """The paragraphs of text files: what a blank line separates."""
    for file in files:
        try:
            content = file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{file} cannot be read as UTF-8 text ({error})", "Give UTF-8 text files") from error
        yield from (part.strip() for part in re.split(r"\n\s*\n", content) if part.strip())


def _training_set(source: str) -> Texts:
    loaded = load_training_set(TrainingSetSpec(source=source))
    texts = [f"{question}{loaded.suffix}\n\n{solution}" for question, solution in loaded.examples]
    return Texts(texts, loaded.identity(), loaded.warnings)


def _benchmark(source: str) -> Texts:
    loaded = load_benchmark(BenchmarkSpec(source=source))
    texts = [question.text for domain in loaded.domains.values() for question in domain.questions]
    return Texts(texts, loaded.identity(), loaded.warnings)


def _texts(source: str, revision: str | None, texts: Sequence[str], form: str, warnings: tuple[str, ...] = ()) -> Texts:
    if not texts:
        raise UserError(f"{source} holds no text", "Give a source with at least one text")
    identity = DataIdentity(source=source, revision=revision, rows=len(texts), sha256=fingerprint(texts), form=form)
    return Texts(texts, identity, warnings)
