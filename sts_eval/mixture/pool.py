"""The rows that may be added to a training set: which can be used, and for which domain."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sts_eval.data.benchmark import Benchmark
from sts_eval.data.question import CATEGORY_FIELDS
from sts_eval.data.tables import Row, read_table
from sts_eval.data.text import is_missing
from sts_eval.data.training_fields import all_named
from sts_eval.data.training_set import Example, TrainingSet, load_training_set
from sts_eval.errors import UserError
from sts_eval.experiment import TrainingSetSpec
from sts_eval.mixture.assignment import assign, share_assigned_right
from sts_eval.records.mixture import LISTED, PoolUse
from sts_eval.records.prediction import DataIdentity
from sts_eval.tuning.contamination import find_contamination, words

NO_COLUMN = "none"
"""What --domain-column takes where similarity is to decide."""


@dataclass(frozen=True)
class PoolRow:
    """A row that can be added."""

    number: int  # in the pool, from 1
    example: Example
    domain: str
    assigned: bool  # by similarity


@dataclass(frozen=True)
class Pool:
    """The usable rows and what became of the others."""

    identity: DataIdentity
    rows: Sequence[PoolRow]
    use: PoolUse
    notes: tuple[str, ...]


def read_pool(
    spec: TrainingSetSpec, benchmark: Benchmark, training_set: TrainingSet, *, column: str | None = None
) -> Pool:
    """Read a pool. A row without a domain gets the one that its question is most similar to.

    Left out are rows that hold a benchmark question, that repeat a question of the training set or of an earlier row,
    and those of domains that the benchmark does not have. `column` names the domain; by default it is found by name.

    Raises:
        UserError: The pool cannot be read, has no such column, or no row can be used.
    """
    read = load_training_set(spec)
    table = read_table(spec.source, split=spec.split, revision=spec.revision)
    found = _column(column, list(dict.fromkeys(name for row in table.rows for name in row)), spec.source)
    known = {_folded(name): name for name in benchmark.domains}
    named = [_cell(table.rows[number - 1], found) for number in read.numbers]
    if found and not any(_folded(name) in known for name in named if name):
        raise UserError(
            f"column {found!r} of {spec.source} names no domain of the benchmark; it holds {_some(named)}",
            f"Write one of {', '.join(benchmark.domains)} there, or pass --domain-column {NO_COLUMN} to assign the "
            "rows by similarity",
        )
    sifted = _sift(read, named, known, benchmark, training_set)
    texts = {
        name: [question.without_options for question in domain.questions] for name, domain in benchmark.domains.items()
    }
    open_rows, reasons = sifted.open_rows, sifted.reasons
    chosen = assign([example.question for _, example in open_rows], texts) if open_rows else []
    assigned = [
        PoolRow(number, example, domain, assigned=True)
        for (number, example), domain in zip(open_rows, chosen, strict=True)
        if domain is not None
    ]
    rows = sorted([*sifted.rows, *assigned], key=lambda row: row.number)
    use = PoolUse(
        rows=len(read.examples),
        usable=len(rows),
        domain_column=found,
        assigned=len(assigned),
        assignment_accuracy=share_assigned_right(texts) if open_rows else None,
        benchmark_questions=reasons["benchmark"],
        in_training_set=reasons["trained"],
        repeated=reasons["repeated"],
        without_domain=len(open_rows) - len(assigned),
        unknown_domains=dict(sifted.unknown.most_common()),
    )
    if not rows:
        raise UserError(
            f"no row of {spec.source} can be used: of {use.rows} rows {use.left_out}",
            "Give rows that are not in the benchmark or the training set; to add part of a benchmark, take its rows "
            "out of the benchmark first",
        )
    return Pool(read.identity(), rows, use, read.warnings)


class _Sifted(NamedTuple):
    """Rows that can be added, and why others cannot."""

    rows: Sequence[PoolRow]  # that name their domain
    open_rows: Sequence[tuple[int, Example]]  # that name none, by number in the pool
    reasons: Counter[str]  # benchmark, trained, repeated
    unknown: Counter[str]  # domains that the benchmark does not have


def _sift(
    read: TrainingSet,
    named: Sequence[str | None],
    known: Mapping[str, str],
    benchmark: Benchmark,
    training_set: TrainingSet,
) -> _Sifted:
    """Sort the rows of a pool by what can become of them. `known` has the benchmark's domains by folded name."""
    contaminated = set(find_contamination(read.examples, benchmark).rows)
    trained = {words(example.question) for example in training_set.examples}
    seen: set[tuple[str, ...]] = set()
    reasons: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    rows: list[PoolRow] = []
    open_rows: list[tuple[int, Example]] = []
    for place, (number, example, name) in enumerate(zip(read.numbers, read.examples, named, strict=True)):
        asked = words(example.question)
        if place in contaminated:
            reasons["benchmark"] += 1
        elif asked in trained:
            reasons["trained"] += 1
        elif asked in seen:
            reasons["repeated"] += 1
        elif name is None:
            open_rows.append((number, example))
        elif _folded(name) in known:
            rows.append(PoolRow(number, example, known[_folded(name)], assigned=False))
        else:
            unknown[name] += 1
        seen.add(asked)
    return _Sifted(rows, open_rows, reasons, unknown)


def _column(asked: str | None, columns: Sequence[str], source: str) -> str | None:
    """The column that names the domain; None where similarity decides."""
    if asked == NO_COLUMN:
        return None
    if asked is not None and asked not in columns:
        raise UserError(
            f"{source} has no column {asked!r}; its columns are {', '.join(columns)}",
            f"Name one of them with --domain-column, or {NO_COLUMN} to assign the rows by similarity",
        )
    return asked or next(iter(all_named(CATEGORY_FIELDS, columns)), None)


def _cell(row: Row, column: str | None) -> str | None:
    return None if column is None or is_missing(row.get(column)) else str(row[column]).strip()


def _folded(name: str) -> str:
    return " ".join(name.split()).lower()


def _some(names: Sequence[str | None]) -> str:
    different = list(dict.fromkeys(name for name in names if name))
    return ", ".join(different[:LISTED]) + (", ..." if len(different) > LISTED else "")
