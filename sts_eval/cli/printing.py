"""`--format` and `--quiet`: a result as a table for people, or as JSON or CSV for programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar, get_args

import click

from sts_eval.cli.options import STANDARD_OUTPUT
from sts_eval.progress import Progress, bars_of_others, silent
from sts_eval.records.record import Record
from sts_eval.reporting.progress import progress_bars

if TYPE_CHECKING:
    import pandas as pd

Command = TypeVar("Command", bound=Callable[..., Any])
Format = Literal["table", "json", "csv"]


class Printing(NamedTuple):
    """How a command shows its result."""

    form: Format
    quiet: bool

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Progress on standard error, none where the command is to be quiet."""
        if self.quiet:
            with bars_of_others(silent):
                yield silent
            return
        with progress_bars() as progress:
            yield progress

    def show(self, record: Record, table: Callable[[], object], frame: Callable[[], pd.DataFrame]) -> None:
        """Print a result: by `table` for people, as its record, or as the rows of `frame`."""
        if self.form == "json":
            click.echo(record.canonical())
        elif self.form == "csv":
            frame().to_csv(sys.stdout, index=False)
        elif not self.quiet:
            table()

    def note(self, text: str) -> None:
        """Say what was written or comes next: beside the table, but not among data."""
        if not self.quiet:
            click.echo(text, err=self.form != "table")


def printing_options(command: Command) -> Command:
    """The options --format and --quiet of a command."""
    quiet = click.option("-q", "--quiet", is_flag=True, help="Print neither progress nor tables, only data and errors.")
    form = click.option(
        "--format",
        "form",
        type=click.Choice(get_args(Format)),
        default="table",
        show_default=True,
        help="Print a table for people, the record as JSON, or the figures as CSV.",
    )
    return form(quiet(command))


def printing(form: Format, output: Path | None, *, quiet: bool) -> tuple[Printing, Path | None]:
    """How to show a result, and the path to write it to: `-o -` is its record on standard output."""
    if output == STANDARD_OUTPUT:
        return Printing("json", quiet), None
    return Printing(form, quiet), output
