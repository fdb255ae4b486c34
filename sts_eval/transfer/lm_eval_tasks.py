"""Finding an lm-eval task by name.

Indexing every task of the harness takes some ten seconds, so the folder that the user names and the folder of
this package's own tasks are asked first.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from sts_eval.errors import UserError
from sts_eval.experiment import MeasureSettings

OWN_TASKS = "sts_eval"
"""Folder below the harness's tasks into which this package installs its own."""


class Loaded(NamedTuple):
    """Tasks by name, and the manager that loaded them."""

    tasks: dict[str, Any]
    manager: Any


def load_tasks(settings: MeasureSettings) -> Loaded:
    """The lm-eval tasks that a name stands for, and the manager that knows them.

    Raises:
        UserError: There is no such task, or the folder of further tasks does not exist.
    """
    import lm_eval.tasks
    from lm_eval.tasks import TaskManager

    if settings.include_path is not None and not Path(settings.include_path).is_dir():
        raise UserError(f"there is no folder {settings.include_path}", "Give a folder of task files")
    own = Path(lm_eval.tasks.__file__).parent / OWN_TASKS
    with _without_chatter():
        for folder in (settings.include_path, own):
            if folder is None or not Path(folder).is_dir():
                continue
            manager = TaskManager(include_path=str(folder), include_defaults=False)
            if settings.task in manager.all_tasks and (tasks := _loaded(manager, settings.task)):
                return Loaded(tasks, manager)
        manager = TaskManager(include_path=settings.include_path)
        if settings.task in manager.all_tasks and (tasks := _loaded(manager, settings.task)):
            return Loaded(tasks, manager)
    raise UserError(
        f"lm-eval knows no task {settings.task!r}",
        "Run `lm_eval ls tasks`, or set measure.include_path to the folder of its task file",
    )


def _loaded(manager: Any, name: str) -> dict[str, Any]:
    """The tasks behind a name; none where a group names tasks that this manager does not know."""
    try:
        return dict(manager.load([name])["tasks"])
    except KeyError:
        return {}


@contextmanager
def _without_chatter() -> Iterator[None]:
    """Silence the harness while it loads: it says of every task file what it thinks of it."""
    loggers = [logging.getLogger(name) for name in ("lm_eval", "lm_eval.tasks", "lm_eval.api")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
