"""Progress for the core's callback: bars on a terminal, lines elsewhere."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from sts_eval import progress as core


@contextmanager
def progress_bars() -> Iterator[core.Progress]:
    """One bar per stage on stderr; where stderr is no terminal, a line per stage and one every 30 seconds."""
    if not sys.stderr.isatty():
        with core.told_in_lines(sys.stderr) as tell:
            yield tell
        return
    columns = TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not core.is_main_process(), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(stage: str, done: int, total: int) -> None:
            if total == 0:
                bars.console.print(core.found_line(stage), markup=False, highlight=False)
                return
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        with core.bars_of_others(show):
            yield show
