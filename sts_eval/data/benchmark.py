"""The downstream domains: multiple-choice questions by category.

MMLU-Pro's schema (TIGER-Lab/MMLU-Pro) is `question_id, question, options, answer, answer_index, cot_content,
category`; `question` describes the other shapes that are read. The test split is what gets scored; the validation
split, with its chains of thought, gives the demonstrations. A folder stands in for the hub. It holds

    test.jsonl and validation.jsonl (or .json, .parquet, .csv, .tsv, compressed or not; dev and val for validation),
    folders test and validation (dev, val) with a file for each subject, such as test/anatomy_test.csv, or
    files that end so, such as anatomy_test.csv and anatomy_dev.csv, or test-00000-of-00001.parquet.

Where the rows name no category, it is the name of the subject's file, or else all are one domain with the name of the
folder. CSV files of subjects may lack the header line, as those of hendrycks/test do. A `benchmark.json` in the folder
may say `{"list_options": false}` for a benchmark whose prompts show the question alone.

Any other name is a task or group of lm-eval, which `task_benchmark` reads.
"""

import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from sts_eval.data.answer_reading import AS_MMLU, AnswerReading, decide
from sts_eval.data.benchmark_folder import FILE_NAMES, files_of_split, lists_options, read_subject
from sts_eval.data.domain import Benchmark, Domain, Question, assemble
from sts_eval.data.files import ending
from sts_eval.data.options import LETTERS, QUESTION_FIELDS
from sts_eval.data.question import CATEGORY_FIELDS, QuestionRow, category_of, folded, read_question
from sts_eval.data.right_option import told_by
from sts_eval.data.tables import Table, is_local, read_table
from sts_eval.data.task_benchmark import load_task_benchmark
from sts_eval.data.text import LISTED, BadRow, UnreadableRowError, check_left_out, checked, is_missing
from sts_eval.data.training_set import Example
from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec

__all__ = ["NAMED", "Benchmark", "Domain", "Question", "load_benchmark"]

NAMED = {"mmlu_pro": "TIGER-Lab/MMLU-Pro"}

SETTLED = 2.0
"""Seconds after a file's last change from which its times tell of the next: file systems count in steps up to this."""


@dataclass
class _Split:
    """A split as it is read.

    Attributes:
        tables: Its tables, each with the subject that its file's name gives, if any.
        list_options: Whether prompts show the options.
        whole: The name of the only domain, where no row and no file names a category.
        reading: How the benchmark writes its answers.
        names: The first spelling of a category, by the category without case and blanks; shared by the splits.
        notes: What to say about how the split was read.
        n: Rows so far.
        bad: Rows that cannot be read.
        counts: Row numbers by what was noticed there.
    """

    tables: Sequence[tuple[Table, str | None]]
    list_options: bool
    whole: str | None = None
    reading: AnswerReading = AS_MMLU
    names: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    n: int = 0
    bad: list[BadRow] = field(default_factory=list)
    counts: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))

    def rows(self) -> Iterator[tuple[int, str, Mapping[str, Any], QuestionRow]]:
        """Number from 0, category, row with folded names, and question of every row that can be read."""
        for table, named in self.tables:
            subject = named or self.whole
            for raw in table.rows:
                row = folded(raw)
                _check_fields(row, table.source, subject)
                number, self.n = self.n, self.n + 1
                try:
                    category = category_of(row) or subject
                    if category is None:
                        raise UnreadableRowError("has no text in its category")
                    category = self._one_spelling(number, category)
                    found = read_question(row, list_options=self.list_options, reading=self.reading)
                    checked(str(row.get("question_id")), "question_id")
                except UnreadableRowError as error:
                    self.refuse(number, str(error))
                    continue
                self._notice(number, found)
                yield number, category, row, found

    def _one_spelling(self, number: int, category: str) -> str:
        """The first spelling that was met of a category."""
        first = self.names.setdefault(" ".join(category.split()).lower(), category.strip())
        if category != first:
            self.counts[f"a category that differs from {first!r} in case or blanks only, and is taken as it"].append(
                number + 1
            )
        return first

    def refuse(self, number: int, reason: str) -> None:
        """Leave a row out."""
        self.bad.append(BadRow(number + 1, reason))

    def _notice(self, number: int, found: QuestionRow) -> None:
        for name, noticed in (
            ("options that are empty or N/A, which are left out", found.dropped > 0),
            ("an index and a letter of the answer that disagree; the index is taken", found.conflict),
            ("a passage, which is shown before the question", found.passage),
            (f"a further passage in {', '.join(found.unread)}, which is not shown", bool(found.unread)),
            ("options with letters of their own, which are shown beside ours", found.lettered),
            ("options, but no right answer that is known", bool(found.options) and found.right is None),
            ("no options, so the question is shown alone", self.list_options and not found.options),
        ):
            if noticed:
                self.counts[name].append(number + 1)

    def warnings(self, source: str, split: str) -> tuple[str, ...]:
        """A line for each thing that was noticed.

        Raises:
            UserError: Too many rows cannot be read.
        """
        lines = [*(note for table, _ in self.tables for note in table.notes), *self.notes]
        kind = f"rows of the {split} split"
        lines += check_left_out(sorted(self.bad), self.n, source, kind)
        for name, numbers in self.counts.items():
            first = ", ".join(map(str, numbers[:LISTED])) + (", ..." if len(numbers) > LISTED else "")
            lines.append(f"{source}: {len(numbers)} of {self.n} {kind} have {name} (rows {first})")
        return tuple(lines)


def load_benchmark(spec: BenchmarkSpec) -> Benchmark:
    """Read a benchmark and group it by category.

    Raises:
        UserError: The source cannot be read, lacks a column, has no questions in a wanted domain, or more than one row
            in twenty cannot be used.
    """
    if is_task(spec):
        return load_task_benchmark(spec)
    whole, stamps = spec.model_copy(update={"domains": ()}), _stamps(spec)
    found = _kept(whole, stamps) if stamps else _read_whole(whole)
    return assemble(
        spec,
        found.questions,
        found.demonstrations,
        found.shown_ids,
        revision=found.revision,
        warnings=found.warnings,
        left_out=found.left_out,
    )


class _Whole(NamedTuple):
    """All that `assemble` needs, for whichever domains."""

    questions: Mapping[str, Sequence[Question]]
    demonstrations: Mapping[str, Sequence[Example]]
    shown_ids: Mapping[str, Sequence[str]]
    revision: str | None
    warnings: tuple[str, ...]
    left_out: int


@lru_cache(maxsize=4)
def _kept(spec: BenchmarkSpec, _of_its_files: tuple[tuple[Any, ...], ...]) -> _Whole:
    """A folder that has not changed is read once in a process: every stage of a run asks for it."""
    return _read_whole(spec)


def _stamps(spec: BenchmarkSpec) -> tuple[tuple[Any, ...], ...]:
    """What tells whether a folder has changed: of each file its place, size and times.

    Empty for the hub, and where a file is so new that a further change might leave the same time.
    """
    folder = Path(NAMED.get(spec.source, spec.source)).expanduser().resolve()
    paths = sorted(folder.rglob("*")) if folder.is_dir() else []
    files = [(path, path.stat()) for path in paths if ending(path) and path.is_file()]
    newest = max((max(stat.st_mtime, stat.st_ctime) for _, stat in files), default=0.0)
    if time.time() - newest < SETTLED:
        return ()
    return tuple((str(path), stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino) for path, stat in files)


def _read_whole(spec: BenchmarkSpec) -> _Whole:
    """Read both splits of a folder or of the hub; which domains are wanted does not matter."""
    test, validation = _splits(spec)
    questions = _questions(test)
    demonstrations: defaultdict[str, list[Example]] = defaultdict(list)
    shown_ids: defaultdict[str, list[str]] = defaultdict(list)
    for number, name, row, found in validation.rows():
        if found.solution:
            demonstrations[name].append(Example(found.text, found.solution))
            shown_ids[name].append(_identity(row, number))
        else:
            validation.refuse(number, "has neither a chain of thought nor an answer")
    warnings = (
        *test.reading.notes,
        *test.warnings(spec.source, "test"),
        *validation.warnings(spec.source, "validation"),
    )
    return _Whole(questions, demonstrations, shown_ids, test.tables[0][0].revision, warnings, len(test.bad))


def is_task(spec: BenchmarkSpec) -> bool:
    """Whether a benchmark is a task or group of lm-eval: neither a name of ours, nor a path, nor a hub id."""
    return spec.source not in NAMED and not is_local(spec.source) and "/" not in spec.source


def load_option_questions(spec: BenchmarkSpec) -> tuple[dict[str, list[Question]], dict[str, list[Question]]]:
    """Read a benchmark's questions without the list of their options; a question's choices are the options' texts.

    Those without a known right answer are left out. Ids of the test split are those of `load_benchmark`.

    Returns:
        Questions by category of the test split, and of the validation split.

    Raises:
        UserError: The source cannot be read, or more than one row in twenty cannot be used.
    """
    if is_task(spec):
        raise UserError(
            f"the benchmark {spec.source!r} is a task of lm-eval, which has its own way to score options",
            f"Set measure.task to {spec.source}, or give a folder or a hub id with --domains",
        )
    test, validation = _splits(spec, list_options=False)
    scored = {name: [one for one in asked if one.right is not None] for name, asked in _questions(test).items()}
    worked: defaultdict[str, list[Question]] = defaultdict(list)
    for number, name, row, found in validation.rows():
        if found.right is not None:
            worked[name].append(Question(_identity(row, number), name, found.text, found.options, found.right))
    for split, kind in ((test, "test"), (validation, "validation")):
        split.warnings(spec.source, kind)
    return {name: asked for name, asked in scored.items() if asked}, dict(worked)


def _questions(split: _Split) -> dict[str, list[Question]]:
    """The questions of a split by category."""
    questions: defaultdict[str, list[Question]] = defaultdict(list)
    met: set[tuple[str, str]] = set()
    for number, name, row, found in split.rows():
        identity = _identity(row, number)
        if (name, identity) in met:
            split.refuse(number, f"has the question_id {identity!r} of an earlier row of {name!r}")
            continue
        met.add((name, identity))
        choices = tuple(LETTERS[: len(found.options)]) if split.list_options else found.options
        questions[name].append(Question(identity, name, found.text, choices, found.right))
    return questions


def _identity(row: Mapping[str, Any], number: int) -> str:
    """A row's own id, or its number from 0 where it has none."""
    return str(number if is_missing(row.get("question_id")) else row["question_id"])


def _splits(spec: BenchmarkSpec, *, list_options: bool | None = None) -> tuple[_Split, _Split]:
    """The test split and the validation split; prompts list the options unless the benchmark or the caller says no."""
    source = NAMED.get(spec.source, spec.source)
    if not is_local(source):
        test, validation = (
            _Split([(read_table(source, split=split, revision=spec.revision), None)], list_options is not False)
            for split in FILE_NAMES
        )
    else:
        folder = Path(source).expanduser()
        if not folder.is_dir():
            raise UserError(f"{folder} is not a folder", "Give a folder that holds test.* and validation.* files")
        if list_options is None:
            list_options = lists_options(folder)
        test, validation = (_local(folder, split, list_options=list_options) for split in FILE_NAMES)
    tables = [*test.tables, *validation.tables]
    rows = [folded(raw) for table, _ in tables for raw in table.rows]
    reading = decide((told for row in rows if (told := told_by(row)) is not None), spec.source)
    test.reading = validation.reading = reading
    validation.names = test.names
    if not any(subject for _, subject in tables) and not any(name in row for row in rows for name in CATEGORY_FIELDS):
        test.whole = validation.whole = Path(source).expanduser().resolve().name if is_local(source) else source
        test.notes.append(f"{spec.source}: no row names a category, so all are in one domain, {test.whole!r}")
    return test, validation


def _local(folder: Path, split: str, *, list_options: bool) -> _Split:
    """A split of a folder, and which of its files are left."""
    files, left = files_of_split(folder, split)
    notes = []
    if left:
        names = ", ".join(str(path.relative_to(folder)) for path in left[:LISTED]) + (", ..." if left[LISTED:] else "")
        read = files[0][0].relative_to(folder)
        notes = [f"{folder}: {names} of the {split} split not read, beside {read if len(files) == 1 else read.parent}"]
    tables = [(read_subject(path, subject), subject) for path, subject in files]
    return _Split(tables, list_options, notes=notes)


def _check_fields(row: Mapping[str, Any], source: str, subject: str | None) -> None:
    """Refuse a row without a field that every row needs, or of a shape that is known not to fit.

    Raises:
        UserError: The field is named, and what to do.
    """
    apart = [name for name in row if re.match(r"(in)?correct[ _]answer|distractor", name)]
    if len(apart) > 1:
        raise UserError(
            f"{source} keeps the right answer apart from the wrong ones ({', '.join(apart)}), as GPQA and SciQ do, so "
            "the order of the options is not given",
            "Write them as one list `options` in a shuffled order, with `answer_index` counted from 0",
        )
    has_category = subject is not None or any(name in row for name in CATEGORY_FIELDS)
    has_question = any(name in row for name in QUESTION_FIELDS)
    if not has_category or not has_question:
        missing = "category" if has_question else "question"
        raise UserError(f"{source} has no field {missing!r}; its fields are {', '.join(row)}", "Rename the column")
