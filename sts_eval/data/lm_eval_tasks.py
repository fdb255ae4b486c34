"""Finding an lm-eval task, group or tag by name.

Indexing every task of the harness takes some ten seconds, so the folder that the user names and the folder of
this package's own tasks are asked first.
"""

import difflib
import functools
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sts_eval.errors import UserError


def find_tasks(name: str, include_path: str | None, *, otherwise: str = "") -> tuple[dict[str, Any], Any]:
    """The lm-eval tasks that a name stands for, by name, and the manager that loaded them.

    Args:
        name: A task, a group or a tag.
        include_path: A folder with further task files, which come before lm-eval's own.
        otherwise: What else a user may give; it ends the message about an unknown name.

    Raises:
        UserError: There is no such task, lm-eval cannot load it, or the folder does not exist.
    """
    if include_path is not None and not Path(include_path).expanduser().is_dir():
        raise UserError(f"there is no folder {include_path}", "Give a folder of task files")
    failure: Exception | None = None
    known: set[str] = set()
    with _quiet():
        for manager in _managers(name, include_path):
            known.update(manager.all_tasks)
            if name not in manager.all_tasks:
                continue
            try:
                return dict(manager.load([name])["tasks"]), manager
            except UserError:
                raise
            except Exception as error:  # task files run code of their own
                failure = error
                if name not in manager.all_groups:
                    break
    if failure is None:
        raise _unknown(name, known, otherwise)
    reason = " ".join(f"{type(failure).__name__}: {failure.__cause__ or failure}".split())
    raise UserError(
        f"lm-eval cannot load {name!r}: {reason[:300]}",
        "Correct its task file; a dataset of the hub needs a connection, or an earlier download",
    ) from failure


def _unknown(name: str, known: Iterable[str], otherwise: str) -> UserError:
    near = difflib.get_close_matches(name, sorted(known), n=3)
    return UserError(
        f"lm-eval knows no task {name!r}",
        (f"Did you mean {' or '.join(near)}? " if near else "")
        + "`lm_eval ls tasks` lists the tasks; name the folder of your own task files with --include-path "
        f"(in an experiment file: benchmark.include_path, measure.include_path){otherwise}",
    )


def _managers(name: str, include_path: str | None) -> Iterator[Any]:
    import lm_eval.tasks

    own = Path(lm_eval.tasks.__file__).parent / "sts_eval"  # into which this package installs its tasks
    if include_path is not None:
        folder = str(Path(include_path).expanduser())
        given = lm_eval.tasks.TaskManager(include_path=folder, include_defaults=False)
        yield given
        if name in given.all_tasks:  # a group, which may hold lm-eval's own tasks
            yield lm_eval.tasks.TaskManager(include_path=folder)
            return
    if own.is_dir():
        yield lm_eval.tasks.TaskManager(include_path=str(own), include_defaults=False)
    yield _all_tasks()


@functools.cache
def _all_tasks() -> Any:
    from lm_eval.tasks import TaskManager

    return TaskManager()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the line that the harness logs for every task file."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
