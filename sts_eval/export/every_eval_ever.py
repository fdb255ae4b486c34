"""Accuracy as records of Every Eval Ever (https://github.com/evaleval/every_eval_ever), schema 0.3.0.

One record a model state, at `data/BENCHMARK/DEVELOPER/MODEL/UUID.json`, and beside it `UUID_samples.jsonl` with a line
per question and tuned model. Where the schema wants what a run does not know it gets what the schema has for that: the
text `unknown`, the relationship `other`, an empty list of references. The name of a record follows from the run, so
that the same export made twice is the same file.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sts_eval.errors import UserError
from sts_eval.export.accuracy import Scores, State
from sts_eval.export.names import UNKNOWN, checked, is_repository, portable, result_names
from sts_eval.export.source import Source
from sts_eval.export.writing import Exported
from sts_eval.records.answers import RIGHT, VERDICT_NAMES, Replies
from sts_eval.records.transfer import Transfer
from sts_eval.statistics.paired import POINTS
from sts_eval.submission.times import read_time

SCHEMA_VERSION = "0.3.0"

_OPTIONS: dict[State, str] = {"before": "--base-id", "after": "--model-id"}  # that name the repository of a model

# The engine behind lm-eval's name of a model class, where it is another name.
_ENGINES = {"hf": "transformers", "hf-packed": "transformers"}

# What made the results that each import format reads.
_SCRIPTS = {"lm-eval": "lm_eval", "mmlu-pro": "MMLU-Pro evaluate_from_local.py"}

_METRIC = {
    "evaluation_description": "Proportion of questions answered right; an unreadable answer is wrong",
    "metric_id": "accuracy",
    "metric_name": "Accuracy",
    "metric_kind": "accuracy",
    "metric_unit": "proportion",
    "lower_is_better": False,
    "score_type": "continuous",
    "min_score": 0,
    "max_score": 1,
}


class _Model(NamedTuple):
    """A model as a record names it."""

    name: str
    id: str  # also the end of the folder's path
    developer: str | None


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
    """Make the records of a run: of the untuned model, the tuned ones (mean over seeds), or both.

    The repositories of the untuned (`base_id`) and tuned model, the benchmark and its dataset on the hub are as the
    record names them if None; of a tuned model without repository the developer is `unknown` and the name is made.
    The data are provided by an organization, or the submitter if None. Single answers (`instances`) are written where
    the run has them.

    Raises:
        UserError: An option is malformed, the benchmark is not named, both models would be one, or a time in the record
            is none.
    """
    asked = checked(benchmark, "--benchmark", "name") or source.benchmark
    if asked is None:
        raise UserError("the record does not name its benchmark", "Give --benchmark NAME")
    repository = checked(dataset_id, "--dataset-id", "repository") or source.dataset_id
    organization = checked(organization, "--organization", "line") or source.submitter or UNKNOWN
    models: dict[State, _Model] = {
        "before": _model(base_id, _OPTIONS["before"], source.base_id, source.base),
        "after": _model(model_id, _OPTIONS["after"], None, source.tuned),
    }
    if models["before"].id == models["after"].id:
        problem = f"{models['before'].id} would be the untuned and the tuned model"
        raise UserError(problem, "Give --base-id or --model-id OWNER/NAME")
    moment = read_time(source.created)
    if moment is None:
        raise UserError(f"the record's time {source.created!r} is no time in UTC", "Make the record again")
    shared = _Shared(
        source=source,
        organization=organization,
        collection=portable(asked),
        epoch=f"{moment.timestamp():.1f}",
        source_data={
            "dataset_name": asked,
            "source_type": "hf_dataset" if repository else "other",
            **_known(hf_repo=repository),
        },
        base=models["before"],
    )
    notes = [
        f"nobody is named as developer of {models[state].name}; {_OPTIONS[state]} OWNER/NAME names it"
        for state in states
        if models[state].developer is None
    ]
    files: dict[str, str] = {}
    for state in states:
        files |= _files_of(shared, state, models[state], instances=instances)
    return Exported(files, tuple(notes))


class _Shared(NamedTuple):
    """What the records of both model states have in common."""

    source: Source
    organization: str
    collection: str  # the benchmark, as a part of paths
    epoch: str  # when the run's record was made, in seconds
    source_data: dict[str, str]
    base: _Model


def _files_of(shared: _Shared, state: State, model: _Model, *, instances: bool) -> dict[str, str]:
    """The record of one model state, and its single answers, by path."""
    source, collection = shared.source, shared.collection
    names = result_names(collection, ".", source.domains)
    # Of version 4, as the project wants it, with the run's hash for chance.
    digest = hashlib.sha256(f"{source.sha256} {state}".encode()).digest()
    stem = f"data/{collection}/{model.id}/{uuid.UUID(bytes=digest[:16], version=4)}"
    head = {"schema_version": SCHEMA_VERSION, "evaluation_id": f"{collection}/{model.id}/{shared.epoch}"}
    lines: list[str] = []
    if instances and source.transfer:
        lines = _answer_lines(source.transfer, state, {**head, "model_id": model.id}, names)
    record = {
        **head,
        **_known(evaluation_timestamp=source.evaluated),
        "retrieved_timestamp": shared.epoch,
        "source_metadata": _source_metadata(source, state, shared.organization),
        "eval_library": _library(source),
        "model_info": _model_info(source, state, model, shared.base),
        "evaluation_results": _results(source, state, names, shared.source_data),
    }
    samples = "".join(lines)
    if samples:
        record["detailed_evaluation_results"] = {
            "format": "jsonl",
            "file_path": f"{stem}_samples.jsonl",
            "hash_algorithm": "sha256",
            "checksum": hashlib.sha256(samples.encode()).hexdigest(),
            "total_rows": len(lines),
        }
    files = {f"{stem}.json": json.dumps(record, indent=2, allow_nan=False) + "\n"}
    return files | ({f"{stem}_samples.jsonl": samples} if samples else {})


def _library(source: Source) -> dict[str, str]:
    if source.origin == "measured":
        return {"name": "lm_eval", "version": source.versions.get("lm-eval", UNKNOWN)}
    name = _SCRIPTS.get(source.imported.format, UNKNOWN) if source.imported else UNKNOWN
    return {"name": name, "version": UNKNOWN}


def _model(given: str | None, option: str, hub_id: str | None, name: str) -> _Model:
    identity = checked(given, option, "repository") or hub_id
    if identity is None or not is_repository(identity):
        return _Model(name, f"{UNKNOWN}/{portable(name)}", None)
    developer, repository = map(portable, identity.split("/"))
    return _Model(identity, f"{developer}/{repository}", developer)


def _source_metadata(source: Source, state: State, organization: str) -> dict[str, Any]:
    imported, transfer = source.imported, source.transfer
    # Who tuned a model here also measured it; of an untuned model's maker nothing is known.
    tuned_here = state == "after" and source.measured and transfer and transfer.tuning
    return {
        **_known(source_name="sts-eval" if source.origin == "measured" else None),
        "source_type": "evaluation_run" if transfer else "documentation",
        "source_organization_name": organization,
        "evaluator_relationship": "first_party" if tuned_here else "other",
        "additional_details": _known(
            origin=source.origin,
            record_sha256=source.sha256,
            url=source.url,
            submitter=source.submitter,
            import_format=imported and imported.format,
            import_files=imported and json.dumps(imported.sources),
            import_sha256=imported and json.dumps(imported.sources_sha256),
            prediction_sha256=transfer and transfer.prediction and transfer.prediction.prediction_sha256,
        ),
    }


def _model_info(source: Source, state: State, model: _Model, base: _Model) -> dict[str, Any]:
    untuned, revision = state == "before", source.base_revision
    details = {
        "deployment_type": "self_deployed" if source.origin == "measured" else UNKNOWN,
        "model_availability": "open_weights" if untuned and revision else UNKNOWN,
        "state": "untuned" if untuned else "tuned",
    }
    if untuned:
        details |= _known(revision=revision)
    else:
        tuning = source.transfer and source.transfer.tuning
        details |= _known(
            base_model_revision=revision,
            base_model=base.id,
            training_set=source.training_set,
            tuning_method=tuning and tuning.settings.method,
            tuning_seeds=tuning and json.dumps([run.seed for run in tuning.runs]),
            tuned_weights_sha256=tuning and json.dumps([run.weights_sha256 for run in tuning.runs]),
        )
    engine = None
    if measured := source.measured:
        name = _ENGINES.get(measured.backend, measured.backend)
        engine = {"name": name, **_known(version=source.versions.get(name))}
    return {
        "name": model.name,
        "id": model.id,
        **_known(developer=model.developer, inference_engine=engine),
        "additional_details": details,
    }


def _results(
    source: Source, state: State, names: Mapping[str | None, str], source_data: dict[str, str]
) -> list[dict[str, Any]]:
    details = {}
    if measured := source.measured:
        details = {
            "task": measured.task,
            "backend": measured.backend,
            "scored_questions": measured.questions,
            "questions_left_out": str(measured.n_read),
        }
        if measured.num_fewshot is not None:
            details["num_fewshot"] = str(measured.num_fewshot)
    arguments = _known(execution_command=source.command)
    generation = _known(generation_args=arguments, additional_details=details)
    return [
        {
            "evaluation_result_id": names[scores.domain],
            "evaluation_name": names[scores.domain],
            "source_data": source_data,
            "metric_config": _METRIC,
            "score_details": _score_details(scores, state),
            **_known(generation_config=generation),
        }
        for scores in source.scores
    ]


def _score_details(scores: Scores, state: State) -> dict[str, Any]:
    found = scores.of(state)
    details = {"level": "all questions" if scores.domain is None else "domain", "questions": str(found.n)}
    if scores.domain is not None:
        details["domain"] = scores.domain
    if found.by_seed:
        details["aggregation"] = "mean over tuning seeds"
        details["seeds"] = str(len(found.by_seed))
        details["accuracy_by_seed"] = json.dumps(found.by_seed)
    if state == "after":
        details["change_points"] = json.dumps(POINTS * (found.value - scores.before.value))
    made: dict[str, Any] = {"score": found.value, "details": details}
    if found.se is not None:
        error = {"value": found.se, "method": f"analytic, over {found.se_over}"}
        made["uncertainty"] = {"standard_error": error, "num_samples": found.n}
    return made


def _answer_lines(
    transfer: Transfer, state: State, head: Mapping[str, str], names: Mapping[str | None, str]
) -> list[str]:
    """One line per question of each domain, and for tuned models per seed, in the instance-level schema.

    The mean of a domain's scores is the score of its result in the record. The texts of questions and answers, which
    the schema wants, are not in a run: they are empty, and each line says so. `sample_id` is the benchmark's own id,
    by which the question can be looked up. Every line begins with `head`; `names` are those of the domains' results.
    """
    lines = []
    for table in transfer.answers:
        sides: list[tuple[int | None, Replies]] = (
            [(None, table.before)] if state == "before" else list(zip(transfer.seeds, table.after, strict=True))
        )
        for seed, replies in sides:
            for place, question in enumerate(table.question_ids):
                right = replies.verdicts[place] == RIGHT
                row = {
                    **head,
                    "evaluation_name": names[table.domain],
                    "evaluation_result_id": names[table.domain],
                    "sample_id": question,
                    "interaction_type": "single_turn",
                    "input": {"raw": "", "reference": []},
                    "output": {"raw": []},
                    "answer_attribution": [],
                    "evaluation": {"score": float(right), "is_correct": right},
                    "metadata": {
                        "domain": table.domain,
                        "texts": "not recorded",
                        "verdict": VERDICT_NAMES[replies.verdicts[place]],
                        **_known(
                            tuning_seed=None if seed is None else str(seed),
                            logprob_of_right_option=replies.logprob and repr(replies.logprob[place]),
                            answer_length=replies.lengths and str(replies.lengths[place]),
                            answer_length_unit=replies.lengths and transfer.length_unit,
                            truncated=replies.truncated and ("true" if replies.truncated[place] == "1" else "false"),
                        ),
                    },
                }
                # Escaped throughout: some readers take U+2028 and U+0085 for the end of a line.
                lines.append(json.dumps(row, allow_nan=False) + "\n")
    return lines


def _known(**values: Any) -> dict[str, Any]:
    """The values that are there. Details in the schema are texts, so none of them is a number that may be 0."""
    return {name: value for name, value in values.items() if value}
