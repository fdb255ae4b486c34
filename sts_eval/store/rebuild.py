"""Makes the snapshot anew where the store has changed. Rows of files that are still there are taken over."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable

import pyarrow as pa
from pydantic import TypeAdapter

from sts_eval.records.ledger import LedgerEntry
from sts_eval.store import registrations, snapshot
from sts_eval.store.files import Files
from sts_eval.store.ledger import FOLDER, Ledger, ledger_states
from sts_eval.submission.validate import validate

SUBMISSIONS = "submissions"

RECORD = re.compile(r"[0-9a-f]{64}\.json")

ENTRIES = TypeAdapter(dict[str, LedgerEntry])
"""The ledger as one text beside the rows."""

Listing = dict[str, list[str]]
"""Names of the files in each folder that the snapshot is made from."""

Snapshot = tuple[pa.Table, dict[str, str]]
"""Rows, and the texts beside them: `state`, `ledger` and `left_out`."""


def list_files(files: Files) -> tuple[Listing, str]:
    """Names of all files, and a text that changes whenever one is added. Costs three listings."""
    listing = {name: files.names(name) for name in (SUBMISSIONS, registrations.FOLDER, FOLDER)}
    return listing, hashlib.sha256(json.dumps([snapshot.VERSION, listing]).encode()).hexdigest()


def rebuild(files: Files, listing: Listing, state: str, old: Snapshot | None) -> Snapshot:
    """Read what is new; everything if there is no snapshot.

    Args:
        files: The store's.
        listing: What there is.
        state: The text for this listing.
        old: The snapshot before.
    """
    entries: dict[str, LedgerEntry] = {}
    left_out: dict[str, str] = {}
    content = snapshot.to_table(())
    if old is not None:
        table, texts = old
        here, named = set(listing[SUBMISSIONS]), set(listing[FOLDER])
        entries = {name: one for name, one in ENTRIES.validate_json(texts["ledger"]).items() if name in named}
        left_out = {name: why for name, why in json.loads(texts["left_out"]).items() if name in here}
        content = table.select(snapshot.CONTENT.names).cast(snapshot.CONTENT)
        content = content.filter(pa.array([name in here for name in _names(content)], pa.bool_()))
    entries |= Ledger(files).read(name for name in listing[FOLDER] if name not in entries)
    entries = dict(sorted(entries.items()))
    states = ledger_states(entries.values())
    known = {*_names(content), *left_out}
    # A file whose entry is still to come is read when it has come.
    new = [
        name
        for name in listing[SUBMISSIONS]
        if name not in known and (name.removesuffix(".json") in states or not RECORD.fullmatch(name))
    ]
    rows, refused = _read(files, new)
    content = pa.concat_tables([content, rows]).unify_dictionaries()
    registered = set(listing[registrations.FOLDER])
    predictions = {sha for sha in content.column("prediction_sha256").to_pylist() if f"{sha}.json" in registered}
    times = registrations.read_registrations(files, sorted(predictions))
    table = snapshot.add_states(content, states, {sha: entry.registered for sha, entry in times.items()})
    return table, {
        "state": state,
        "ledger": ENTRIES.dump_json(entries).decode(),
        "left_out": json.dumps(left_out | refused, sort_keys=True),
    }


def _read(files: Files, names: Iterable[str]) -> tuple[pa.Table, dict[str, str]]:
    """Rows of files, and why others are left out. Each is validated: somebody may have put it there by hand."""
    rows, left_out = [], {}
    for path, content in files.read_all(f"{SUBMISSIONS}/{name}" for name in names).items():
        name = path.rpartition("/")[2]
        verdict = validate(content)
        if verdict.submission is None or verdict.sha256 is None:
            left_out[name] = str(verdict.problems[0])
        elif hashlib.sha256(content).hexdigest() != name.removesuffix(".json"):
            left_out[name] = "$: its name is not the hash of its content; submit it again"
        else:
            rows.append(snapshot.row(verdict.sha256, verdict.submission, str(verdict.tier), len(content)))
    return snapshot.to_table(rows), left_out


def _names(content: pa.Table) -> list[str]:
    return [f"{sha}.json" for sha in content.column("sha256").to_pylist()]
