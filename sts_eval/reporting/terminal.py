"""Tables on a terminal."""

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

WIDTH = 110  # columns that a table needs; where output is no terminal, nothing narrower need be assumed


def standard_output() -> Console:
    """Standard output: as wide as the terminal, or as wide as a table needs."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH)


def text_table(
    title: str,
    header: Sequence[str],
    rows: Iterable[Sequence[str]] = (),
    *,
    left: Sequence[str] = (),
    fold: Sequence[str] = (),
    dense: bool = False,
) -> Table:
    """A table of plain text: nothing in it is markup.

    Columns named in `left` are aligned left, the others right. Those in `fold` are broken over lines where they are too
    wide. A dense table, for many columns, has no rules and little padding.
    """
    table = Table(
        title=escape(title),
        title_justify="left",
        box=box.SIMPLE if dense else box.HEAVY_HEAD,
        pad_edge=not dense,
        collapse_padding=dense,
    )
    for name in header:
        table.add_column(
            escape(name),
            justify="left" if name in left else "right",
            no_wrap=name not in fold,
            overflow="fold" if name in fold else "ellipsis",
        )
    for row in rows:
        table.add_row(*map(escape, row))
    return table


def warn(console: Console, text: str) -> None:
    """Print a line in yellow, as it is."""
    console.print(text, style="yellow", markup=False, highlight=False)
