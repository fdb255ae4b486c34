"""Finding an lm-eval task by name.

Indexing every task of the harness takes some ten seconds, so the folder that the user names and the folder of
this package's own tasks are asked first.
"""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec, MeasureSettings
from sts_eval.transfer.lm_eval_samples import METRICS

OPTIONS_GROUP = "mmlupro_options"
"""The group of tasks that scores the options' texts; its tasks are called by this and the category."""

ANSWERED = ("multiple_choice", "loglikelihood", "generate_until")
"""What lm-eval asks a model for where a question has a right answer."""


def load_tasks(settings: MeasureSettings, benchmark: BenchmarkSpec | None = None) -> tuple[dict[str, Any], Any]:
    """The lm-eval tasks that a name stands for, by name, and the manager that loaded them.

    `mmlupro_options` asks the questions of `benchmark`, of all its categories; MMLU-Pro's by default.

    Raises:
        UserError: There is no such task, it does not score each question 0 or 1, or the folder of further tasks does
            not exist.
    """
    if settings.include_path is not None and not Path(settings.include_path).is_dir():
        raise UserError(f"there is no folder {settings.include_path}", "Give a folder of task files")
    if settings.task.startswith(OPTIONS_GROUP):
        from sts_eval.transfer.option_task import option_tasks  # loads torch, which --help does without

        tasks = option_tasks(benchmark or BenchmarkSpec())
        if settings.task != OPTIONS_GROUP and settings.task not in tasks:
            raise UserError(
                f"the benchmark has no task {settings.task!r}", f"Choose among {OPTIONS_GROUP}, {', '.join(tasks)}"
            )
        return {name: one for name, one in tasks.items() if settings.task in (OPTIONS_GROUP, name)}, _empty_manager()
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)  # the harness logs a line for every task file
    try:
        for manager in _managers(settings.include_path):
            if settings.task not in manager.all_tasks:
                continue
            try:
                tasks = dict(manager.load([settings.task])["tasks"])
            except KeyError:  # a group of tasks that this manager does not know
                continue
            if tasks:
                _check_scored(tasks)
                return tasks, manager
    finally:
        logging.disable(before)
    raise UserError(
        f"lm-eval knows no task {settings.task!r}",
        "Run `lm_eval ls tasks`, or set measure.include_path to the folder of its task file",
    )


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


def _empty_manager() -> Any:
    from lm_eval.tasks import TaskManager

    return TaskManager(include_defaults=False)


def _managers(include_path: str | None) -> Iterator[Any]:
    import lm_eval.tasks
    from lm_eval.tasks import TaskManager

    own = Path(lm_eval.tasks.__file__).parent / "sts_eval"  # into which this package installs its tasks
    for folder in (include_path, own):
        if folder is not None and Path(folder).is_dir():
            yield TaskManager(include_path=str(folder), include_defaults=False)
    yield TaskManager(include_path=include_path)
