"""What an lm_eval run says about a prediction: `--metadata` and `--model_args`, as our own description."""

import difflib
import functools
import inspect
from collections.abc import Mapping
from typing import Any

from sts_eval.data.benchmark import Domain, load_benchmark
from sts_eval.data.training_set import load_training_set
from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec, PredictSettings, SAESpec, Spec, TrainingSetSpec
from sts_eval.settings import Setting, describe, settings_of

_ANSWERS = "`sts-eval predict`, which lets a model answer"
_MEANINGS = "`sts-eval predict`, whose record says what the features mean"

# Settings that an option of lm_eval makes, or that its tasks do without, so that `--metadata` has no key for them.
SET_ELSEWHERE = {
    "chat_template": "--apply_chat_template",
    **dict.fromkeys(("demonstrations", "reward", "own_answer_tokens", "answer_field"), _ANSWERS),
    **dict.fromkeys(("meanings", "excerpts", "excerpt_tokens", "neutral_text"), _MEANINGS),
}

# What lm-eval itself writes into a task's metadata.
WRITTEN_BY_LM_EVAL = frozenset({"version", "config_source"})

NEAR = 0.7
"""Similarity, as difflib counts it, from which an unknown key is a known one misspelt."""

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
        UserError: No training set is named, a key is nearly one of ours, or a value is not what its key takes.
    """
    _check_spelling(metadata)
    if not metadata.get("sft"):
        raise UserError(
            "no training set is named", "Add --metadata sft=FILE_OR_HUB_ID, such as --metadata sft=GAIR/LIMO"
        )
    return describe(
        Plan,
        dict(metadata) | {"chat_template": chat_template},
        lambda name, value: f"--metadata {name}={value!r}",
        model_id=str(metadata.get("pretrained", "")),
    )


def unread_keys(metadata: Mapping[str, Any]) -> list[str]:
    """Keys that neither a prediction nor lm-eval's class of Hugging Face models names.

    Further arguments of a model and keys of other tasks in the same run arrive here too, so they may be meant so.
    """
    from lm_eval.models.huggingface import HFLM

    ours = {name for one in settings_of(Plan) for name in (one.name, *one.older)}
    return sorted(set(metadata) - ours - WRITTEN_BY_LM_EVAL - set(inspect.signature(HFLM.__init__).parameters))


def _check_spelling(metadata: Mapping[str, Any]) -> None:
    """Refuse keys that are likely meant for a prediction.

    Raises:
        UserError: A key is set elsewhere, or is unknown and near to a known one.
    """
    for key, option in SET_ELSEWHERE.items():
        if key in metadata:
            raise UserError(f"--metadata has no key {key!r}", f"Use {option}")
    names = {_plain(name): name for one in metadata_keys() for name in (one.name, *one.older)}
    for key in unread_keys(metadata):
        near = difflib.get_close_matches(_plain(key), names, n=1, cutoff=NEAR)
        if near:
            raise UserError(f"--metadata has no key {key!r}", f"Did you mean {names[near[0]]!r}?")


def _plain(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "")


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
