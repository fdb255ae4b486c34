"""The lm-eval tasks that accuracy is measured on."""

from collections.abc import Mapping
from typing import Any

from sts_eval.data.lm_eval_tasks import find_tasks
from sts_eval.data.task_benchmark import ANSWERED
from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec, MeasureSettings
from sts_eval.transfer.lm_eval_samples import METRICS
from sts_eval.transfer.option_measures import OPTIONS_TASK


def load_tasks(settings: MeasureSettings, benchmark: BenchmarkSpec | None = None) -> tuple[dict[str, Any], Any]:
    """The lm-eval tasks that a name stands for, by name, and the manager that loaded them.

    `mmlupro_options` asks the questions of `benchmark`, of all its categories; MMLU-Pro's by default.

    Raises:
        UserError: There is no such task, it does not score each question 0 or 1, or the folder of further tasks does
            not exist.
    """
    if settings.task.startswith(OPTIONS_TASK):
        return _option_tasks(settings.task, benchmark or BenchmarkSpec())
    tasks, manager = find_tasks(settings.task, settings.include_path)
    _check_scored(tasks)
    return tasks, manager


def _option_tasks(name: str, benchmark: BenchmarkSpec) -> tuple[dict[str, Any], Any]:
    from lm_eval.tasks import TaskManager

    from sts_eval.transfer.option_task import option_tasks

    tasks = option_tasks(benchmark)
    if name != OPTIONS_TASK and name not in tasks:
        raise UserError(f"the benchmark has no task {name!r}", f"Choose among {OPTIONS_TASK}, {', '.join(tasks)}")
    wanted = {one: task for one, task in tasks.items() if name in (OPTIONS_TASK, one)}
    return wanted, TaskManager(include_defaults=False)


def _check_scored(tasks: Mapping[str, Any]) -> None:
    """Refuse tasks that do not say of each answer whether it is right, before a model is loaded.

    Raises:
        UserError: A task is named, and what it reports.
    """
    for name, task in tasks.items():
        if task.OUTPUT_TYPE not in ANSWERED:
            told = f"asks a model for {task.OUTPUT_TYPE}"
        elif set(METRICS).isdisjoint(task.aggregation()):
            told = f"reports {', '.join(task.aggregation())}"
        else:
            continue
        raise UserError(
            f"the lm-eval task {name} does not score each question 0 or 1: it {told}",
            f"Choose a task that reports {' or '.join(METRICS)}",
        )
