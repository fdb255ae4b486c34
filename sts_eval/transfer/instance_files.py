"""Instance files of Every Eval Ever (schema 0.3.0), with a line per question; `sts-eval export` writes such files.

A record `UUID.json` describes one model and names its file `UUID_samples.jsonl`. Of a line are read `sample_id`, the
verdict `evaluation.is_correct`, texts where they are there, and what `sts-eval export` puts into `metadata`: domain,
verdict, seed, log-probability, length and truncation. In the files of others the domain is `evaluation_name`.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sts_eval.data.files import Row, ending, read_file
from sts_eval.errors import UserError
from sts_eval.records.answers import RIGHT, UNPARSED, VERDICT_NAMES, WRONG
from sts_eval.transfer.answer_table import name_of
from sts_eval.transfer.pairing import Answer, Side

SAMPLES = "_samples"  # at the end of an instance file's name

_VERDICTS = {name: verdict for verdict, name in VERDICT_NAMES.items()}
_REMEDY = "Give an instance file of Every Eval Ever, or the record beside it"


class Instances(NamedTuple):
    """An instance file and the record that describes it, if it is there."""

    file: Path
    record: Mapping[str, Any]

    @property
    def state(self) -> str | None:
        """Whether the model is `untuned` or `tuned`, where an export of ours tells."""
        details = self.record.get("model_info", {}).get("additional_details") or {}
        return details.get("state")


def read_instances(path: Path) -> list[Side]:
    """Read one model's answers, a side per tuning seed, from an instance file, its record, or a folder of these.

    Raises:
        UserError: There are no such files, those of several models, or they are not what their record describes.
    """
    found = _find(path)
    if len(found) > 1:
        listed = ", ".join(one.file.name for one in found)
        raise UserError(f"{path} holds several instance files ({listed})", "Give the file of one model")
    return _sides(found[0])


def read_both_states(folder: Path) -> list[Side]:
    """Read the folder of an export: the untuned model first, then the tuned ones by seed.

    Raises:
        UserError: The records there do not name one untuned and one tuned model.
    """
    found = sorted(_find(folder), key=lambda one: one.state or "", reverse=True)
    if [one.state for one in found] != ["untuned", "tuned"]:
        raise UserError(
            f"{folder} does not hold the instance files of one untuned and one tuned model",
            "Give both files, before first",
        )
    return [side for one in found for side in _sides(one)]


def _find(path: Path) -> list[Instances]:
    if path.is_dir():
        files = sorted(file for file in path.rglob(f"*{SAMPLES}.jsonl*") if ending(file) == ".jsonl")
        if not files:
            raise UserError(f"{path} holds no {SAMPLES}.jsonl file", _REMEDY)
        return [Instances(file, _record(file.parent / _record_name(file))) for file in files]
    if ending(path) == ".json":
        record = _record(path)
        told = (record.get("detailed_evaluation_results") or {}).get("file_path")
        if not told:
            raise UserError(f"{path} names no instance file", _REMEDY)
        file = path.parent / Path(str(told)).name
        if not file.is_file():
            raise UserError(f"{path} names the instance file {file.name}, which is not beside it", _REMEDY)
        return [Instances(file, record)]
    return [Instances(path, _record(path.parent / _record_name(path)))]


def _record_name(file: Path) -> str:
    return name_of(file).removesuffix(SAMPLES) + ".json"


def _record(path: Path) -> dict[str, Any]:
    """A record; empty where there is none."""
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} is not JSON ({error})", _REMEDY) from error
    if not isinstance(found, dict):
        raise UserError(f"{path} is no record of Every Eval Ever", _REMEDY)
    return found


def _sides(instances: Instances) -> list[Side]:
    file, record = instances
    described = record.get("detailed_evaluation_results") or {}
    told = described.get("checksum") if described.get("hash_algorithm") == "sha256" else None
    if told and file.suffix == ".jsonl" and hashlib.sha256(file.read_bytes()).hexdigest() != told:
        raise UserError(f"{file} has another checksum than its record names", "Get both files again")
    rows = read_file(file).rows
    by_seed: dict[str | None, list[Row]] = {}
    for number, row in enumerate(rows, start=1):
        try:
            by_seed.setdefault((row.get("metadata") or {}).get("tuning_seed"), []).append(row)
            row["sample_id"], row["evaluation_name"], row["evaluation"]["is_correct"], row["input"]["raw"]
        except (KeyError, TypeError, AttributeError) as error:
            raise UserError(f"{file} line {number} is no instance of Every Eval Ever ({error})", _REMEDY) from error
    model = (record.get("model_info") or {}).get("name") or str(rows[0].get("model_id") or name_of(file))
    units = {(row.get("metadata") or {}).get("answer_length_unit") for row in rows}
    return [
        Side(
            str(model),
            [_answer(row) for row in lines],
            [file] if place == 0 else [],
            seed=None if seed is None else int(seed),
            length_unit="tokens" if "tokens" in units else "characters",
        )
        for place, (seed, lines) in enumerate(by_seed.items())
    ]


def _answer(row: Row) -> Answer:
    told, asked, said = row.get("metadata") or {}, row["input"], row.get("output") or {}
    text = "\n".join(map(str, said.get("raw") or ()))
    extracted = [part.get("extracted_value") for part in row.get("answer_attribution") or ()]
    right = bool(row["evaluation"]["is_correct"])
    verdict = RIGHT if right else UNPARSED if extracted and not any(extracted) else WRONG
    length, truncated, logprob = map(told.get, ("answer_length", "truncated", "logprob_of_right_option"))
    return Answer(
        domain=str(told.get("domain") or row["evaluation_name"]),
        question_id=str(row["sample_id"]),
        target="; ".join(map(str, asked.get("reference") or ())),
        verdict=_VERDICTS.get(str(told.get("verdict")), verdict),
        logprob=None if logprob is None else float(logprob),
        length=int(length) if length is not None else len(text) if text else None,
        truncated=None if truncated is None else truncated == "true",
        question=asked.get("raw") or None,
        options=tuple(map(str, asked.get("choices") or ())) or None,
        response=text or None,
    )
