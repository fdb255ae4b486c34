"""The one function that decides whether a submission is taken: for the command line, the web form and CI.

Tiers, and what has to hold for them:

    self_reported   the file is well formed and its figures are possible
    recomputed      prediction and transfer are attached, and every figure follows from these submitted answers
    rerun           a maintainer's recomputed run agrees with it (`sts_eval.submission.rerun`); the ledger says so
    reproduced      its experiment was run again and agreed (`sts_eval.submission.reproduction`); the ledger says so
    imported        before and after were evaluated elsewhere; never ranked among measured runs
    published       figures of a paper; never ranked

`pre_registered` is a mark beside the tier: the ledger had the prediction's hash before fine-tuning started, by the
attached transfer (`sts_eval.submission.times`). `post_hoc` is its opposite: the prediction was made after fine-tuning
started.

What is done with text: names are held to patterns (`sts_eval.records.submission`) and refused otherwise; `hardware`,
`command` and summaries are any single line; strings of the attached records are any text. What is not refused is shown
inert: views escape it, and a table that is saved as CSV guards cells that start like a formula.
"""

import difflib
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from sts_eval.records.outcome import Outcome
from sts_eval.records.submission import ALLOWED, Submission
from sts_eval.submission.forensics import forensic_warnings
from sts_eval.submission.naming import is_reserved, name_problems
from sts_eval.submission.plausibility import outcome_problems
from sts_eval.submission.problem import MOST_PROBLEMS, Path, Problem, shown
from sts_eval.submission.read_json import read_json
from sts_eval.submission.recompute import evidence_problems
from sts_eval.submission.times import is_pre_registered, order_problems, time_problems

Tier = Literal["self_reported", "recomputed", "rerun", "reproduced", "imported", "published"]
Mark = Literal["pre_registered", "post_hoc"]

# Parts of attached records that may name places on somebody's disk.
_SOURCES = {"experiment", "model", "sae", "training_set", "benchmark", "tuning"}


@dataclass(frozen=True)
class StoreContents:
    """What a store already holds, and who hands something in.

    `holder` gives the submission that has the run of a (prediction's, transfer's) hash with its evidence, `registered`
    and `registered_by` when a prediction's hash was registered and by which owner, `names` the names that others have.
    """

    holder: Callable[[str, str], str | None] = field(default=lambda *_: None)
    registered: Callable[[str], str | None] = field(default=lambda _: None)
    registered_by: Callable[[str], str | None] = field(default=lambda _: None)
    names: Callable[[Submission], Iterable[Problem]] = field(default=lambda _: ())
    owner: str | None = None  # who hands it in, as far as it was shown
    maintainer: bool = False  # whether that is somebody who runs the store
    now: datetime | None = None  # the clock's if None


@dataclass(frozen=True)
class Verdict:
    """How a file was judged."""

    problems: tuple[Problem, ...]  # all mistakes; none if the submission is accepted
    submission: Submission | None = None  # None if it has mistakes
    sha256: str | None = None  # its name: the hash of its content
    tier: Tier | None = None  # how far its figures are shown to be true
    marks: tuple[Mark, ...] = ()  # whether its prediction came before or after fine-tuning, where that is known
    notes: tuple[str, ...] = ()  # what the submitter should know although nothing is wrong
    warnings: tuple[str, ...] = ()  # what is hardly possible in measured figures (`sts_eval.submission.forensics`)
    added: bool = False  # whether it went into a store that did not have it before

    @property
    def accepted(self) -> bool:
        """Whether nothing is wrong."""
        return self.submission is not None


def validate(raw: bytes, *, known: StoreContents | None = None) -> Verdict:
    """Judge a file that claims to be a submission, also for a store. Never raises, whatever the bytes are."""
    now = (known and known.now) or datetime.now(UTC)
    value, problems, readable = read_json(raw)
    if not readable:
        return _refused(problems)
    if not isinstance(value, dict):
        return _refused((*problems, Problem("$", "is not an object; `sts-eval store submit RUN` makes one from a run")))
    try:
        submission = Submission.from_json(raw, strict=True)
    except ValidationError as error:
        first = itertools.islice(error.errors(include_url=False), MOST_PROBLEMS)
        form = [Problem.at(_place(one, value), _sentence(one)) for one in first]
        unlisted = error.error_count() - len(form)
        return _refused((*problems, *form, *_outcome_alone(value, now)), unlisted)
    found = [
        *problems,
        *time_problems(submission.created, ("created",), now),
        *order_problems(submission, now),
        *_unseen(submission),
        *outcome_problems(submission.outcome, submission.origin, now),
        *evidence_problems(submission),
        *(store_problems(submission, known) if known else ()),
    ]
    if found:
        return _refused(tuple(found))
    tier: Tier = "recomputed" if has_evidence(submission) else "self_reported"
    if submission.origin != "measured":
        tier = submission.origin
    return Verdict(
        problems=(),
        submission=submission,
        sha256=submission.sha256(),
        tier=tier,
        marks=tuple(_marks(submission, known or StoreContents(), now)),
        notes=tuple(_notes(submission)),
        warnings=forensic_warnings(submission.outcome, submission.origin),
    )


def schema() -> dict[str, Any]:
    """The JSON schema of a submission. What it cannot say is in the docstrings of this room."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Submission.model_json_schema()}


def has_evidence(submission: Submission) -> bool:
    """Whether both records are attached."""
    return submission.prediction is not None and submission.transfer is not None


def store_problems(submission: Submission, known: StoreContents) -> Iterator[Problem]:
    """What others in the store already have, or what only its maintainers may say."""
    if submission.owner is not None and submission.owner != known.owner:
        message = f"it belongs to the owner {submission.owner[:12]}; hand it in with that secret, or from that account"
        yield Problem.at(("owner",), message)
    yield from reserved_problems(submission.submitter, known)
    run = (submission.outcome.prediction_sha256, submission.outcome.transfer_sha256)
    other = known.holder(*run) if all(run) else None
    if other not in (None, submission.sha256()):
        message = f"the store has this run as {str(other)[:12]}; to correct it, have that submission withdrawn first"
        yield Problem.at(("outcome", "transfer_sha256"), message)
    registered_by = known.registered_by(run[0])
    if registered_by not in (None, known.owner):
        message = "this prediction was registered by another owner; hand it in with the secret of who registered it"
        yield Problem.at(("outcome", "prediction_sha256"), message)
    yield from known.names(submission)


def _unseen(submission: Submission) -> Iterator[Problem]:
    """Names that people cannot see or tell apart."""
    sae = submission.sae
    labels: dict[Path, str | None] = {
        ("submitter",): submission.submitter,
        ("model", "family"): submission.model.family,
        ("sae", "architecture"): sae.architecture if sae else None,
    }
    for path, label in labels.items():
        if label is not None:
            yield from name_problems(label, path)


def reserved_problems(submitter: str, known: StoreContents) -> Iterator[Problem]:
    """Whether a submitter's name is one that only who runs the store may use."""
    if is_reserved(submitter) and not known.maintainer:
        message = f"{shown(submitter)} speaks for who runs the store; give your own name"
        yield Problem.at(("submitter",), message)


def _refused(problems: tuple[Problem, ...], unlisted: int = 0) -> Verdict:
    each = tuple(dict.fromkeys(problems))
    unlisted += max(0, len(each) - MOST_PROBLEMS)
    if unlisted:
        rest = Problem("$", f"{unlisted:,} further problems are not listed; correct these first")
        each = (*each[:MOST_PROBLEMS], rest)
    return Verdict(each)


def _place(error: ErrorDetails, value: Any) -> Path:
    """The place in the file; pydantic also names the branch of a union, which is not in the file."""
    place: list[str | int] = []
    for part in error["loc"]:
        try:
            value = value[part]
        except (LookupError, TypeError):
            continue
        place.append(part)
    if error["type"] == "missing":
        place.append(error["loc"][-1])
    return tuple(place)


def _sentence(error: ErrorDetails) -> str:
    kind, context, given = error["type"], error.get("ctx", {}), shown(error["input"])
    last = error["loc"][-1] if error["loc"] else ""
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(last), _field_names(), n=1)
        return f"there is no such field; {f'did you mean {near[0]}' if near else 'remove it'}"
    if kind == "missing":
        return "it is missing; add it"
    if kind == "literal_error" and last == "schema_version":
        return f"version {given} is not known here, only {context['expected']}; make the record with this version"
    if kind == "string_pattern_mismatch" and context["pattern"] in ALLOWED:
        return f"{given} is not allowed here; use {ALLOWED[context['pattern']]}"
    says = error["msg"].removeprefix("Value error, ")
    return f"{given} does not fit: {says[:1].lower()}{says[1:]}; correct it"


def _outcome_alone(value: dict[str, Any], now: datetime) -> list[Problem]:
    """Problems of the figures although something else is malformed, so that all are told at once."""
    try:
        outcome = Outcome.from_json(json.dumps(value.get("outcome")), strict=True)
    except ValidationError:
        return []
    origin = value.get("origin")
    return list(outcome_problems(outcome, origin if origin in ("imported", "published") else None, now))


def _marks(submission: Submission, known: StoreContents, now: datetime) -> Iterator[Mark]:
    transfer = submission.transfer
    registered = known.registered(submission.outcome.prediction_sha256)
    started = transfer.tuning.started if transfer is not None and transfer.tuning is not None else None
    measured = transfer.created if transfer is not None else None
    if is_pre_registered(registered, started, measured, now.isoformat()):
        yield "pre_registered"
    if submission.outcome.post_hoc:
        yield "post_hoc"


def _notes(submission: Submission) -> Iterator[str]:
    if submission.origin == "measured" and not has_evidence(submission):
        yield "without prediction and transfer attached its tier is self-reported"
    records = [one.model_dump(include=_SOURCES) for one in (submission.prediction, submission.transfer) if one]
    texts = sorted(set(_strings(records)))
    places = [text for text in texts if text.startswith(("/", "~/")) or text[1:3] == ":\\"]
    if places:
        number, first = len(places), shown(places[0])
        yield f"the attached records name {number} folders or files of your machine, such as {first}"


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [text for one in inner for text in _strings(one)]


@cache
def _field_names() -> list[str]:
    parts = Submission.model_json_schema()["$defs"].values()
    return sorted({*Submission.model_fields, *(name for part in parts for name in part.get("properties", ()))})
