"""Who first used a name in a store, and for what.

    names/KEY.json    a claim (`NameClaim`), made exclusively by the first submission that uses the name

- A submitter's name belongs to the owner who used it first. Without an owner, by somebody who showed no secret, it
  keeps nobody out.
- The name of a model or training set that was read from a disk stands for what was first shown under it; its owner may
  change it. What a commit on a hub names needs no claim, and a record without evidence makes none.
- A benchmark's name stands for the rows that were first shown under it.
- What was first shown in a submission that was taken down since holds no name: the next one has it.

What is shown is what the evidence states: the rows of a set or a benchmark, and the shape of a model.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator

from sts_eval.records.ledger import NameClaim
from sts_eval.records.record import fingerprint
from sts_eval.records.submission import Submission
from sts_eval.store.files import Files
from sts_eval.submission.naming import skeletons
from sts_eval.submission.problem import Path, Problem, shown
from sts_eval.submission.validate import has_evidence

NAMES = "names"

_PATHS: dict[str, Path] = {
    "submitter": ("submitter",),
    "model": ("model", "id"),
    "training set": ("training_set", "id"),
    "benchmark": ("benchmark",),
}


def claims_of(submission: Submission, owner: str | None) -> Iterator[NameClaim]:
    """The names that a submission uses, as it would claim them."""
    sha256, made = submission.sha256(), submission.prediction
    model, data = submission.model, submission.training_set

    def claim(kind: str, name: str, owner: str | None, content: str | None) -> NameClaim:
        values = {"kind": kind, "name": name, "owner": owner, "content": content, "submission": sha256}
        return NameClaim.model_validate(values)

    for look in skeletons(submission.submitter):
        yield claim("submitter", look, owner, None)
    if made is None:
        return
    if model.revision is None:
        yield claim(
            "model", model.id, owner, fingerprint([made.model.architecture, made.model.d_model, made.model.n_layers])
        )
    if data.revision is None:
        yield claim("training set", data.id, owner, made.training_set.sha256)
    which = fingerprint([made.benchmark.revision, [one.domain for one in made.domains]])[:16]
    yield claim("benchmark", f"{submission.benchmark} {which}", None, made.benchmark.sha256)


class Names:
    """The claims of a store. `is_up` tells of a submission's name whether it is accepted and was not taken down."""

    def __init__(self, files: Files, is_up: Callable[[str], bool]) -> None:
        self._files = files
        self._is_up = is_up

    def problems(self, submission: Submission, owner: str | None) -> Iterator[Problem]:
        """Which names of a submission somebody else has."""
        yield from self._problems(claims_of(submission, owner), submission.submitter)

    def _problems(self, claims: Iterable[NameClaim], submitter: str) -> Iterator[Problem]:
        told = set()
        for new in claims:
            old = self._files.record(NameClaim, _file(new))
            if old is None or new.kind in told or (why := _conflict(old, new)) is None or self._gives_way(old):
                continue
            told.add(new.kind)
            name = submitter if new.kind == "submitter" else new.name
            yield Problem.at(_PATHS[new.kind], f"{shown(name)} {why}")

    def _gives_way(self, old: NameClaim) -> bool:
        """Whether what a name stood for was taken down; that of a submitter stays, since others of his may be up."""
        return old.kind != "submitter" and not self._is_up(old.submission)

    def submitter_problems(self, name: str, owner: str | None) -> Iterator[Problem]:
        """Whether somebody else has the name of a submitter."""
        values = {"kind": "submitter", "owner": owner, "content": None, "submission": "0" * 64}
        claims = [NameClaim.model_validate(values | {"name": look}) for look in skeletons(name)]
        yield from self._problems(claims, name)

    def claim(self, submission: Submission, owner: str | None) -> None:
        """Claim the names that nobody has yet; a submitter's of an unknown owner goes to one who is known.

        Raises:
            UserError: The store cannot be written.
        """
        for new in claims_of(submission, owner):
            content = new.canonical().encode()
            if self._files.create(_file(new), content):
                continue
            old = self._files.record(NameClaim, _file(new))
            if old is None:
                continue
            known_now = new.kind == "submitter" and old.owner is None and new.owner is not None
            if known_now or self._gives_way(old):
                self._files.replace(_file(new), content)

    def holder(self, prediction: str, transfer: str) -> str | None:
        """The submission that has a run with its evidence, None where none has."""
        found = self._files.record(NameClaim, _run_file(prediction, transfer))
        return found.submission if found else None

    def hold(self, submission: Submission, owner: str | None) -> None:
        """Note that a submission has a run with its evidence; one that was taken down meanwhile gives way.

        Raises:
            UserError: The store cannot be written.
        """
        if not has_evidence(submission):
            return
        run = submission.outcome.prediction_sha256, submission.outcome.transfer_sha256
        note = NameClaim(kind="run", name=" ".join(run), owner=owner, content=None, submission=submission.sha256())
        self._files.replace(_run_file(*run), note.canonical().encode())


def _conflict(old: NameClaim, new: NameClaim) -> str | None:
    """Why a name cannot be used, None where it can."""
    if old.owner is not None and old.owner == new.owner:
        return None
    if new.kind == "submitter":
        return "belongs to another owner here; give yours another name" if old.owner is not None else None
    if old.content == new.content:
        return None
    remedy = "name your task otherwise" if new.kind == "benchmark" else "give yours another (--call-model, --call-set)"
    return f"stands for another {new.kind} here, by the hash of its content; {remedy}"


def _file(claim: NameClaim) -> str:
    return f"{NAMES}/{hashlib.sha256(f'{claim.kind} {claim.name}'.encode()).hexdigest()}.json"


def _run_file(prediction: str, transfer: str) -> str:
    return f"{NAMES}/{hashlib.sha256(f'run {prediction} {transfer}'.encode()).hexdigest()}.json"
