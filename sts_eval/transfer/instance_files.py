"""Instance files of Every Eval Ever (schema 0.3.0), with a line per question; `sts-eval export` writes such files.

A record `UUID.json` describes one model and names its file `UUID_samples.jsonl`. Of a line are read `sample_id`, the
verdict `evaluation.is_correct`, texts where they are there, and what `sts-eval export` puts into `metadata`: domain,
verdict, seed, log-probability, length and truncation. In the files of others the domain is `evaluation_name`.
"""

import hashlib
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from sts_eval.data.files import ending, read_file
from sts_eval.errors import UserError
from sts_eval.records.answers import RIGHT, UNPARSED, VERDICT_NAMES, WRONG
from sts_eval.transfer.answer_table import name_of
from sts_eval.transfer.archives import files_below
from sts_eval.transfer.pairing import Answer, Side

SAMPLES = "_samples"  # at the end of an instance file's name

_VERDICTS = {name: verdict for verdict, name in VERDICT_NAMES.items()}
_REMEDY = "Give an instance file of Every Eval Ever, or the record beside it"


# Earlier schemas have one value where the present one has a list, and other tools write numbers as such.
_Listed = Annotated[
    list[Any], BeforeValidator(lambda value: [value] if isinstance(value, str | int | float) else value)
]
_Text = Annotated[str, BeforeValidator(lambda value: str(value) if isinstance(value, int | float) else value)]


class _Input(BaseModel):
    raw: str
    reference: _Listed | None = None
    choices: list[Any] | None = None


class _Output(BaseModel):
    raw: _Listed | None = None


class _Attribution(BaseModel):
    extracted_value: _Text | None = None


class _Evaluation(BaseModel):
    is_correct: bool


class _Metadata(BaseModel):
    """What an export of ours puts there; all values are texts."""

    domain: str | None = None
    verdict: str | None = None
    tuning_seed: int | None = None
    logprob_of_right_option: float | None = None
    answer_length: int | None = None
    answer_length_unit: str | None = None
    truncated: bool | None = None


class _Line(BaseModel):
    """The parts of a line that are read. Other tools may leave out or set to null what a run of theirs lacks."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    sample_id: str
    evaluation_name: str
    model_id: str | None = None
    input: _Input
    output: Annotated[_Output, BeforeValidator(lambda value: value or {})] = _Output()
    answer_attribution: list[_Attribution] | None = None
    evaluation: _Evaluation
    metadata: Annotated[_Metadata, BeforeValidator(lambda value: value or {})] = _Metadata()


class _Details(BaseModel):
    state: str | None = None  # untuned or tuned, in an export of ours


class _Model(BaseModel):
    name: str
    additional_details: _Details | None = None


class _Described(BaseModel):
    file_path: str | None = None
    hash_algorithm: str | None = None
    checksum: str | None = None


class _Record(BaseModel):
    """The parts of a record that are read; all empty where there is no record."""

    model_info: _Model | None = None
    detailed_evaluation_results: _Described | None = None

    @property
    def state(self) -> str:
        details = self.model_info and self.model_info.additional_details
        return (details and details.state) or ""


class Instances(NamedTuple):
    """An instance file and the record that describes it."""

    file: Path
    record: _Record


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
    found = sorted(_find(folder), key=lambda one: one.record.state, reverse=True)
    if [one.record.state for one in found] != ["untuned", "tuned"]:
        raise UserError(
            f"{folder} does not hold the instance files of one untuned and one tuned model",
            "Give both files, before first",
        )
    return [side for one in found for side in _sides(one)]


def _find(path: Path) -> list[Instances]:
    if path.is_dir():
        files = [file for file in files_below(path) if ending(file) == ".jsonl" and name_of(file).endswith(SAMPLES)]
        if not files:
            raise UserError(f"{path} holds no {SAMPLES}.jsonl file", _REMEDY)
        return [Instances(file, _record(file.parent / _record_name(file))) for file in files]
    if ending(path) == ".json":
        record = _record(path)
        described = record.detailed_evaluation_results
        if described is None or not described.file_path:
            raise UserError(f"{path} names no instance file", _REMEDY)
        file = path.parent / Path(described.file_path).name
        if not file.is_file():
            raise UserError(f"{path} names the instance file {file.name}, which is not beside it", _REMEDY)
        return [Instances(file, record)]
    return [Instances(path, _record(path.parent / _record_name(path)))]


def _record_name(file: Path) -> str:
    return name_of(file).removesuffix(SAMPLES) + ".json"


def _record(path: Path) -> _Record:
    """A record; an empty one where there is no file."""
    if not path.is_file():
        return _Record()
    try:
        return _Record.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise UserError(f"{path} is no record of Every Eval Ever ({_first(error)})", _REMEDY) from error


def _first(error: ValidationError) -> str:
    problem = error.errors()[0]
    return f"{'.'.join(map(str, problem['loc'])) or 'the file'}: {problem['msg']}"


def _sides(instances: Instances) -> list[Side]:
    file, record = instances
    described = record.detailed_evaluation_results
    checksum = described.checksum if described and described.hash_algorithm == "sha256" else None
    if checksum and file.suffix == ".jsonl" and hashlib.sha256(file.read_bytes()).hexdigest() != checksum:
        raise UserError(f"{file} has another checksum than its record names", "Get both files again")
    by_seed: dict[int | None, list[_Line]] = {}
    for number, row in enumerate(read_file(file).rows, start=1):
        try:
            line = _Line.model_validate(row)
        except ValidationError as error:
            told = f"{file} line {number} is no instance of Every Eval Ever ({_first(error)})"
            raise UserError(told, _REMEDY) from error
        by_seed.setdefault(line.metadata.tuning_seed, []).append(line)
    lines = [line for part in by_seed.values() for line in part]
    model = record.model_info and record.model_info.name
    tokens = any(line.metadata.answer_length_unit == "tokens" for line in lines)
    return [
        Side(
            model or lines[0].model_id or name_of(file),
            list(map(_answer, part)),
            [file] if place == 0 else [],
            seed=seed,
            length_unit="tokens" if tokens else "characters",
        )
        for place, (seed, part) in enumerate(by_seed.items())
    ]


def _answer(line: _Line) -> Answer:
    told, given = line.metadata, line.output.raw or []
    text = "\n".join(map(str, given))
    extracted = [part.extracted_value for part in line.answer_attribution or []]
    verdict = RIGHT if line.evaluation.is_correct else UNPARSED if extracted and not any(extracted) else WRONG
    length = told.answer_length
    return Answer(
        domain=told.domain or line.evaluation_name,
        question_id=line.sample_id,
        target="; ".join(map(str, line.input.reference or [])),
        verdict=_VERDICTS.get(told.verdict or "", verdict),
        logprob=told.logprob_of_right_option,
        length=len(text) if length is None and text else length,
        truncated=told.truncated,
        question=line.input.raw or None,
        options=tuple(map(str, line.input.choices or [])) or None,
        response=text or None,
    )
