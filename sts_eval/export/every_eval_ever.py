"""Accuracy as records of Every Eval Ever (https://github.com/evaleval/every_eval_ever), schema 0.3.0.

One record a model state, at `data/BENCHMARK/DEVELOPER/MODEL/UUID.json`, and beside it `UUID_samples.jsonl` with a line
per question and tuned model. Where the schema wants what a run does not know it gets what the schema has for that: the
text `unknown`, the relationship `other`, an empty list of references. The name of a record follows from the run, so
that the same export made twice is the same file.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sts_eval.errors import UserError
from sts_eval.export.accuracy import Accuracy, Scores, State
from sts_eval.export.instances import instance_lines
from sts_eval.export.names import (
    UNKNOWN,
    checked_line,
    checked_name,
    checked_repository,
    is_repository,
    portable,
    portable_each,
)
from sts_eval.export.source import Source
from sts_eval.export.writing import Exported
from sts_eval.statistics.paired import POINTS
from sts_eval.submission.plausibility import read_time

SCHEMA_VERSION = "0.3.0"

_ENGINES = {"hf": "transformers", "hf-packed": "transformers"}
"""The engine behind lm-eval's name of a model class, where it is another name."""

_SCRIPTS = {"lm-eval": "lm_eval", "mmlu-pro": "MMLU-Pro evaluate_from_local.py"}
"""What made the results that each import format reads."""


@dataclass(frozen=True)
class _Model:
    """A model as a record names it: its id is also the end of the folder's path."""

    name: str
    developer: str
    repository: str
    given: bool

    @property
    def id(self) -> str:
        return f"{self.developer}/{self.repository}"


@dataclass(frozen=True)
class _Naming:
    """What every result of a record is named after. `parts` has a name that stays apart for each domain."""

    evaluation_id: str
    benchmark: str
    parts: dict[str, str]

    def result(self, domain: str | None) -> str:
        return self.benchmark if domain is None else f"{self.benchmark}.{self.parts[domain]}"


def to_every_eval_ever(
    source: Source,
    *,
    states: Sequence[State] = ("before", "after"),
    base_id: str | None = None,
    model_id: str | None = None,
    benchmark: str | None = None,
    dataset_id: str | None = None,
    organization: str | None = None,
    instances: bool = True,
) -> Exported:
    """Make the records of a run.

    Args:
        source: The run.
        states: Which models: the untuned one, the tuned ones (mean over seeds), or both.
        base_id: The untuned model's repository; as the record names it if None.
        model_id: The tuned model's repository; developer `unknown` and a made name if None.
        benchmark: What was asked; as the record names it if None.
        dataset_id: Its dataset on the hub; known for MMLU-Pro.
        organization: Who provides the data; the submitter if None.
        instances: Whether single answers are written too, where the run has them.

    Raises:
        UserError: An option is malformed, the benchmark is not named, both models would be one, a time in the record
            is none, or a wanted state's accuracy is not known.
    """
    asked = checked_name(benchmark, "--benchmark") if benchmark else source.benchmark
    if asked is None:
        raise UserError("the record does not name its benchmark", "Give --benchmark NAME")
    if dataset_id:
        checked_repository(dataset_id, "--dataset-id")
    if organization:
        checked_line(organization, "--organization")
    models: dict[State, _Model] = {
        "before": _model(base_id, "--base-id", source.base.hub_id, source.base.name),
        "after": _model(model_id, "--model-id", None, source.tuned),
    }
    if models["before"].id == models["after"].id:
        raise UserError(
            f"{models['before'].id} would be the untuned and the tuned model", "Give --base-id or --model-id OWNER/NAME"
        )
    files: dict[str, bytes] = {}
    for state in states:
        maker = _Maker(source, state, models[state], models["before"], asked, dataset_id, organization)
        files |= maker.files(instances=instances)
    options = {"before": "--base-id", "after": "--model-id"}
    notes = [
        f"nobody is named as developer of {models[state].name}; {options[state]} OWNER/NAME names it"
        for state in states
        if not models[state].given
    ]
    return Exported(files, tuple(notes))


def _model(given: str | None, option: str, hub_id: str | None, name: str) -> _Model:
    identity = checked_repository(given, option) if given else hub_id
    if identity is None or not is_repository(identity):
        return _Model(name, UNKNOWN, portable(name), given=False)
    developer, _, repository = identity.partition("/")
    return _Model(identity, portable(developer), portable(repository), given=True)


@dataclass(frozen=True)
class _Maker:
    """One record in the making."""

    source: Source
    state: State
    model: _Model
    base: _Model
    asked: str
    dataset_id: str | None
    organization: str | None

    def files(self, *, instances: bool) -> dict[str, bytes]:
        known = self.source.known(self.state)
        moment = read_time(self.source.created)
        if moment is None:
            raise UserError(f"the record's time {self.source.created!r} is no time in UTC", "Make the record again")
        collection, epoch = portable(self.asked), f"{moment.timestamp():.1f}"
        domains = [scores.domain for scores, _ in known if scores.domain is not None]
        naming = _Naming(
            evaluation_id=f"{collection}/{self.model.id}/{epoch}",
            benchmark=collection,
            parts=dict(zip(domains, portable_each(domains), strict=True)),
        )
        stem = f"data/{collection}/{self.model.id}/{self._uuid()}"
        record = {
            "schema_version": SCHEMA_VERSION,
            "evaluation_id": naming.evaluation_id,
            **({"evaluation_timestamp": self.source.evaluated} if self.source.evaluated else {}),
            "retrieved_timestamp": epoch,
            "source_metadata": self._source_metadata(),
            "eval_library": self._eval_library(),
            "model_info": self._model_info(),
            "evaluation_results": [self._result(scores, found, naming) for scores, found in known],
        }
        if not (instances and self.source.transfer):
            return {f"{stem}.json": _dumped(record)}
        lines = instance_lines(
            self.source.transfer, self.state, SCHEMA_VERSION, naming.evaluation_id, self.model.id, naming.result
        )
        content = b"".join(lines)
        record["detailed_evaluation_results"] = {
            "format": "jsonl",
            "file_path": f"{stem}_samples.jsonl",
            "hash_algorithm": "sha256",
            "checksum": hashlib.sha256(content).hexdigest(),
            "total_rows": len(lines),
        }
        return {f"{stem}.json": _dumped(record), f"{stem}_samples.jsonl": content}

    def _uuid(self) -> uuid.UUID:
        """Of version 4, as the project wants it, with the run's hash for chance."""
        digest = hashlib.sha256(f"{self.source.sha256} {self.state}".encode()).digest()
        return uuid.UUID(bytes=digest[:16], version=4)

    def _source_metadata(self) -> dict[str, Any]:
        source = self.source
        details: dict[str, str] = {"origin": source.origin, "record_sha256": source.sha256}
        if source.url:
            details["url"] = source.url
        if source.submitter:
            details["submitter"] = source.submitter
        if imported := source.imported:
            details["import_format"] = imported.format
            details["import_files"] = _json(imported.sources)
            details["import_sha256"] = _json(imported.sources_sha256)
        if source.transfer and source.transfer.prediction:
            details["prediction_sha256"] = source.transfer.prediction.prediction_sha256
        # Who tuned a model here also measured it; of an untuned model's maker nothing is known.
        tuned_here = self.state == "after" and source.measured and source.transfer and source.transfer.tuning
        return {
            **({"source_name": "sts-eval"} if source.origin == "measured" else {}),
            "source_type": "evaluation_run" if source.transfer else "documentation",
            "source_organization_name": self.organization or source.submitter or UNKNOWN,
            "evaluator_relationship": "first_party" if tuned_here else "other",
            "additional_details": details,
        }

    def _eval_library(self) -> dict[str, str]:
        if self.source.origin == "measured":
            return {"name": "lm_eval", "version": dict(self.source.versions).get("lm-eval", UNKNOWN)}
        form = self.source.imported.format if self.source.imported else ""
        return {"name": _SCRIPTS.get(form, UNKNOWN), "version": UNKNOWN}

    def _model_info(self) -> dict[str, Any]:
        source, measured, untuned = self.source, self.source.measured, self.state == "before"
        details = {
            "deployment_type": "self_deployed" if source.origin == "measured" else UNKNOWN,
            "model_availability": "open_weights" if untuned and source.base.revision else UNKNOWN,
            "state": "untuned" if untuned else "tuned",
        }
        if source.base.revision:
            details["revision" if untuned else "base_model_revision"] = source.base.revision
        if not untuned:
            details |= self._tuning_details()
        info: dict[str, Any] = {"name": self.model.name, "id": self.model.id}
        if self.model.given:
            info["developer"] = self.model.developer
        if measured:
            engine = _ENGINES.get(measured.backend, measured.backend)
            version = dict(source.versions).get(engine)
            info["inference_engine"] = {"name": engine, **({"version": version} if version else {})}
        return {**info, "additional_details": details}

    def _tuning_details(self) -> dict[str, str]:
        details = {"base_model": self.base.id}
        if self.source.training_set:
            details["training_set"] = self.source.training_set
        transfer = self.source.transfer
        if transfer and transfer.tuning:
            details["tuning_method"] = transfer.tuning.settings.method
            details["tuning_seeds"] = _json([run.seed for run in transfer.tuning.runs])
            details["tuned_weights_sha256"] = _json([run.weights_sha256 for run in transfer.tuning.runs])
        return details

    def _result(self, scores: Scores, found: Accuracy, naming: _Naming) -> dict[str, Any]:
        name = naming.result(scores.domain)
        result: dict[str, Any] = {
            "evaluation_result_id": name,
            "evaluation_name": name,
            "source_data": self._source_data(),
            "metric_config": {
                "evaluation_description": "Proportion of questions answered right; an unreadable answer is wrong",
                "metric_id": "accuracy",
                "metric_name": "Accuracy",
                "metric_kind": "accuracy",
                "metric_unit": "proportion",
                "lower_is_better": False,
                "score_type": "continuous",
                "min_score": 0,
                "max_score": 1,
            },
            "score_details": self._score_details(scores, found),
        }
        if generation := self._generation():
            result["generation_config"] = generation
        return result

    def _source_data(self) -> dict[str, Any]:
        repository = self.dataset_id or self.source.dataset_id
        if repository:
            return {"dataset_name": self.asked, "source_type": "hf_dataset", "hf_repo": repository}
        return {"dataset_name": self.asked, "source_type": "other"}

    def _score_details(self, scores: Scores, found: Accuracy) -> dict[str, Any]:
        details = {"level": "all questions" if scores.domain is None else "domain", "questions": str(found.n)}
        if scores.domain is not None:
            details["domain"] = scores.domain
        if found.by_seed:
            details["aggregation"] = "mean over tuning seeds"
            details["seeds"] = str(len(found.by_seed))
            details["accuracy_by_seed"] = _json(found.by_seed)
        if self.state == "after" and scores.before:
            details["change_points"] = _json(POINTS * (found.value - scores.before.value))
        made: dict[str, Any] = {"score": found.value, "details": details}
        if found.se is not None:
            error = {"value": found.se, "method": f"analytic, over {found.se_over}"}
            made["uncertainty"] = {"standard_error": error, "num_samples": found.n}
        return made

    def _generation(self) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if self.source.command:
            made["generation_args"] = {"execution_command": self.source.command}
        if measured := self.source.measured:
            details = {
                "task": measured.task,
                "backend": measured.backend,
                "scored_questions": measured.questions,
                "questions_left_out": str(measured.n_read),
            }
            if measured.num_fewshot is not None:
                details["num_fewshot"] = str(measured.num_fewshot)
            made["additional_details"] = details
        return made


def _json(value: Any) -> str:
    """The schema's details are texts."""
    return json.dumps(value)


def _dumped(record: dict[str, Any]) -> bytes:
    return (json.dumps(record, indent=2, allow_nan=False) + "\n").encode()
