"""A sweep on the terminal: its plan, where it stands, and what went wrong."""

from collections import Counter
from typing import get_args

from rich.markup import escape
from rich.table import Table

from sts_eval.experiment import BenchmarkSpec
from sts_eval.sweeps.matrix import Matrix
from sts_eval.sweeps.stages import unshared
from sts_eval.sweeps.state import OVER, Book, Standing


def plan_table(matrix: Matrix, book: Book) -> Table:
    """Stages by kind: how many runs alone would have, how many are left when they share, how many are done."""
    table = Table(title=f"{len(matrix.expand())} runs", title_justify="left")
    for header in ("stage", "without sharing", "shared", "to do", "done"):
        table.add_column(header, justify="left" if header == "stage" else "right")
    standings, rows = book.standings(), []
    for kind, alone in unshared(matrix).items():
        ends = [standings[name] for name, stage in book.stages.items() if stage.kind == kind]
        rows.append([alone, alone - len(ends), sum(end != "done" for end in ends), ends.count("done")])
        table.add_row(kind, *map(str, rows[-1]))
    table.add_section()
    table.add_row("all", *(str(sum(column)) for column in zip(*rows, strict=True)))
    return table


def status_table(book: Book) -> Table:
    """How many stages of each kind stand where."""
    standings = book.standings()
    present = [one for one in get_args(Standing) if one in standings.values()]
    table = Table(title="Stages", title_justify="left")
    table.add_column("stage")
    for standing in present:
        table.add_column(standing, justify="right")
    for kind in dict.fromkeys(stage.kind for stage in book.stages.values()):
        counts = Counter(standings[name] for name, stage in book.stages.items() if stage.kind == kind)
        table.add_row(kind, *(str(counts[standing] or "") for standing in present))
    return table


def detail_table(book: Book) -> Table | None:
    """What runs, and what went wrong with its last line and its log; None where there is nothing of both."""
    table = Table(title_justify="left")
    for header in ("stage", "state", "attempts", "where", "last line and log"):
        table.add_column(header, overflow="fold")
    for name, standing in book.standings().items():
        record = book.records.get(name)
        if record is None or (standing not in ("running", "quarantined") and record.status != "failed"):
            continue
        state = "to try again" if record.status == "failed" and standing != "running" else standing
        lines = [] if record.line is None else [escape(record.line)]
        where = f"{record.host}, {record.pid}" if record.host else ""
        log = escape(str(book.folder / record.log))
        table.add_row(name, state, str(record.attempts), where, "\n".join([*lines, log]))
    return table if table.row_count else None


def left(book: Book, width: int) -> str:
    """How long is left, in words."""
    todo = sum(standing not in OVER for standing in book.standings().values())
    if not todo:
        return "Nothing is left to do."
    what, seconds = f"{todo} stage{'s' if todo > 1 else ''} left", book.seconds_left(width)
    if seconds is None:
        return f"{what}; for how long shows once one of each kind is done."
    return f"{what}, about {_duration(seconds)} with {width} at once."


def _duration(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{seconds:.0f} s"


def comparable(matrix: Matrix) -> list[list[str]]:
    """Names of runs that one comparison takes: one of each model and training set, so a list per benchmark and SAE."""
    place = {model.spec(): {sae: number for number, sae in enumerate(model.saes)} for model in matrix.models}
    lists: dict[tuple[BenchmarkSpec, int], list[str]] = {}
    for name, run in matrix.expand():
        lists.setdefault((run.benchmark, place[run.model][run.sae]), []).append(name)
    return list(lists.values())
