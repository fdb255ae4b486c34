"""What an lm_eval run says about a prediction: `--metadata` and `--model_args`, as our own description."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from sts_eval.data.benchmark import Benchmark, Domain, load_benchmark
from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec, PredictSettings, SAESpec, Spec, TrainingSetSpec

# The keys of --metadata, beside the fields of PredictSettings, which go by their own names.
_SAE_KEYS = {
    "sae_release": "release",
    "sae_id": "id",
    "sae_path": "path",
    "hook": "hook",
    "layer": "layer",
    "allow_pickle": "allow_pickle",
}
_TRAINING_KEYS = {
    "sft": "source",
    "sft_revision": "revision",
    "sft_split": "split",
    "question_field": "question_field",
    "solution_field": "solution_field",
    "suffix": "suffix",
}


class Plan(Spec):
    """A prediction as the harness runs it: everything but the model, which the harness loads."""

    model_id: str
    sae: SAESpec
    training_set: TrainingSetSpec
    benchmark: BenchmarkSpec
    settings: PredictSettings


def resolved(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata with values in place of the functions that a YAML file named with `!function`."""
    return {key: str(value()) if callable(value) else value for key, value in metadata.items()}


def plan_from(metadata: Mapping[str, Any], *, chat_template: bool) -> Plan:
    """Read a plan from a task's metadata.

    Raises:
        UserError: No training set is named, or a value is not what its key takes.
    """
    if not metadata.get("sft"):
        raise UserError(
            "no training set is named", "Add --metadata sft=FILE_OR_HUB_ID, such as --metadata sft=GAIR/LIMO"
        )
    settings = {key: metadata[key] for key in PredictSettings.model_fields if key in metadata}
    if isinstance(settings.get("predictors"), str):
        settings["predictors"] = settings["predictors"].split(";")
    if "seeds" in settings and not isinstance(settings["seeds"], list | tuple):
        settings["seeds"] = [settings["seeds"]]
    try:
        return Plan(
            model_id=str(metadata.get("pretrained", "")),
            sae=SAESpec(**_taken(metadata, _SAE_KEYS)),
            training_set=TrainingSetSpec(**_taken(metadata, _TRAINING_KEYS)),
            benchmark=BenchmarkSpec(source=str(metadata.get("benchmark", "mmlu_pro"))),
            settings=PredictSettings(**{**settings, "chat_template": chat_template}),
        )
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise UserError(f"--metadata {key}={first['input']!r}: {first['msg']}", "Correct that value") from error


def domain_of(spec: BenchmarkSpec, name: str) -> Domain:
    """A domain of a benchmark, which is read once for all the tasks of a run.

    Raises:
        UserError: The benchmark cannot be read, or has no questions in that domain.
    """
    domains = benchmark_of(spec).domains
    if name not in domains:
        raise UserError(
            f"{spec.source} has no questions in domain {name!r}",
            f"Add some, or name only the tasks of its own domains: {', '.join(domains)}",
        )
    return domains[name]


@functools.cache
def benchmark_of(spec: BenchmarkSpec) -> Benchmark:
    """A benchmark, read once for all the tasks of a run."""
    return load_benchmark(spec)


def _taken(metadata: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, Any]:
    return {field: metadata[key] for key, field in keys.items() if metadata.get(key) is not None}
