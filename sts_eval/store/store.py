"""The store: a folder of submissions, of registered predictions and of what happened to them, on a disk or elsewhere.

    submissions/SHA256.json          canonical content, named by its hash; never changes
    preregistrations/SHA256.json     named by the prediction's hash; the first one stands
    ledger/TIME-ACTION-….json        entries, only ever added
    queue/…                          runs that somebody asked for (`sts_eval.queue.queue`)
    snapshot.parquet                 made from the first three
    comparisons/KEY.json             of the page (`sts_eval.store.comparisons`)

A submission is shown once the ledger has accepted it. A writer that is stopped between the two leaves a file that
nobody sees; handing the same submission in again completes it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from sts_eval.errors import UserError
from sts_eval.records.ledger import Action, LedgerEntry, Preregistration
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import now
from sts_eval.records.submission import Submission
from sts_eval.store import snapshot
from sts_eval.store.board import Board
from sts_eval.store.files import Files
from sts_eval.store.ledger import FOLDER, Ledger, packed, standings, unpacked
from sts_eval.submission.rerun import RerunAgreement, compare_runs
from sts_eval.submission.validate import Known, Mark, Tier, Verdict, has_evidence, validate

SUBMISSIONS, PREREGISTRATIONS = "submissions", "preregistrations"

LEFT_BEHIND_SECONDS = 24 * 3600.0
"""Age from which a temporary file is no writer's any more."""

_HASH = re.compile(r"[0-9a-f]{64}")
_RECORD = re.compile(r"[0-9a-f]{64}\.json")


@dataclass(frozen=True)
class Receipt:
    """What became of a file that was handed in.

    Attributes:
        verdict: What is to be said of it.
        added: Whether the store did not have it before.
    """

    verdict: Verdict
    added: bool

    @property
    def sha256(self) -> str | None:
        """The submission's name; None if it was refused."""
        return self.verdict.sha256

    @property
    def tier(self) -> Tier | None:
        """What it is called."""
        return self.verdict.tier

    @property
    def marks(self) -> tuple[Mark, ...]:
        """What else is known of it."""
        return self.verdict.marks


class Store:
    """Submissions and what became of them.

    Args:
        url: A folder, or an address that fsspec knows, such as `hf://datasets/org/name` or `s3://bucket/folder`.
        options: What fsspec's file system takes.

    Raises:
        UserError: No installed package opens such addresses.
    """

    def __init__(self, url: str, **options: Any) -> None:
        self.files = Files(url, **options)
        self.ledger = Ledger(self.files)
        self._board: Board | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return self.files.url

    # Submissions

    def submit(self, raw: bytes, *, by: str | None = None) -> Receipt:
        """Take a submission. What is refused leaves no trace.

        Args:
            raw: The file.
            by: Who hands it in, for the ledger; its submitter if None.

        Raises:
            UserError: The store cannot be written.
        """
        verdict = validate(raw, known=self.known())
        if verdict.submission is None or verdict.sha256 is None:
            return Receipt(verdict, added=False)
        sha256 = verdict.sha256
        added = self.files.create(_submission(sha256), verdict.submission.canonical().encode())
        if added or not self.ledger.accepts(sha256):
            self.ledger.add("accepted", sha256, by=by or verdict.submission.submitter, why=str(verdict.tier))
        return Receipt(verdict, added)

    def read(self, sha256: str) -> Submission:
        """One submission.

        Raises:
            UserError: There is none of that name.
        """
        return _parsed(sha256, self.raw(sha256))

    def read_all(self, shas: Sequence[str]) -> list[Submission]:
        """Several submissions in the order given, read at once where the store can.

        Raises:
            UserError: One is not there.
        """
        found = self.files.read_all(_submission(sha) for sha in shas if _HASH.fullmatch(sha))
        # One that is not there is asked for by itself, for the reason.
        return [
            self.read(sha) if content is None else _parsed(sha, content)
            for sha, content in ((sha, found.get(_submission(sha))) for sha in shas)
        ]

    def raw(self, sha256: str) -> bytes:
        """One submission as it stands in the store.

        Raises:
            UserError: There is none of that name.
        """
        content = self.files.read(_submission(sha256)) if _HASH.fullmatch(sha256) else None
        if content is None:
            raise UserError(f"the store has no submission {sha256[:64]!r}", "Give the 64 digits of one")
        return content

    def find(self, beginning: str) -> str:
        """The full name of a submission, from its first digits.

        Raises:
            UserError: None starts so, or several do.
        """
        found = [name for name in self._shas() if name.startswith(beginning)]
        if len(found) != 1:
            raise UserError(
                f"{len(found)} submissions start with {beginning[:64]!r}",
                "Give enough digits to tell one from all others",
            )
        return found[0]

    def known(self) -> Known:
        """What a new submission is judged against. Runs are those of the last snapshot, which costs no reading."""
        names = ("status", "has_prediction", "has_transfer", "prediction_sha256", "transfer_sha256", "sha256")
        found = self._snapshot(names)
        runs = {}
        if found is not None:
            for row in found[0].to_pylist():
                if row["status"] == "accepted" and row["has_prediction"] and row["has_transfer"]:
                    runs[row["prediction_sha256"], row["transfer_sha256"]] = row["sha256"]
        return Known(runs=runs, registered=self.registered)

    def submitted_by(self, who: str, since: datetime) -> int:
        """How many submissions somebody handed in, by the ledger, which every process on the store shares.

        Args:
            who: As `submit` was told in `by`.
            since: From when on, with its time zone.
        """
        return sum(entry.action == "accepted" and entry.by == who for entry in self.ledger.since(since))

    # Registered predictions

    def preregister(self, prediction: Prediction, *, by: str) -> tuple[Preregistration, bool]:
        """Keep a prediction's hash with the time of now, unless it stands there already.

        Args:
            prediction: Only its hash is kept.
            by: Who registers it.

        Returns:
            The registration that stands, and whether it is new.

        Raises:
            UserError: The store cannot be written.
        """
        entry = Preregistration(prediction_sha256=prediction.sha256(), registered=now(), by=by)
        name = f"{PREREGISTRATIONS}/{entry.prediction_sha256}.json"
        if self.files.create(name, entry.canonical().encode()):
            return entry, True
        return self._registration(entry.prediction_sha256) or entry, False

    def registered(self, prediction_sha256: str) -> str | None:
        """When a prediction was registered, None if it was not."""
        found = self._registration(prediction_sha256) if _HASH.fullmatch(prediction_sha256) else None
        return found.registered if found else None

    def _registration(self, prediction_sha256: str) -> Preregistration | None:
        content = self.files.read(f"{PREREGISTRATIONS}/{prediction_sha256}.json")
        try:
            found = Preregistration.model_validate_json(content) if content is not None else None
        except ValidationError:  # a file that somebody put there by hand registers nothing
            return None
        return found if found and found.prediction_sha256 == prediction_sha256 else None

    # Maintainers

    def note(self, action: Action, sha256: str, *, by: str, why: str) -> LedgerEntry:
        """Append to the ledger: accepted (again), rejected, flagged or withdrawn.

        Raises:
            UserError: There is no such submission.
        """
        self.raw(sha256)
        return self.ledger.add(action, sha256, by=by, why=why)

    def confirm(self, sha256: str, rerun: str, *, by: str, why: str = "") -> RerunAgreement:
        """Hold a submission against a maintainer's run of it, and write into the ledger that they agree if they do.

        Args:
            sha256: The submission.
            rerun: The maintainer's, which must be recomputed.
            by: Who vouches for it.
            why: What else is to be said.

        Raises:
            UserError: One of them is not there, or the rerun has no evidence.
        """
        claimed, ours = self.read(sha256), self.read(rerun)
        if ours.origin != "measured" or not has_evidence(ours):
            raise UserError(f"{rerun[:12]} has no evidence attached", "Submit the rerun as a run folder")
        agreement = compare_runs(claimed, ours)
        if agreement.agrees:
            self.ledger.add("rerun", sha256, by=by, why=why, other=rerun)
        return agreement

    # Everything at once

    def state(self) -> str:
        """A text that changes whenever something is added. Costs three listings."""
        return self._listing()[1]

    def board(self) -> Board:
        """Everything as tables, from the snapshot; made again first where the store has changed since.

        Where the store cannot be written the snapshot stays old, and the board is new all the same.
        """
        listing, state = self._listing()
        if self._board is not None and self._board.state == state:
            return self._board
        found = self._snapshot()
        if found is None or found[1].get("state") != state:
            found = self._rebuilt(listing, state, found)
            with contextlib.suppress(UserError, OSError):  # a reader may lack the right to write
                self.files.replace(snapshot.NAME, snapshot.dumped(*found))
                self.files.sweep(LEFT_BEHIND_SECONDS)
        table, remembered = found
        entries = tuple(unpacked(remembered["ledger"]).values())
        self._board = Board(table, entries, snapshot.names_of(remembered["left_out"]), state)
        return self._board

    def _listing(self) -> tuple[dict[str, list[str]], str]:
        listing = {name: self.files.names(name) for name in (SUBMISSIONS, PREREGISTRATIONS, FOLDER)}
        return listing, hashlib.sha256(json.dumps([snapshot.VERSION, listing]).encode()).hexdigest()

    def _shas(self) -> list[str]:
        return [name.removesuffix(".json") for name in self.files.names(SUBMISSIONS) if _RECORD.fullmatch(name)]

    def _snapshot(self, columns: Sequence[str] | None = None) -> tuple[pa.Table, dict[str, str]] | None:
        content = self.files.read(snapshot.NAME)
        return None if content is None else snapshot.loaded(content, columns)

    def _rebuilt(
        self, listing: dict[str, list[str]], state: str, old: tuple[pa.Table, dict[str, str]] | None
    ) -> tuple[pa.Table, dict[str, str]]:
        """Read what is new; everything if there is no snapshot."""
        kept: dict[str, str] = {}
        entries: dict[str, LedgerEntry] = {}
        content = snapshot.table_of(())
        if old is not None:
            here = set(listing[SUBMISSIONS])
            kept = {name: why for name, why in snapshot.names_of(old[1]["left_out"]).items() if name in here}
            content = old[0].select(snapshot.CONTENT.names).cast(snapshot.CONTENT)
            there = [f"{sha}.json" in here for sha in content.column("sha256").to_pylist()]
            content = content.filter(pa.array(there, pa.bool_()))
            named = set(listing[FOLDER])
            entries = {name: entry for name, entry in unpacked(old[1]["ledger"]).items() if name in named}
        entries |= self.ledger.read(name for name in listing[FOLDER] if name not in entries)
        entries = {name: entries[name] for name in sorted(entries)}
        status = standings(entries.values())
        known = {f"{sha}.json" for sha in content.column("sha256").to_pylist()} | kept.keys()
        # A file whose entry is still to come is read when it has come.
        wanted = [
            name
            for name in listing[SUBMISSIONS]
            if name not in known and (name.removesuffix(".json") in status or not _RECORD.fullmatch(name))
        ]
        rows, left_out = self._read(wanted)
        content = pa.concat_tables([content, snapshot.table_of(rows)]).unify_dictionaries()
        table = snapshot.with_standing(content, status, self._times(content, set(listing[PREREGISTRATIONS])))
        remembered = {
            "state": state,
            "ledger": packed(entries),
            "left_out": json.dumps(kept | left_out, sort_keys=True),
        }
        return table, remembered

    def _read(self, names: list[str]) -> tuple[list[dict[str, Any]], dict[str, str]]:
        """Rows of files, each judged again: somebody may have put them there by hand."""
        rows, left_out = [], {}
        for path, content in self.files.read_all(f"{SUBMISSIONS}/{name}" for name in names).items():
            name = path.rpartition("/")[2]
            verdict = validate(content)
            if verdict.submission is None or verdict.sha256 is None:
                left_out[name] = str(verdict.problems[0])
            elif hashlib.sha256(content).hexdigest() != name.removesuffix(".json"):
                left_out[name] = "$: its name is not the hash of its content; submit it again"
            else:
                rows.append(snapshot.row(verdict.sha256, verdict.submission, str(verdict.tier), len(content)))
        return rows, left_out

    def _times(self, content: pa.Table, names: set[str]) -> dict[str, str]:
        """When the predictions of these submissions were registered."""
        predictions = {sha for sha in content.column("prediction_sha256").to_pylist() if f"{sha}.json" in names}
        found = self.files.read_all(f"{PREREGISTRATIONS}/{sha}.json" for sha in sorted(predictions))
        times = {}
        for path, raw in found.items():
            sha256 = path.rpartition("/")[2].removesuffix(".json")
            try:
                entry = Preregistration.model_validate_json(raw)
            except ValidationError:
                continue
            if entry.prediction_sha256 == sha256:
                times[sha256] = entry.registered
        return times


def _parsed(sha256: str, content: bytes) -> Submission:
    try:
        return Submission.from_json(content)
    except ValidationError as error:
        raise UserError(f"{sha256[:12]} is no submission", "Validate it with this version") from error


def _submission(sha256: str) -> str:
    return f"{SUBMISSIONS}/{sha256}.json"
