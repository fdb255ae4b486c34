"""The one function that decides whether a submission is taken: for the command line, the web form and CI.

Tiers, and what has to hold for them:

    self_reported   the file is well formed and its figures are possible
    recomputed      prediction and transfer are attached, and every figure follows from them, to rounding
    rerun           a maintainer's recomputed run agrees with it (`sts_eval.submission.rerun`); the ledger says so
    imported        before and after were evaluated elsewhere; never ranked among measured runs
    published       figures of a paper; never ranked

`pre_registered` is a mark beside the tier: the prediction's hash stood in the store before the tuning that the attached
transfer records began. `post_hoc` is its opposite: the prediction is younger than the tuning.

What is done with text: names are held to patterns (`sts_eval.records.submission`) and refused otherwise; `hardware`,
`command` and summaries are any single line; strings of the attached records are any text. What is not refused is shown
inert: views escape it, and a table that is saved as CSV guards cells that start like a formula.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from sts_eval.records.outcome import Outcome
from sts_eval.records.submission import HTTPS, LABEL, LINE, NAME, Submission
from sts_eval.submission.plausibility import outcome_problems, read_time, time_problems
from sts_eval.submission.problem import Problem, json_path, shown
from sts_eval.submission.read_json import read_json
from sts_eval.submission.recompute import evidence_problems

Tier = Literal["self_reported", "recomputed", "rerun", "imported", "published"]
Mark = Literal["pre_registered", "post_hoc"]

MOST_PROBLEMS = 100
"""A file with more is of another kind."""

_ALLOWED: Mapping[str, str] = {
    NAME: "letters, digits, _ + : - and single dots, in segments parted by slashes",
    LABEL: "letters, digits, spaces and . , ( ) & + -, a letter or digit first",
    LINE: "one line without control characters",
    HTTPS: "an https address without quotes, brackets, braces or a user's name",
}


def _nothing(_: str) -> str | None:
    return None


@dataclass(frozen=True)
class Known:
    """What a store already holds.

    Attributes:
        runs: Hash of the submission by (prediction's, transfer's) hash, of those that have their evidence attached.
        registered: Gives the time at which a prediction's hash was registered, or None.
        now: The time; the clock's if None.
    """

    runs: Mapping[tuple[str, str], str] = field(default_factory=lambda: MappingProxyType({}))
    registered: Callable[[str], str | None] = _nothing
    now: datetime | None = None


@dataclass(frozen=True)
class Verdict:
    """What is to be said of a file.

    Attributes:
        problems: All mistakes; none if the submission is accepted.
        submission: What was read; None if it has mistakes.
        sha256: Its name.
        tier: What it may be called.
        marks: What else is known of it.
        notes: What the submitter should know although nothing is wrong.
    """

    problems: tuple[Problem, ...]
    submission: Submission | None = None
    sha256: str | None = None
    tier: Tier | None = None
    marks: tuple[Mark, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether nothing is wrong."""
        return self.submission is not None


def validate(raw: bytes, *, known: Known | None = None) -> Verdict:
    """Judge a file that claims to be a submission. Never raises, whatever the bytes are.

    Args:
        raw: The file.
        known: What the store holds; nothing if None.
    """
    known = known or Known()
    now = known.now or datetime.now(UTC)
    value, problems, readable = read_json(raw)
    if not readable:
        return _refused(problems)
    if not isinstance(value, dict):
        return _refused((*problems, Problem("$", "is not an object; `sts-eval store submit RUN` makes one from a run")))
    try:
        submission = Submission.from_json(raw, strict=True)
    except ValidationError as error:
        return _refused((*problems, *_form_problems(error, value), *_outcome_alone(value, now)))
    found = [
        *problems,
        *time_problems(submission.created, ("created",), now),
        *outcome_problems(submission.outcome, submission.origin, now),
        *evidence_problems(submission),
        *_clash(submission, known),
    ]
    if found:
        return _refused(tuple(found))
    return Verdict(
        problems=(),
        submission=submission,
        sha256=submission.sha256(),
        tier=_tier(submission),
        marks=tuple(_marks(submission, known)),
        notes=tuple(_notes(submission)),
    )


def schema() -> dict[str, Any]:
    """The JSON schema of a submission. What it cannot say is in the docstrings of this room."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Submission.model_json_schema()}


def has_evidence(submission: Submission) -> bool:
    """Whether both records are attached."""
    return submission.prediction is not None and submission.transfer is not None


def _refused(problems: tuple[Problem, ...]) -> Verdict:
    each = tuple(dict.fromkeys(problems))
    if len(each) > MOST_PROBLEMS:
        rest = Problem("$", f"{len(each) - MOST_PROBLEMS} further problems are not listed; mend these first")
        each = (*each[:MOST_PROBLEMS], rest)
    return Verdict(each)


def _form_problems(error: ValidationError, value: dict[str, Any]) -> list[Problem]:
    return [Problem(json_path(_place(one, value)), _sentence(one)) for one in error.errors(include_url=False)]


def _place(error: ErrorDetails, value: Any) -> list[str | int]:
    """The place in the file; pydantic also names the branch of a union, which is not in the file."""
    place: list[str | int] = []
    for number, part in enumerate(error["loc"], start=1):
        last = number == len(error["loc"])
        inside = part in value if isinstance(value, dict) else isinstance(value, list) and isinstance(part, int)
        if inside:
            place.append(part)
            value = value[part]
        elif last and error["type"] == "missing":
            place.append(part)
    return place


def _sentence(error: ErrorDetails) -> str:
    kind, context, given = error["type"], error.get("ctx", {}), shown(error["input"])
    last = error["loc"][-1] if error["loc"] else ""
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(last), _FIELDS, n=1)
        return f"there is no such field; {f'did you mean {near[0]}' if near else 'remove it'}"
    if kind == "missing":
        return "it is missing; add it"
    if kind == "literal_error" and last == "schema_version":
        return f"version {given} is not known here, only {context['expected']}; make the record with this version"
    if kind == "string_pattern_mismatch" and context["pattern"] in _ALLOWED:
        return f"{given} is not allowed here; use {_ALLOWED[context['pattern']]}"
    says = error["msg"].removeprefix("Value error, ")
    return f"{given} does not fit: {says[:1].lower()}{says[1:]}; correct it"


def _outcome_alone(value: dict[str, Any], now: datetime) -> list[Problem]:
    """Problems of the figures although something else is malformed, so that all are told at once."""
    try:
        outcome = _OUTCOME.validate_python(_as_tuples(value.get("outcome")), strict=True)
    except ValidationError:
        return []
    origin = value.get("origin")
    return list(outcome_problems(outcome, origin if origin in ("imported", "published") else None, now))


_OUTCOME: TypeAdapter[Outcome] = TypeAdapter(Outcome)


def _as_tuples(value: Any) -> Any:
    """JSON's lists as the tuples that records hold."""
    if isinstance(value, list):
        return tuple(map(_as_tuples, value))
    return {key: _as_tuples(one) for key, one in value.items()} if isinstance(value, dict) else value


def _clash(submission: Submission, known: Known) -> list[Problem]:
    outcome = submission.outcome
    other = known.runs.get((outcome.prediction_sha256, outcome.transfer_sha256))
    if other is None or other == submission.sha256() or not (outcome.prediction_sha256 and outcome.transfer_sha256):
        return []
    return [
        Problem(
            "$.outcome.transfer_sha256",
            f"the store has this run as {other[:12]}; to correct it, have that submission withdrawn first",
        )
    ]


def _tier(submission: Submission) -> Tier:
    if submission.origin != "measured":
        return submission.origin
    return "recomputed" if has_evidence(submission) else "self_reported"


def _marks(submission: Submission, known: Known) -> list[Mark]:
    marks: list[Mark] = []
    registered = known.registered(submission.outcome.prediction_sha256)
    tuning = submission.transfer.tuning if submission.transfer else None
    if registered is not None and tuning is not None:
        first, then = read_time(registered), read_time(tuning.started)
        if first is not None and then is not None and first < then:
            marks.append("pre_registered")
    if submission.outcome.post_hoc:
        marks.append("post_hoc")
    return marks


def _notes(submission: Submission) -> list[str]:
    notes = []
    if submission.origin == "measured" and not has_evidence(submission):
        notes.append("without prediction and transfer attached it stands as self-reported")
    texts = {text for record in (submission.prediction, submission.transfer) if record for text in _texts(record)}
    places = sorted(text for text in texts if text.startswith(("/", "~/")) or text[1:3] == ":\\")
    if places:
        notes.append(
            f"the attached records name {len(places)} folders or files of your machine, such as {shown(places[0])}"
        )
    return notes


def _texts(part: BaseModel) -> list[str]:
    """Sources that a record names, which may be places on somebody's disk."""
    dumped = part.model_dump(include={"experiment", "model", "sae", "training_set", "benchmark", "tuning"})
    return list(_strings(dumped))


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [text for one in inner for text in _strings(one)]


def _field_names(model: type[BaseModel]) -> set[str]:
    names = set(model.model_fields)
    for info in model.model_fields.values():
        names |= _inner_names(info.annotation)
    return names


def _inner_names(annotation: Any) -> set[str]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return _field_names(annotation)
    inner = getattr(annotation, "__args__", ())
    return {name for one in inner for name in _inner_names(one)}


_FIELDS = sorted(_field_names(Submission))
