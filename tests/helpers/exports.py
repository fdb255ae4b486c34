"""Runs to be exported, of given answers, and the published schemas that an export has to fit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema
from helpers.submissions import plain, submission

from sts_eval.export import Source, read_source
from sts_eval.records.answers import Replies
from sts_eval.records.transfer import DomainAnswers, Imported, Measured, Transfer
from sts_eval.transfer.domain_changes import summarise

SCHEMAS = Path(__file__).parents[1] / "export" / "schemas"

SMALL = {"math": ("rrww", ("rrrw", "rwrw")), "law": ("rw", ("rr", "ru"))}
"""Two domains of four and two questions, before and after two tunings."""

MEASURED = Measured(
    task="mmlu_pro",
    backend="hf",
    num_fewshot=5,
    questions="disjoint",
    n_read=3,
    before_key="b",
    after_keys=("x", "y"),
    seconds={},
)
IMPORTED = Imported(format="table", sources=("base__tuned.csv",), sources_sha256=("0",))


def transfer(
    answers: Mapping[str, tuple[str, Sequence[str]]] = SMALL,
    *,
    origin: Measured | Imported = MEASURED,
    **changes: Any,
) -> Transfer:
    """A transfer of these verdicts, by domain: before, and after each tuning."""
    tables = tuple(
        DomainAnswers(
            domain=domain,
            question_ids=tuple(f"{domain} {number}" for number in range(len(before))),
            before=Replies(verdicts=before),
            after=tuple(Replies(verdicts=verdicts) for verdicts in after),
        )
        for domain, (before, after) in answers.items()
    )
    seeds = tuple(range(len(tables[0].after)))
    whole = Transfer(
        created="2026-01-02T00:00:00+00:00",
        origin=origin,
        model_before="base",
        model_after="tuned",
        prediction=None,
        tuning=None,
        seeds=seeds,
        length_unit="tokens",
        answers=tables,
        domains=summarise(tables, seeds),
        only_before=0,
        only_after=0,
        flags=("no_prediction",),
        warnings=(),
        versions={"lm-eval": "0.4.13", "transformers": "5.0.0"},
    )
    return whole.model_copy(update=changes)


def source(folder: Path, whole: Transfer | None = None) -> Source:
    """The run as it is read from its file."""
    path = folder / "transfer.json"
    (whole or transfer()).write(path)
    return read_source(path)


def published(folder: Path, *, changes_alone: bool = False) -> Path:
    """A submission of a paper's figures: no seeds, no errors, and one domain, or all, without an accuracy."""
    values = plain(submission(evidence=False, oracle=False))
    values["origin"] = "published"
    values["outcome"] |= {"seeds": [], "prediction_sha256": "", "transfer_sha256": ""}
    for place, domain in enumerate(values["outcome"]["domains"]):
        domain["accuracy"] = {"delta": domain["accuracy"]["delta"], "se": 0, "by_seed": []}
        domain["logprob"] = None
        if changes_alone or place == 0:
            domain["accuracy_before"] = None
    path = folder / "published.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def validated(files: Mapping[str, str | bytes]) -> dict[str, dict[str, Any]]:
    """The records of an export by path, after they and their lines were held against the published schemas."""
    whole, line = (
        jsonschema.Draft7Validator(json.loads((SCHEMAS / name).read_text(encoding="utf-8")))
        for name in ("eval.schema.json", "instance_level_eval.schema.json")
    )
    records = {}
    for name, content in files.items():
        if name.endswith(".jsonl"):
            for row in content.splitlines():
                line.validate(json.loads(row))
        else:
            records[name] = json.loads(content)
            whole.validate(records[name])
    return records
