"""All submissions in one parquet file, derived from the store's files and never edited.

A row is a submission. What a run has once is a plain column; what it has per domain or per predictor is a list, with
the scores of P predictors on D domains as P·D numbers, predictor by predictor, NaN where one said nothing. So the
columns do not depend on what people submit, and a thousand predictors that one submission brings cost the others
nothing.

The file remembers the names of the files that it was made from. Where the store holds others, it is made again; rows
of files that are still there are taken over, since a submission never changes.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import sts_eval
from sts_eval.records.submission import Submission
from sts_eval.store.ledger import Standing

NAME = "snapshot.parquet"

VERSION = f"1 {sts_eval.__version__}"
"""Of the columns, and of the rules that let a submission in: another one makes everything again."""

_TEXT = pa.string()
_WORDS = pa.dictionary(pa.int32(), pa.string())
_NUMBER, _WHOLE, _YES = pa.float64(), pa.int64(), pa.bool_()

RUN: Mapping[str, pa.DataType] = {
    "sha256": _TEXT,
    "origin": _TEXT,
    "tier": _TEXT,
    "post_hoc": _YES,
    "submitter": _TEXT,
    "created": _TEXT,
    "model": _TEXT,
    "model_id": _TEXT,
    "model_revision": _TEXT,
    "family": _TEXT,
    "parameters": _WHOLE,
    "sae_release": _TEXT,
    "sae_id": _TEXT,
    "sae_architecture": _TEXT,
    "d_sae": _WHOLE,
    "layer": _WHOLE,
    "hook_name": _TEXT,
    "neuronpedia_id": _TEXT,
    "training_set": _TEXT,
    "training_set_id": _TEXT,
    "training_set_revision": _TEXT,
    "training_rows": _WHOLE,
    "benchmark": _TEXT,
    "n_seeds": _WHOLE,
    "n_domains": _WHOLE,
    "has_prediction": _YES,
    "has_transfer": _YES,
    "prediction_sha256": _TEXT,
    "transfer_sha256": _TEXT,
    "predicted": _TEXT,
    "tuning_started": _TEXT,
    "tuning_seconds": _NUMBER,
    "hardware": _TEXT,
    "command": _TEXT,
    "url": _TEXT,
    "n_bytes": _WHOLE,
}
"""What a submission says of itself; `tier` is what its evidence alone allows."""

STANDING: Mapping[str, pa.DataType] = {
    "registered": _TEXT,
    "status": _TEXT,
    "accepted": _TEXT,
    "why": _TEXT,
    "flagged": _TEXT,
    "rerun_by": _TEXT,
    "duplicate_of": _TEXT,
}
"""What the store says of it."""

LISTS: Mapping[str, pa.DataType] = {
    "seeds": _WHOLE,
    "home": _WORDS,
    "domain": _WORDS,
    "n": _WHOLE,
    "accuracy_before": _NUMBER,
    "delta": _NUMBER,
    "se": _NUMBER,
    "logprob_delta": _NUMBER,
    "logprob_se": _NUMBER,
    "by_seed": _NUMBER,
    "predictor": _WORDS,
    "group": _WORDS,
    "flags": _WORDS,
    "summary": _WORDS,
    "seconds": _NUMBER,
    "passes": _NUMBER,
    "backward_passes": _NUMBER,
    "score": _NUMBER,
}
"""`by_seed` is a change per domain and seed, domain by domain; `score` one per predictor and domain."""

CONTENT = pa.schema([*RUN.items(), *((name, pa.list_(kind)) for name, kind in LISTS.items())])
SCHEMA = pa.schema([*CONTENT, *STANDING.items()])


def row(sha256: str, submission: Submission, tier: str, n_bytes: int) -> dict[str, Any]:
    """One submission as a row, by the names of `CONTENT`."""
    outcome, model, sae, rows = submission.outcome, submission.model, submission.sae, submission.training_set
    transfer, provenance = submission.transfer, submission.provenance
    domains, predictors = outcome.domains, outcome.predictors
    nan = math.nan
    n_seeds = len(outcome.seeds)
    return {
        "sha256": sha256,
        "origin": submission.origin,
        "tier": tier,
        "post_hoc": outcome.post_hoc,
        "submitter": submission.submitter,
        "created": submission.created,
        "model": outcome.model,
        "model_id": model.id,
        "model_revision": model.revision,
        "family": model.family,
        "parameters": model.parameters,
        "sae_release": sae and sae.release,
        "sae_id": sae and sae.id,
        "sae_architecture": sae and sae.architecture,
        "d_sae": sae and sae.d_sae,
        "layer": sae and sae.layer,
        "hook_name": sae and sae.hook_name,
        "neuronpedia_id": sae and sae.neuronpedia_id,
        "training_set": outcome.training_set,
        "training_set_id": rows.id,
        "training_set_revision": rows.revision,
        "training_rows": rows.rows,
        "benchmark": submission.benchmark,
        "n_seeds": n_seeds,
        "n_domains": len(domains),
        "has_prediction": submission.prediction is not None,
        "has_transfer": transfer is not None,
        "prediction_sha256": outcome.prediction_sha256,
        "transfer_sha256": outcome.transfer_sha256,
        "predicted": outcome.created,
        "tuning_started": transfer.tuning.started if transfer and transfer.tuning else None,
        "tuning_seconds": outcome.tuning_seconds,
        "hardware": provenance.hardware,
        "command": provenance.command,
        "url": provenance.url,
        "n_bytes": n_bytes,
        "seeds": list(outcome.seeds),
        "home": list(outcome.home),
        "domain": [domain.domain for domain in domains],
        "n": [domain.n for domain in domains],
        "accuracy_before": [nan if (one := domain.accuracy_before) is None else one for domain in domains],
        "delta": [domain.accuracy.delta for domain in domains],
        # A paper that gives no error has a 0 in its place, which is none.
        "se": [
            nan if submission.origin == "published" and domain.accuracy.se == 0 else domain.accuracy.se
            for domain in domains
        ],
        "logprob_delta": [nan if domain.logprob is None else domain.logprob.delta for domain in domains],
        "logprob_se": [nan if domain.logprob is None else domain.logprob.se for domain in domains],
        "by_seed": [delta for domain in domains for delta in domain.accuracy.by_seed or (nan,) * n_seeds],
        "predictor": [one.name for one in predictors],
        "group": [one.group for one in predictors],
        "flags": ["".join(one.flags) for one in predictors],
        "summary": [one.summary for one in predictors],
        "seconds": [one.cost.seconds if one.cost else nan for one in predictors],
        "passes": [float(one.cost.passes) if one.cost else nan for one in predictors],
        "backward_passes": [float(one.cost.backward_passes) if one.cost else nan for one in predictors],
        "score": [one.values.get(domain.domain, nan) for one in predictors for domain in domains],
    }


def table_of(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows as a table."""
    listed = list(rows)
    return pa.table(
        {field.name: pa.array([one[field.name] for one in listed], field.type) for field in CONTENT}, CONTENT
    )


def with_standing(content: pa.Table, standings: Mapping[str, Standing], registered: Mapping[str, str]) -> pa.Table:
    """Add what the store says of each submission; those that were never accepted are left out.

    Args:
        content: Rows of `CONTENT`.
        standings: By submission.
        registered: Time of registration by prediction.
    """
    order = content.column("sha256").combine_chunks()
    content = content.take(pc.array_sort_indices(order))
    shas = content.column("sha256").to_pylist()
    kept = [place for place, sha in enumerate(shas) if standings.get(sha, Standing()).status is not None]
    content = content.take(pa.array(kept, pa.int64()))
    shas, predictions = (content.column(name).to_pylist() for name in ("sha256", "prediction_sha256"))
    each = [standings[sha] for sha in shas]
    evidence = {sha for sha, tier in zip(shas, content.column("tier").to_pylist(), strict=True) if tier == "recomputed"}
    up = {sha for sha, one in zip(shas, each, strict=True) if one.status == "accepted"}
    columns = {
        "registered": [registered.get(prediction) for prediction in predictions],
        "status": [one.status for one in each],
        "accepted": [one.since for one in each],
        "why": [one.why for one in each],
        "flagged": [one.flagged for one in each],
        # Only a run that is itself up and recomputed can vouch for another.
        "rerun_by": [next((sha for sha in one.rerun if sha in evidence & up), None) for one in each],
        "duplicate_of": _duplicates(content, each),
    }
    for name, kind in STANDING.items():
        content = content.append_column(name, pa.array(columns[name], kind))
    return content


def _duplicates(content: pa.Table, standings: list[Standing]) -> list[str | None]:
    """Of accepted submissions with the same records, the first with its evidence attached stands for all."""
    names = ("sha256", "prediction_sha256", "transfer_sha256", "has_prediction", "has_transfer")
    rows = list(zip(*(content.column(name).to_pylist() for name in names), standings, strict=True))
    first: dict[tuple[str, str], tuple[bool, str, str]] = {}
    for sha, prediction, transfer, predicted, measured, standing in rows:
        if standing.status == "accepted" and transfer:
            rank = (not (predicted and measured), standing.since or "", sha)
            key = (prediction, transfer)
            first[key] = min(rank, first.get(key, rank))
    found: list[str | None] = []
    for sha, prediction, transfer, *_, standing in rows:
        best = first.get((prediction, transfer), (True, "", sha))[2] if standing.status == "accepted" else sha
        found.append(None if best == sha else best)
    return found


def dumped(table: pa.Table, remembered: Mapping[str, str]) -> bytes:
    """The file, with texts beside the rows."""
    metadata = {"version": VERSION, **remembered}
    buffer = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(metadata), buffer, compression="zstd", store_schema=True)
    return buffer.getvalue()


def loaded(content: bytes, columns: Sequence[str] | None = None) -> tuple[pa.Table, dict[str, str]] | None:
    """The rows and the texts beside them; None for a file of another version, or that is none.

    Args:
        content: The file.
        columns: Those that are wanted; all if None.
    """
    try:
        file = pq.ParquetFile(io.BytesIO(content))
        schema = file.schema_arrow
        remembered = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
        if remembered.get("version") != VERSION or schema.names != SCHEMA.names:
            return None
        return file.read(columns=columns), remembered
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        return None


def names_of(text: str) -> dict[str, str]:
    """A JSON object of texts, as `dumped` keeps them."""
    found: dict[str, str] = json.loads(text)
    return found
