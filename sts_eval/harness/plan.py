"""What an lm_eval run says about a prediction: `--metadata` and `--model_args`, as our own description."""

import functools
from collections.abc import Mapping
from typing import Any

from sts_eval.data.benchmark import Domain, load_benchmark
from sts_eval.data.training_set import load_training_set
from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec, PredictSettings, SAESpec, Spec, TrainingSetSpec
from sts_eval.settings import Setting, describe, settings_of

# Settings that an option of lm_eval makes, so that `--metadata` has no key for them.
SET_ELSEWHERE = {"only": "--tasks", "chat_template": "--apply_chat_template"}

# Read once for all the tasks of a run.
benchmark_of = functools.cache(load_benchmark)
training_set_of = functools.cache(load_training_set)


class Plan(Spec):
    """A prediction as the harness runs it: everything but the model, which the harness loads."""

    model_id: str
    sae: SAESpec
    training_set: TrainingSetSpec
    benchmark: BenchmarkSpec
    settings: PredictSettings


def metadata_keys() -> tuple[Setting, ...]:
    """The settings that `--metadata` takes, by their names."""
    return tuple(one for one in settings_of(Plan) if one.name not in SET_ELSEWHERE)


def plan_from(metadata: Mapping[str, Any], *, chat_template: bool) -> Plan:
    """Read a plan from a task's metadata.

    Raises:
        UserError: No training set is named, or a value is not what its key takes.
    """
    if not metadata.get("sft"):
        raise UserError(
            "no training set is named", "Add --metadata sft=FILE_OR_HUB_ID, such as --metadata sft=GAIR/LIMO"
        )
    given = {key: value for key, value in metadata.items() if key not in SET_ELSEWHERE}
    return describe(
        Plan,
        given | {"chat_template": chat_template},
        lambda name, value: f"--metadata {name}={value!r}",
        model_id=str(metadata.get("pretrained", "")),
    )


def domain_of(spec: BenchmarkSpec, name: str) -> Domain:
    """A domain of a benchmark.

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
