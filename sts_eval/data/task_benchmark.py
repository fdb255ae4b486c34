"""A benchmark from lm-eval's own tasks: each task of a group is a domain.

A document is asked in one of two forms, which is chosen once for a task:

    listed  The fields of the document are a question with options, as `question` reads them. The prompt is that of
            any other benchmark. This form is taken only where the task's own text holds the same question, and no
            other text of the document.
    own     Otherwise: the task's `doc_to_text`. A leading "Question:" and a closing "Answer:" are cut off, because
            the prompt has them already.

The right answer is the task's `doc_to_target`, as a position among `doc_to_choice` where the task has choices. The
worked examples are the task's few-shot documents, with the chain of thought of the document or else the right answer.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from sts_eval.data.domain import Benchmark, Question, assemble
from sts_eval.data.example import Example
from sts_eval.data.lm_eval_tasks import find_tasks
from sts_eval.data.options import LETTERS, QUESTION_FIELDS
from sts_eval.data.question import OPTIONS, QuestionRow, folded, read_question
from sts_eval.data.sampling import shuffled
from sts_eval.data.tables import commit_of
from sts_eval.data.text import LEFT_OUT_SHARE, BadRow, UnreadableRowError, check_left_out, is_missing, text_of
from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec

ANSWERED = ("multiple_choice", "loglikelihood", "generate_until")
"""What lm-eval asks a model for where a document has a question and a right answer."""

MOST_SHOWN = 500
"""Few-shot documents that are read at most; a task's training split may have a hundred thousand."""

HELD_OUT = 16
"""Documents that are held out at most as worked examples, and a fifth of all, where a task has no others."""

OTHERWISE = "; a hub id, ORG/NAME, and a folder with test.* and validation.* files are benchmarks too"

SHORT = 10
"""Characters of a field, such as a letter or a subject, whose absence from a prompt does not count."""

_CUE = re.compile(r"^\s*(?:Question|Q)\s*:\s*|\s*(?:Answer|A)\s*:\s*$")
_FIRST_OPTION = re.compile(r"\n\s*\(?A[).:]\s")

Document = Mapping[str, Any]


class _Asked(NamedTuple):
    """A document as it is asked."""

    text: str
    choices: tuple[str, ...]
    right: int | None
    solution: str  # empty where the document has none
    asked: str  # without options, where `text` does not list them as ours does


@dataclass(frozen=True)
class _Domain:
    """One task as it was read."""

    questions: list[Question]
    demonstrations: list[Example]
    warnings: tuple[str, ...]
    left_out: int


def load_task_benchmark(spec: BenchmarkSpec) -> Benchmark:
    """Read a task, group or tag of lm-eval.

    Raises:
        UserError: There is no such task, a task has no question and right answer for each document, or more than one
            document in twenty cannot be used.
    """
    with _same_random_numbers():
        tasks, _ = find_tasks(spec.source, spec.include_path, otherwise=OTHERWISE)
        unknown = sorted(set(spec.domains) - set(tasks))
        if unknown:
            raise UserError(
                f"{spec.source} has no questions in domain {unknown[0]!r}", f"Choose among {', '.join(sorted(tasks))}"
            )
        wanted = spec.domains or sorted(tasks)
        commit = commit_of(part for name in wanted for part in _datasets(tasks[name]))
        if spec.revision not in (None, commit):
            raise UserError(
                f"the lm-eval task {spec.source} reads its data at {commit or 'no known commit'}, not {spec.revision}",
                "Leave --domains-revision out, or write the revision into the task file (dataset_kwargs)",
            )
        read = {name: _read(tasks[name], name) for name in wanted}
    return assemble(
        spec,
        {name: one.questions for name, one in read.items()},
        {name: one.demonstrations for name, one in read.items()},
        {},
        revision=commit,
        warnings=tuple(line for one in read.values() for line in one.warnings),
        left_out=sum(one.left_out for one in read.values()),
        version=", ".join(sorted({str(tasks[name].VERSION) for name in wanted})),
    )


@contextmanager
def _same_random_numbers() -> Iterator[None]:
    """Some tasks shuffle their options while they are read (GPQA); this makes every reading the same."""
    state = random.getstate()
    random.seed(0)
    try:
        yield
    finally:
        random.setstate(state)


def _datasets(task: Any) -> list[Any]:
    """The splits of a task's dataset that say where they came from."""
    held = getattr(task, "dataset", None) or {}
    return [split for split in held.values() if hasattr(split, "info")]


def _read(task: Any, name: str) -> _Domain:
    """Read one task.

    Raises:
        UserError: It has no question and right answer for each document.
    """
    _check_kind(task, name)
    documents = list(task.eval_docs)
    shown, warnings, held_out = _few_shot_documents(task, name, documents)
    form = _Listed(task) if _Listed(task).fits(documents) else _Own(task)
    bad: list[BadRow] = []
    questions: dict[str, Question] = {}
    demonstrations = []
    for number, document in enumerate(documents):
        if number in held_out:
            continue
        try:
            found = form(document)
        except UnreadableRowError as error:
            bad.append(BadRow(number + 1, str(error)))
            continue
        identity = str(document.get("question_id", number))  # as measuring names it
        if identity in questions:
            bad.append(BadRow(number + 1, f"has the question_id {identity!r} of an earlier document"))
            continue
        questions[identity] = Question(identity, name, found.text, found.choices, found.right, found.asked)
    left_out = len(bad)
    warnings += check_left_out(bad, len(documents), name, "documents")
    bad = []
    for number, document in enumerate(shown):
        try:
            found = form(document, few_shot=True)
            if not found.solution:
                raise UnreadableRowError("has no right answer to show")
            demonstrations.append(Example(found.text, found.solution))
        except UnreadableRowError as error:
            bad.append(BadRow(number + 1, str(error)))
    warnings += check_left_out(bad, len(shown), name, "few-shot documents")
    return _Domain(list(questions.values()), demonstrations, warnings, left_out)


def _check_kind(task: Any, name: str) -> None:
    """Refuse a task that does not ask questions in words.

    Raises:
        UserError: It is named, and what it lacks.
    """
    kind = task.OUTPUT_TYPE
    lacking = None
    if kind not in ANSWERED:
        lacking = f"it asks a model for {kind}, so its documents have no question and no right answer"
    elif getattr(task, "MULTIMODAL", False):
        lacking = "its questions need images or sound, which a language model does not read"
    elif getattr(task, "multiple_input", 0):
        lacking = "its options stand inside the question (doc_to_text is a number), so no question comes before them"
    if lacking:
        raise UserError(
            f"the lm-eval task {name} cannot be predicted: {lacking}",
            "Leave it out: name the other tasks with --only, or give another group",
        )


def _few_shot_documents(
    task: Any, name: str, documents: Sequence[Document]
) -> tuple[list[Document], tuple[str, ...], frozenset[int]]:
    """A task's worked examples, what to say about them, and positions of documents that are therefore not scored."""
    config, settings = task.config, getattr(task, "fewshot_cfg", None)
    scored = config.test_split or config.validation_split
    split = getattr(settings, "split", None)
    if split is None and not getattr(settings, "samples", None):
        split = config.training_split or config.validation_split or config.test_split
    if split is not None and split == scored:
        count = max(1, min(HELD_OUT, len(documents) // 5))
        chosen = shuffled(len(documents), 0, "held out", name)[:count]
        line = (
            f"{name}: its few-shot documents are those that it scores, so {count} of {len(documents)}, drawn at "
            "random, are shown as worked examples and not scored"
        )
        return [documents[one] for one in chosen], (line,), frozenset(chosen)
    shown = list(task.fewshot_docs() or ())
    if not shown:
        raise UserError(
            f"the lm-eval task {name} has no few-shot documents, so no worked examples of it can be shown",
            "Add a fewshot_split, or fewshot_config with samples, to its task file",
        )
    if len(shown) <= MOST_SHOWN:
        return shown, (), frozenset()
    drawn = sorted(shuffled(len(shown), 0, "few-shot", name)[:MOST_SHOWN])
    line = f"{name}: {MOST_SHOWN} of {len(shown)} few-shot documents were drawn at random as worked examples"
    return [shown[one] for one in drawn], (line,), frozenset()


class _Listed:
    """Questions with the options listed, from the fields of the documents."""

    def __init__(self, task: Any) -> None:
        self._task = task

    def __call__(self, document: Document, *, few_shot: bool = False) -> _Asked:
        row = self._row(document)
        right, choices = _answer(self._task, document, few_shot=few_shot)
        if not isinstance(right, int) or len(choices) != len(row.options):
            right = row.right
        letters = LETTERS[: len(row.options)]
        solution = row.solution
        if right is not None and (not solution or row.right not in (right, None)):
            solution = letters[right]
        return _Asked(row.text, tuple(letters), right, solution, "")

    @staticmethod
    def _row(document: Document) -> QuestionRow:
        row = read_question(folded(document), list_options=True)
        if len(row.options) < 2:  # noqa: PLR2004 -- a choice is between two
            raise UnreadableRowError("has fewer than two options")
        return row

    def fits(self, documents: Sequence[Document]) -> bool:
        """Whether nearly all documents are questions with options, and the task's own text asks the same.

        It does where it holds the question, and no text of the document that the listed form would leave out.
        """
        unreadable = 0
        for document in documents:
            try:
                row = self._row(document)
            except UnreadableRowError:
                unreadable += 1
                continue
            ours, own = _squeezed(row.text), _squeezed(str(self._task.doc_to_text(document)))
            shown = (text for text in map(_squeezed, _texts(document)) if len(text) > SHORT and text in own)
            asked = map(_squeezed, row.text.partition(OPTIONS)[0].split("\n\n"))
            if not all(text in own for text in asked) or any(text not in ours for text in shown):
                return False
        return unreadable <= LEFT_OUT_SHARE * len(documents)


class _Own:
    """Questions as the task words them."""

    def __init__(self, task: Any) -> None:
        self._task = task

    def __call__(self, document: Document, *, few_shot: bool = False) -> _Asked:
        text = _CUE.sub("", text_of(_call(self._task, "doc_to_text", document, few_shot=few_shot), "doc_to_text"))
        text = text_of(text, "doc_to_text")
        right, choices = _answer(self._task, document, few_shot=few_shot)
        solution = choices[right] if isinstance(right, int) else right
        if is_missing(solution):
            raise UnreadableRowError("has no right answer (doc_to_target)")
        if choices and isinstance(right, str) and not few_shot:
            raise UnreadableRowError(f"has the right answer {right[:40]!r}, which is none of its choices")
        position = right if isinstance(right, int) else None
        return _Asked(text, choices, position, str(solution).strip(), _without_options(document, text))


def _without_options(document: Document, text: str) -> str:
    """The question of a document, or the task's text up to its first option."""
    row = folded(document)
    asked = next((row[name] for name in QUESTION_FIELDS if isinstance(row.get(name), str) and row[name].strip()), None)
    if asked is not None and _squeezed(asked) in _squeezed(text):
        return str(asked).strip()
    return _FIRST_OPTION.split(text)[0]


def _answer(task: Any, document: Document, *, few_shot: bool) -> tuple[int | str | None, tuple[str, ...]]:
    """The right answer, as a position where the task has choices and one is right, and the choices."""
    target = _call(task, "doc_to_target", document, few_shot=few_shot)
    choices: tuple[str, ...] = ()
    if task.config.doc_to_choice is not None:
        choices = tuple(map(str, _call(task, "doc_to_choice", document, few_shot=few_shot)))
    if isinstance(target, list | tuple):
        target = target[0] if target else None  # of several right answers the first, as lm-eval's few-shot texts do
    if choices and isinstance(target, str) and target in choices:
        return choices.index(target), choices
    if choices and isinstance(target, int):
        if not 0 <= target < len(choices):
            raise UnreadableRowError(f"has the right answer {target} for {len(choices)} choices (counted from 0)")
        return int(target), choices
    return (None if target is None else str(target)), choices


def _call(task: Any, name: str, document: Document, *, few_shot: bool) -> Any:
    """One of a task's functions of a document, in the wording for few-shot documents where it has one of its own."""
    own = getattr(getattr(task, "fewshot_cfg", None), name, None) if few_shot else None
    function = getattr(task, name)
    try:
        return function(document) if own is None else function(document, own)
    except Exception as error:  # a task file's own code
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:120]
        raise UnreadableRowError(f"makes {name} of its task raise {reason}") from error


def _texts(value: Any) -> Iterator[str]:
    """All texts within a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)


def _squeezed(text: str) -> str:
    return " ".join(text.split())
