"""Accuracy as entries of the hub's `.eval_results/*.yaml`, which a model repository shows on its page.

An entry names a dataset that is a benchmark and one of the tasks that the dataset's `eval.yaml` defines; it becomes a
rank on that benchmark's leaderboard. All questions together are such an entry. Domains are not: their task ids are the
task's with the domain behind it, in a file of their own, so that no domain can be taken for the benchmark, and so that
the hub may refuse that file without losing the other.

Values are per cent, as in the files that stand on the hub for MMLU-Pro.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from sts_eval.errors import UserError
from sts_eval.export.accuracy import Scores, State
from sts_eval.export.names import checked, one_line, portable, result_names
from sts_eval.export.source import Source
from sts_eval.export.writing import Exported

FOLDER = ".eval_results"

# The task under which a dataset's results stand in model repositories on the hub.
TASKS = {"TIGER-Lab/MMLU-Pro": "mmlu_pro"}

_DIGITS = 6  # of a value in per cent: further ones are the binary fraction's


def to_hub(
    source: Source, *, which: State = "after", dataset_id: str | None = None, task_id: str | None = None
) -> Exported:
    """Make the files of the untuned model's repository, or of the tuned one's (mean over seeds).

    The benchmark's dataset on the hub is as the record names it if None; its task, as the dataset's `eval.yaml` names
    it, is known for MMLU-Pro.

    Raises:
        UserError: The dataset or its task is not known.
    """
    dataset = checked(dataset_id, "--dataset-id", "repository") or source.dataset_id
    if dataset is None:
        benchmark = source.benchmark
        named = f"{one_line(benchmark)!r}, which is no dataset on the hub" if benchmark else "no benchmark"
        raise UserError(f"the record names {named}", "Give --dataset-id OWNER/NAME and --task-id ID")
    task = checked(task_id, "--task-id", "name") or TASKS.get(dataset)
    if task is None:
        raise UserError(f"the task of {dataset} is not known", "Give --task-id ID, as its eval.yaml names it")
    tasks = result_names(task, "_", source.domains)
    whole = [scores for scores in source.scores if scores.domain is None]
    domains = [scores for scores in source.scores if scores.domain is not None]
    files = {
        f"{FOLDER}/{portable(task)}{ending}.yaml": _entries(source, which, dataset, tasks, results)
        for ending, results in (("", whole), ("-domains", domains))
        if results
    }
    note = f"{dataset} has to define the tasks {task}_DOMAIN for the hub to rank single domains"
    return Exported(files, (note,) if domains else ())


def _entries(
    source: Source, which: State, dataset: str, tasks: Mapping[str | None, str], results: Sequence[Scores]
) -> str:
    """The text of a file with one entry for each result."""
    from huggingface_hub import EvalResultEntry, eval_result_entries_to_yaml

    entries = [
        EvalResultEntry(
            dataset_id=dataset,
            task_id=tasks[scores.domain],
            value=round(100 * scores.of(which).value, _DIGITS),
            date=source.evaluated,
            source_url=source.url,
            source_name="sts-eval" if source.url else None,
            notes=_notes(source, which, scores),
        )
        for scores in results
    ]
    plain = eval_result_entries_to_yaml(entries)
    text: str = yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf"))
    return text


def _notes(source: Source, which: State, scores: Scores) -> str:
    """How the value came about. The reader sees nothing else of it."""
    found = scores.of(which)
    n_seeds = len(found.by_seed)
    if which == "before":
        parts = ["untuned model"]
    elif n_seeds:
        parts = [f"mean over {n_seeds} tuning seed{'s' if n_seeds > 1 else ''}"]
    else:
        parts = ["tuned model, number of seeds unknown"]
    if found.se is not None:
        parts.append(f"SE {100 * found.se:.2f} points over {found.se_over}")
    parts.append(f"{found.n} questions")
    if scores.domain is None:
        parts.append(f"{len(source.domains)} domains, each question counts once")
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


class _Dumper(yaml.SafeDumper):
    """YAML with quoted texts. Without quotes `1e3` and `0o7` are texts in YAML 1.1 and numbers in 1.2."""

    def represent_str(self, text: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", text, style='"')

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> yaml.MappingNode:
        node = super().represent_mapping(tag, mapping, flow_style)
        for key, _ in node.value:
            key.style = None  # keys are ours and need no quotes
        return node


_Dumper.add_representer(str, _Dumper.represent_str)
