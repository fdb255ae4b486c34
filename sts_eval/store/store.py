"""The store: a folder of submissions, of registered predictions and of what happened to them, on a disk or elsewhere.

    submissions/SHA256.json          canonical content, named by its hash; never changes
    ledger/entry-NUMBER-….json       entries, only ever added, registrations of predictions among them
    names/KEY.json                   who first used a name (`sts_eval.store.names`)
    settings.json                    what the maintainers decide (`StoreSettings`)
    queue/…                          runs that somebody asked for (`sts_eval.queue.queue`)
    snapshot.parquet                 made from submissions, ledger and settings
    comparisons/KEY.json             of the page (`sts_eval.store.comparisons`)

A submission is shown once the ledger has accepted it. A writer that is stopped between the two leaves a file that
nobody sees; handing the same submission in again completes it.
"""

import contextlib
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from sts_eval.errors import UserError
from sts_eval.records.ledger import Action, LedgerEntry, StoreSettings
from sts_eval.records.prediction import Prediction
from sts_eval.records.submission import ALLOWED, LABEL, SHA256, Label, Submission
from sts_eval.store import snapshot
from sts_eval.store.board import Board
from sts_eval.store.files import Files
from sts_eval.store.ledger import Ledger, ledger_states, registrations
from sts_eval.store.names import Names
from sts_eval.store.snapshot import (
    ENTRIES,
    RECORD,
    SETTINGS,
    SUBMISSIONS,
    Snapshot,
    list_files,
    read_settings,
    rebuild,
)
from sts_eval.submission.naming import name_problems
from sts_eval.submission.problem import Path, shown
from sts_eval.submission.rerun import RerunAgreement, compare_runs
from sts_eval.submission.validate import (
    StoreContents,
    Verdict,
    has_evidence,
    reserved_problems,
    store_problems,
    validate,
)

LEFT_BEHIND_SECONDS = 24 * 3600.0  # age from which a temporary file is no writer's any more


class Store:
    """Submissions and what happened to them, in a folder or at an address that fsspec knows (`s3://bucket/folder`).

    Raises:
        UserError: No installed package opens such addresses.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.files = Files(url)
        self.ledger = Ledger(self.files)
        self.names = Names(self.files, self._is_up)
        self._board: Board | None = None

    def submit(self, raw: bytes, *, by: str | None = None, owner: str | None = None) -> Verdict:
        """Take a submission. What is refused leaves no trace.

        The ledger says that `by` handed it in, its submitter if None, and `owner` who showed a secret or signed in for
        it (`sts_eval.submission.owner`). The verdict also tells whether it was added: the store may have had it before.

        Raises:
            UserError: The store cannot be written.
        """
        known = self.known(owner)
        verdict = validate(raw, known=known)
        submission, sha256 = verdict.submission, verdict.sha256
        if submission is None or sha256 is None:
            return verdict
        with self.files.locked():
            # Another writer may have come first.
            if found := tuple(store_problems(submission, known)):
                return Verdict(found)
            added = self.files.create(_file(sha256), submission.canonical().encode())
            if added or not self.ledger.accepts(sha256):
                self.names.claim(submission, owner)
                self.names.hold(submission, owner)
                name = by or submission.submitter
                self.ledger.add("accepted", sha256, by=name, why=str(verdict.tier), owner=owner)
        return replace(verdict, added=added)

    def check_submitter(self, name: str, owner: str | None) -> None:
        """Refuse a name under which an owner could submit nothing here, before a run is made for it.

        Raises:
            UserError: It is no name, or that of somebody else.
        """
        try:
            TypeAdapter(Label).validate_python(name)
        except ValidationError as error:
            raise UserError(f"{shown(name)} is no name", f"Use {ALLOWED[LABEL]}") from error
        path: Path = ("submitter",)
        known = self.known(owner)
        problems = [*name_problems(name, path), *reserved_problems(name, known)]
        for problem in (*problems, *self.names.submitter_problems(name, owner)):
            why, _, remedy = problem.message.partition("; ")
            raise UserError(why, remedy[:1].upper() + remedy[1:])

    def read(self, sha256: str) -> Submission:
        """One submission.

        Raises:
            UserError: There is none of that name.
        """
        return self.read_all([sha256])[0]

    def read_all(self, shas: Sequence[str]) -> list[Submission]:
        """Several submissions in the order given, read at once where the store can.

        Raises:
            UserError: One is not there.
        """
        found = self.files.read_all(_file(sha) for sha in shas if re.fullmatch(SHA256, sha))
        submissions = []
        for sha in shas:
            content = found.get(_file(sha)) or self.raw(sha)
            try:
                submissions.append(Submission.from_json(content))
            except ValidationError as error:
                raise UserError(f"{sha[:12]} is no submission", "Validate it with this version") from error
        return submissions

    def raw(self, sha256: str) -> bytes:
        """One submission as it is in the store.

        Raises:
            UserError: There is none of that name.
        """
        content = self.files.read(_file(sha256)) if re.fullmatch(SHA256, sha256) else None
        if content is None:
            raise UserError(f"the store has no submission {sha256[:64]!r}", "Give the 64 digits of one")
        return content

    def find(self, beginning: str) -> str:
        """The full name of a submission, from its first digits.

        Raises:
            UserError: None starts so, or several do.
        """
        names = filter(RECORD.fullmatch, self.files.names(SUBMISSIONS))
        found = [name.removesuffix(".json") for name in names if name.startswith(beginning)]
        if len(found) != 1:
            problem = f"{len(found)} submissions start with {beginning[:64]!r}"
            raise UserError(problem, "Give enough digits to tell one from all others")
        return found[0]

    def known(self, owner: str | None = None) -> StoreContents:
        """What is judged against when somebody hands something in, who showed to be `owner`."""

        def registration(prediction: str) -> LedgerEntry | None:
            return self.ledger.registration(prediction) if re.fullmatch(SHA256, prediction) else None

        def registered(prediction: str) -> str | None:
            return registrations(self.ledger.entries()).get(prediction)

        def registered_by(prediction: str) -> str | None:
            found = registration(prediction)
            return found.owner if found else None

        return StoreContents(
            holder=self._holder,
            registered=registered,
            registered_by=registered_by,
            names=lambda submission: self.names.problems(submission, owner),
            owner=owner,
            maintainer=owner is not None and owner in self.settings.maintainers,
        )

    def _holder(self, prediction: str, transfer: str) -> str | None:
        """The submission that has a run with its evidence, if it is up."""
        held = self.names.holder(prediction, transfer)
        return held if held is not None and self._is_up(held) else None

    def _is_up(self, sha256: str) -> bool:
        state = ledger_states(self.ledger.entries()).get(sha256)
        return state is not None and state.status == "accepted"

    @property
    def settings(self) -> StoreSettings:
        """What the maintainers decided."""
        return read_settings(self.files)

    def configure(self, settings: StoreSettings) -> None:
        """Replace what the maintainers decided.

        Raises:
            UserError: The store cannot be written.
        """
        self.files.replace(SETTINGS, settings.canonical().encode())

    def submitted_by(self, who: str, since: datetime) -> int:
        """How many submissions somebody (`by` of `submit`) handed in since a time with its zone, by the ledger.

        Every process on the store shares the ledger.
        """
        return sum(entry.action == "accepted" and entry.by == who for entry in self.ledger.entries(since))

    def preregister(self, prediction: Prediction, *, by: str, owner: str | None = None) -> tuple[LedgerEntry, bool]:
        """Enter a prediction's hash into the ledger with the time of now, unless it is registered already.

        Gives the registration that counts, and whether it is new. Only its owner can then submit the run.

        Raises:
            UserError: The store cannot be written.
        """
        sha256 = prediction.sha256()
        with self.files.locked():
            found = self.ledger.registration(sha256)
            if found is not None:
                return found, False
            return self.ledger.add("registered", sha256, by=by, owner=owner), True

    def registered(self, prediction_sha256: str) -> str | None:
        """When a prediction was registered, None if it was not."""
        return self.known().registered(prediction_sha256)

    def note(self, action: Action, sha256: str, *, by: str, why: str, owner: str | None = None) -> LedgerEntry:
        """Append a maintainer's entry to the ledger: accepted (again), rejected, flagged or withdrawn.

        Raises:
            UserError: There is no such submission.
        """
        self.raw(sha256)
        return self.ledger.add(action, sha256, by=by, why=why, owner=owner)

    def confirm(self, sha256: str, rerun: str, *, by: str, why: str = "", owner: str | None = None) -> RerunAgreement:
        """Compare a submission with a maintainer's run of it, and write into the ledger that they agree if they do.

        Raises:
            UserError: One of them is not there, or the rerun has no evidence.
        """
        claimed, ours = self.read(sha256), self.read(rerun)
        if ours.origin != "measured" or not has_evidence(ours):
            raise UserError(f"{rerun[:12]} has no evidence attached", "Submit the rerun as a run folder")
        agreement = compare_runs(claimed, ours)
        if agreement.agrees:
            self.ledger.add("rerun", sha256, by=by, why=why, other=rerun, owner=owner)
        return agreement

    def board(self) -> Board:
        """Everything as tables, from the snapshot; made again first where the store has changed since.

        Where the store cannot be written the snapshot stays old, and the board is new all the same.
        """
        listing, state = list_files(self.files)
        if self._board is not None and self._board.state == state:
            return self._board
        found = self._snapshot()
        if found is None or found[1].get("state") != state:
            found = rebuild(self.files, listing, state, found)
            with contextlib.suppress(UserError, OSError):  # a reader may lack the right to write
                self.files.replace(snapshot.NAME, snapshot.to_bytes(*found))
                self.files.sweep(LEFT_BEHIND_SECONDS)
        table, texts = found
        entries = ENTRIES.validate_json(texts["ledger"])
        self._board = Board(table, entries, json.loads(texts["left_out"]), state, self.settings.benchmark)
        return self._board

    def _snapshot(self) -> Snapshot | None:
        content = self.files.read(snapshot.NAME)
        return None if content is None else snapshot.from_bytes(content)


def _file(sha256: str) -> str:
    return f"{SUBMISSIONS}/{sha256}.json"
