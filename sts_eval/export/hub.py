"""Accuracy as entries of the hub's `.eval_results/*.yaml`, which a model repository shows on its page.

An entry names a dataset that is a benchmark and one of the tasks that the dataset's `eval.yaml` defines; it becomes a
rank on that benchmark's leaderboard. All questions together are such an entry. Domains are not: their task ids are the
task's with the domain behind it, in a file of their own, so that no domain can be taken for the benchmark, and so that
the hub may refuse that file without losing the other.

Values are per cent, as in the files that stand on the hub for MMLU-Pro.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from sts_eval.errors import UserError
from sts_eval.export.accuracy import Accuracy, Scores, State
from sts_eval.export.names import checked_name, checked_repository, one_line, portable, portable_each
from sts_eval.export.source import Source
from sts_eval.export.writing import Exported

if TYPE_CHECKING:
    from huggingface_hub import EvalResultEntry

FOLDER = ".eval_results"

TASKS = {"TIGER-Lab/MMLU-Pro": "mmlu_pro"}
"""The task under which a dataset's results stand in model repositories on the hub."""

_DIGITS = 6
"""Of a value in per cent: further ones are the binary fraction's."""


class _Quoted(str):
    """A text that is quoted, whichever version of YAML reads it."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """YAML with quoted texts. Without quotes `1e3` and `0o7` are texts in YAML 1.1 and numbers in 1.2."""


def _represent_quoted(dumper: yaml.SafeDumper, text: _Quoted) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", str(text), style='"')


_Dumper.add_representer(_Quoted, _represent_quoted)


def to_hub(
    source: Source, *, which: State = "after", dataset_id: str | None = None, task_id: str | None = None
) -> Exported:
    """Make the files of one model's repository.

    Args:
        source: The run.
        which: Whose accuracy: the untuned model's, or the tuned ones' mean over seeds.
        dataset_id: The benchmark's dataset on the hub; as the record names it if None.
        task_id: The task, as the dataset's `eval.yaml` names it; known for MMLU-Pro.

    Raises:
        UserError: huggingface_hub knows no such entries, the dataset or its task is not known, or the accuracy is not.
    """
    dataset, task = _target(source, dataset_id, task_id)
    known = source.known(which)
    domains = [scores.domain for scores, _ in known if scores.domain is not None]
    tasks = [f"{task}_{name}" for name in portable_each(domains)]
    whole = [_entry(source, scores, found, dataset, task) for scores, found in known if scores.domain is None]
    parts = [
        _entry(source, scores, found, dataset, name)
        for (scores, found), name in zip(known[len(whole) :], tasks, strict=True)
    ]
    stem, notes = f"{FOLDER}/{portable(task)}", []
    files = {}
    if whole:
        files[f"{stem}.yaml"] = _dumped(whole)
    if parts:
        files[f"{stem}-domains.yaml"] = _dumped(parts)
        notes.append(f"{dataset} has to define the tasks {task}_DOMAIN for the hub to rank single domains")
    return Exported(files, tuple(notes))


def _target(source: Source, dataset_id: str | None, task_id: str | None) -> tuple[str, str]:
    dataset = checked_repository(dataset_id, "--dataset-id") if dataset_id else source.dataset_id
    if dataset is None:
        named = (
            f"{one_line(source.benchmark)!r}, which is no dataset on the hub" if source.benchmark else "no benchmark"
        )
        raise UserError(f"the record names {named}", "Give --dataset-id OWNER/NAME and --task-id ID")
    task = task_id or TASKS.get(dataset)
    if task is None:
        raise UserError(f"the task of {dataset} is not known", "Give --task-id ID, as its eval.yaml names it")
    return dataset, checked_name(task, "--task-id")


def _entry(source: Source, scores: Scores, found: Accuracy, dataset: str, task: str) -> EvalResultEntry:
    try:
        from huggingface_hub import EvalResultEntry
    except ImportError as error:
        raise _too_old() from error
    return EvalResultEntry(
        dataset_id=dataset,
        task_id=task,
        value=round(100 * found.value, _DIGITS),
        date=source.evaluated,
        source_url=source.url,
        source_name="sts-eval" if source.url else None,
        notes=_notes(source, scores, found),
    )


def _too_old() -> UserError:
    import huggingface_hub

    return UserError(
        f"huggingface_hub {huggingface_hub.__version__} has no entries for evaluation results",
        "Upgrade it with `pip install -U huggingface_hub`",
    )


def _notes(source: Source, scores: Scores, found: Accuracy) -> str:
    """How the value came about. The reader sees nothing else of it."""
    if found is scores.before:
        model = "untuned model"
    elif found.by_seed:
        model = f"mean over {len(found.by_seed)} tuning seed{'s' * (len(found.by_seed) > 1)}"
    else:
        model = "tuned model, number of seeds unknown"
    parts = [model]
    if found.se is not None:
        parts.append(f"SE {100 * found.se:.2f} points over {found.se_over}")
    parts.append(f"{found.n} questions")
    if scores.domain is None:
        parts.append(f"{sum(one.domain is not None for one in source.scores)} domains, each question counts once")
    else:
        parts.append(f"domain {one_line(scores.domain)}")
    if measured := source.measured:
        shots = "" if measured.num_fewshot is None else f", {measured.num_fewshot}-shot"
        parts.append(f"lm-eval task {one_line(measured.task)}{shots}")
        if measured.n_read:
            parts.append(f"{measured.n_read} questions that a prediction had read left out of the run")
    elif source.origin != "measured":
        parts.append(f"{source.origin}, not measured by sts-eval")
    return "; ".join(parts)


def _dumped(entries: list[EvalResultEntry]) -> bytes:
    from huggingface_hub import eval_result_entries_to_yaml

    plain = _quoted(eval_result_entries_to_yaml(entries))
    text: str = yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))
    return text.encode()


def _quoted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _quoted(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_quoted(one) for one in value]
    return _Quoted(value) if isinstance(value, str) else value
