"""All submissions in one parquet file, derived from the store's files and never edited.

A row is a submission. What a run has once is a plain column; what it has per domain or per predictor is a list, with
the scores of P predictors on D domains as P·D numbers, predictor by predictor, NaN where a predictor has no score. So
the columns do not depend on what people submit, and a thousand predictors that one submission brings cost the others
nothing.

The file remembers the names of the files that it was made from. Where the store holds others, it is made again, and
rows of files that are still there are taken over.
"""

import hashlib
import io
import json
import math
import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import TypeAdapter

import sts_eval
from sts_eval.records.ledger import LedgerEntry, StoreSettings
from sts_eval.records.outcome import Change, DomainOutcome
from sts_eval.records.prediction import PredictorScores
from sts_eval.records.submission import Submission
from sts_eval.statistics.result import Floats
from sts_eval.store.files import Files
from sts_eval.store.ledger import LEDGER, Ledger, LedgerState, ledger_states, registrations
from sts_eval.store.likeness import answer_hashes, copies
from sts_eval.submission.forensics import forensic_warnings
from sts_eval.submission.validate import validate

NAME = "snapshot.parquet"
SETTINGS = "settings.json"

VERSION = f"3 {sts_eval.__version__}"
"""Of the columns, and of the rules that let a submission in: another one makes everything again."""

SUBMISSIONS = "submissions"
RECORD = re.compile(r"[0-9a-f]{64}\.json")
ENTRIES = TypeAdapter(dict[str, LedgerEntry])  # the ledger as one text beside the rows

Listing = dict[str, list[str]]  # names of the files in each folder that the snapshot is made from
Snapshot = tuple[pa.Table, dict[str, str]]  # rows, and the texts beside them: `state`, `ledger` and `left_out`

_TEXT = pa.string()
_WORDS = pa.dictionary(pa.int32(), pa.string())
_NUMBER, _WHOLE, _YES = pa.float64(), pa.int64(), pa.bool_()

# The type of a column, or of the entries of its lists, and how it is read from a submission; None if `row` is told.
Column = tuple[pa.DataType, Callable[[Submission], Any] | None]


def _per_domain(kind: pa.DataType, read: Callable[[DomainOutcome], Any]) -> Column:
    return kind, lambda one: _none_to_nan(map(read, one.outcome.domains))


def _per_predictor(kind: pa.DataType, read: Callable[[PredictorScores], Any]) -> Column:
    return kind, lambda one: _none_to_nan(map(read, one.outcome.predictors))


def _none_to_nan(values: Iterable[Any]) -> list[Any]:
    return [math.nan if value is None else value for value in values]


def _standard_error(submission: Submission, change: Change) -> float:
    """A paper that gives no error has a 0 in its place, which is none."""
    return math.nan if submission.origin == "published" and change.se == 0 else change.se


RUN: Mapping[str, Column] = {
    "sha256": (_TEXT, None),
    "origin": (_TEXT, lambda one: one.origin),
    "tier": (_TEXT, None),
    "post_hoc": (_YES, lambda one: one.outcome.post_hoc),
    "submitter": (_TEXT, lambda one: one.submitter),
    "created": (_TEXT, lambda one: one.created),
    "model": (_TEXT, lambda one: one.outcome.model),
    "model_id": (_TEXT, lambda one: one.model.id),
    "model_revision": (_TEXT, lambda one: one.model.revision),
    "family": (_TEXT, lambda one: one.model.family),
    "parameters": (_WHOLE, lambda one: one.model.parameters),
    "sae_release": (_TEXT, lambda one: one.sae and one.sae.release),
    "sae_id": (_TEXT, lambda one: one.sae and one.sae.id),
    "sae_architecture": (_TEXT, lambda one: one.sae and one.sae.architecture),
    "d_sae": (_WHOLE, lambda one: one.sae and one.sae.d_sae),
    "layer": (_WHOLE, lambda one: one.sae and one.sae.layer),
    "hook_name": (_TEXT, lambda one: one.sae and one.sae.hook_name),
    "neuronpedia_id": (_TEXT, lambda one: one.sae and one.sae.neuronpedia_id),
    "training_set": (_TEXT, lambda one: one.outcome.training_set),
    "training_set_id": (_TEXT, lambda one: one.training_set.id),
    "training_set_revision": (_TEXT, lambda one: one.training_set.revision),
    "training_rows": (_WHOLE, lambda one: one.training_set.rows),
    "benchmark": (_TEXT, lambda one: one.benchmark),
    "n_seeds": (_WHOLE, lambda one: len(one.outcome.seeds)),
    "n_domains": (_WHOLE, lambda one: len(one.outcome.domains)),
    "has_prediction": (_YES, lambda one: one.prediction is not None),
    "has_transfer": (_YES, lambda one: one.transfer is not None),
    "prediction_sha256": (_TEXT, lambda one: one.outcome.prediction_sha256),
    "transfer_sha256": (_TEXT, lambda one: one.outcome.transfer_sha256),
    "predicted": (_TEXT, lambda one: one.outcome.created),
    "tuning_started": (_TEXT, lambda one: one.transfer and one.transfer.tuning and one.transfer.tuning.started),
    "measured": (_TEXT, lambda one: one.transfer and one.transfer.created),
    "tuning_seconds": (_NUMBER, lambda one: one.outcome.tuning_seconds),
    "hardware": (_TEXT, lambda one: one.provenance.hardware),
    "command": (_TEXT, lambda one: one.provenance.command),
    "url": (_TEXT, lambda one: one.provenance.url),
    "n_bytes": (_WHOLE, None),
}
"""What a run has once; `tier` is what its evidence alone allows."""

LISTS: Mapping[str, Column] = {
    "seeds": (_WHOLE, lambda one: one.outcome.seeds),
    "home": (_WORDS, lambda one: one.outcome.home),
    "warnings": (_TEXT, lambda one: forensic_warnings(one.outcome, one.origin)),
    "answers": (_WHOLE, answer_hashes),
    "domain": _per_domain(_WORDS, lambda domain: domain.domain),
    "n": _per_domain(_WHOLE, lambda domain: domain.n),
    "accuracy_before": _per_domain(_NUMBER, lambda domain: domain.accuracy_before),
    "delta": _per_domain(_NUMBER, lambda domain: domain.accuracy.delta),
    "se": (_NUMBER, lambda one: [_standard_error(one, domain.accuracy) for domain in one.outcome.domains]),
    "logprob_delta": _per_domain(_NUMBER, lambda domain: domain.logprob and domain.logprob.delta),
    "logprob_se": _per_domain(_NUMBER, lambda domain: domain.logprob and domain.logprob.se),
    "by_seed": (
        _NUMBER,
        lambda one: [
            delta
            for domain in one.outcome.domains
            for delta in domain.accuracy.by_seed or [math.nan] * len(one.outcome.seeds)
        ],
    ),
    "predictor": _per_predictor(_WORDS, lambda predictor: predictor.name),
    "group": _per_predictor(_WORDS, lambda predictor: predictor.group),
    "flags": _per_predictor(_WORDS, lambda predictor: "".join(predictor.flags)),
    "summary": _per_predictor(_WORDS, lambda predictor: predictor.summary),
    "seconds": _per_predictor(_NUMBER, lambda predictor: predictor.cost and predictor.cost.seconds),
    "passes": _per_predictor(_NUMBER, lambda predictor: predictor.cost and predictor.cost.passes),
    "backward_passes": _per_predictor(_NUMBER, lambda predictor: predictor.cost and predictor.cost.backward_passes),
    "score": (
        _NUMBER,
        lambda one: [
            scores.get(domain.domain, math.nan)
            for scores in (predictor.values for predictor in one.outcome.predictors)
            for domain in one.outcome.domains
        ],
    ),
}
"""`by_seed` is a change per domain and seed, domain by domain; `score` one per predictor and domain; `answers` are
those of `sts_eval.store.likeness`."""

# What the store says of a submission.
STATE = dict.fromkeys(
    (
        *("registered", "status", "accepted", "owner", "why", "flagged"),
        *("rerun_by", "reproduced", "not_reproduced", "standing", "duplicate_of"),
    ),
    _TEXT,
) | {"place": _WHOLE}

STANDING = ("self_reported", "recomputed", "maintained", "rerun", "reproduced")
"""How far a run has been checked, the least first. From `maintained` on, by somebody else than its submitter, or it
was made by who runs the store. Of runs that exclude one another the one with the better standing counts."""

CHECKED = STANDING[2:]

CONTENT = pa.schema(
    [*((name, kind) for name, (kind, _) in RUN.items()), *((name, pa.list_(kind)) for name, (kind, _) in LISTS.items())]
)
SCHEMA = pa.schema([*CONTENT, *STATE.items()])


def row(sha256: str, submission: Submission, tier: str, n_bytes: int) -> dict[str, Any]:
    """One submission as a row, by the names of `CONTENT`."""
    columns = {name: read(submission) for name, (_, read) in {**RUN, **LISTS}.items() if read is not None}
    return columns | {"sha256": sha256, "tier": tier, "n_bytes": n_bytes}


def to_table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows as a table of `CONTENT`."""
    return pa.Table.from_pylist(list(rows), CONTENT)


def add_states(
    content: pa.Table,
    states: Mapping[str, LedgerState],
    registered: Mapping[str, str],
    maintainers: Container[str | None] = (),
) -> pa.Table:
    """Add what the store says of each submission: rows of `SCHEMA` by `sha256`, without those never accepted.

    `states` is by submission, `registered` the time of registration by prediction, `maintainers` are owners.
    """
    never = LedgerState()
    content = content.take(pc.array_sort_indices(content.column("sha256").combine_chunks()))
    shown = [states.get(sha, never).status is not None for sha in content.column("sha256").to_pylist()]
    content = content.filter(pa.array(shown, pa.bool_())).combine_chunks()
    names = ["sha256", "tier", "prediction_sha256", "transfer_sha256", "domain", "by_seed", "se", "accuracy_before"]
    rows = [one | vars(states[one["sha256"]]) for one in content.select([*names, "answers"]).to_pylist()]
    up = [one for one in rows if one["status"] == "accepted"]
    # Only a run that is itself up and recomputed can confirm another.
    confirming = {one["sha256"] for one in up if one["tier"] == "recomputed"}
    for one in rows:
        one |= {
            "registered": registered.get(one["prediction_sha256"]),
            "accepted": one["since"],
            "rerun_by": next((sha for sha in one["rerun"] if sha in confirming), None),
        }
        one["standing"] = _standing(one, maintainers)
    # What stands better comes first, then what was accepted first: nothing is displaced by what comes after it.
    up.sort(key=lambda one: (-STANDING.index(one["standing"]), one["place"]))
    place = {sha: number for number, sha in enumerate(content.column("sha256").to_pylist())}
    repeated = copies(up, lambda sha: _scores(content, place[sha]))
    for one in rows:
        one["duplicate_of"] = repeated.get(one["sha256"])
    for name, kind in STATE.items():
        content = content.append_column(name, pa.array([one[name] for one in rows], kind))
    return content


def _standing(row: Mapping[str, Any], maintainers: Container[str | None]) -> str:
    if row["reproduced"] is not None and row["not_reproduced"] is None:
        return "reproduced"
    if row["rerun_by"] is not None:
        return "rerun"
    if row["owner"] is not None and row["owner"] in maintainers:
        return "maintained"
    return "recomputed" if row["tier"] == "recomputed" else "self_reported"


def _scores(content: pa.Table, place: int) -> dict[str, Floats]:
    """The scores of the run in a row by predictor, in the order of its domains."""
    names, domains, scores = (content.column(name)[place].as_py() for name in ("predictor", "domain", "score"))
    return dict(zip(names, np.asarray(scores, dtype=np.float64).reshape(len(names), len(domains)), strict=True))


def to_bytes(table: pa.Table, texts: Mapping[str, str]) -> bytes:
    """The file, with texts beside the rows."""
    buffer = io.BytesIO()
    table = table.replace_schema_metadata({"version": VERSION, **texts})
    pq.write_table(table, buffer, compression="zstd", store_schema=True)
    return buffer.getvalue()


def from_bytes(content: bytes, columns: Sequence[str] | None = None) -> tuple[pa.Table, dict[str, str]] | None:
    """The rows (all columns if None) and the texts beside them; None for a file of another version, or that is none."""
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        schema = file.schema_arrow
        texts = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
        if texts.get("version") != VERSION or schema.names != SCHEMA.names:
            return None
        return file.read(columns=columns), texts
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        return None


def list_files(files: Files) -> tuple[Listing, str]:
    """Names of all files, and a text that changes whenever one is added or the settings change. Costs two listings."""
    listing = {name: files.names(name) for name in (SUBMISSIONS, LEDGER)}
    stated = [VERSION, listing, read_settings(files).canonical()]
    return listing, hashlib.sha256(json.dumps(stated).encode()).hexdigest()


def read_settings(files: Files) -> StoreSettings:
    """What the maintainers decided; the defaults where they did not."""
    return files.record(StoreSettings, SETTINGS) or StoreSettings()


def rebuild(files: Files, listing: Listing, state: str, old: Snapshot | None) -> Snapshot:
    """Read what is new since the old snapshot; everything if there is none. `listing`, `state`: see `list_files`."""
    entries: dict[str, LedgerEntry] = {}
    left_out: dict[str, str] = {}
    content = to_table(())
    if old is not None:
        table, texts = old
        here, named = set(listing[SUBMISSIONS]), set(listing[LEDGER])
        entries = {name: one for name, one in ENTRIES.validate_json(texts["ledger"]).items() if name in named}
        left_out = {name: why for name, why in json.loads(texts["left_out"]).items() if name in here}
        content = table.select(CONTENT.names).cast(CONTENT)
        content = content.filter(pa.array([name in here for name in _file_names(content)], pa.bool_()))
    entries |= Ledger(files).read(name for name in listing[LEDGER] if name not in entries)
    entries = dict(sorted(entries.items()))
    maintainers = read_settings(files).maintainers
    states = ledger_states(entries.values(), maintainers)
    known = {*_file_names(content), *left_out}
    # A file whose entry is still to come is read when it has come.
    new = [
        name
        for name in listing[SUBMISSIONS]
        if name not in known and (name.removesuffix(".json") in states or not RECORD.fullmatch(name))
    ]
    rows, refused = _read_submissions(files, new)
    content = pa.concat_tables([content, rows]).unify_dictionaries()
    table = add_states(content, states, registrations(entries.values()), maintainers)
    return table, {
        "state": state,
        "ledger": ENTRIES.dump_json(entries).decode(),
        "left_out": json.dumps(left_out | refused, sort_keys=True),
    }


def _read_submissions(files: Files, names: Iterable[str]) -> tuple[pa.Table, dict[str, str]]:
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
            rows.append(row(verdict.sha256, verdict.submission, str(verdict.tier), len(content)))
    return to_table(rows), left_out


def _file_names(content: pa.Table) -> list[str]:
    return [f"{sha}.json" for sha in content.column("sha256").to_pylist()]
