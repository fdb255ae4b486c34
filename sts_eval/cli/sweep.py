"""`sts-eval sweep`: a matrix of runs, here or on a Ray cluster."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import click
from rich.console import Console, Group
from rich.live import Live

from sts_eval.cli.options import PATH, POST_HOC
from sts_eval.reporting.terminal import standard_output
from sts_eval.sweeps.drive import Engine, Tell, drive, driver_of, open_book
from sts_eval.sweeps.local import Local
from sts_eval.sweeps.matrix import read_matrix
from sts_eval.sweeps.on_ray import OnRay
from sts_eval.sweeps.state import Book, StageRecord
from sts_eval.sweeps.tables import comparable, detail_table, left, plan_table, status_table

HERE = "here"  # the value of `--ray` without an address

UNFINISHED = 3  # exit code where a stage is quarantined


@click.command("sweep")
@click.argument("matrix", type=PATH)
@click.option("--folder", type=PATH, help="The folder of the sweep.  [default: sweeps/NAME-OF-MATRIX]")
@click.option(
    "--ray",
    "address",
    is_flag=False,
    flag_value=HERE,
    metavar="[ADDRESS]",
    help="Run stages as Ray tasks: on a cluster started here, or on the one at ADDRESS (auto, HOST:PORT, "
    "ray://HOST:PORT). Put it after MATRIX.",
)
@click.option("--dry-run", is_flag=True, help="Only print the plan.")
@click.option("--status", is_flag=True, help="Only print which stages are done, running or failed.")
@click.option("--retry", is_flag=True, help="Try quarantined stages again.")
@click.option("--predict-only", is_flag=True, help="Make the predictions, and stop before the first tuning.")
@POST_HOC
def sweep(
    matrix: Path,
    folder: Path | None,
    address: str | None,
    dry_run: bool,
    status: bool,
    retry: bool,
    predict_only: bool,
    post_hoc: bool,
) -> None:
    """Run every experiment of MATRIX (a YAML file). A stage that several runs share is done once.

    A sweep that was stopped continues when it is started again. Exit code 3: a stage failed and is quarantined; all
    other stages are done. `sts-eval init --matrix` writes a file to start from.
    """
    described = read_matrix(matrix)
    if post_hoc:
        described = described.model_copy(update={"post_hoc": True})
    folder = (folder or Path("sweeps") / matrix.stem).resolve()
    if dry_run:
        standard_output().print(plan_table(described, open_book(described, folder)))
        return
    if status:
        driver, book = driver_of(folder), open_book(described, folder)
        if driver is not None:
            book.submitted = {name for name, one in book.records.items() if one.status == "running"}
        click.echo(f"Running: process {driver.pid} on {driver.host}, on {driver.place}." if driver else "Not running.")
        _print_state(book, driver.width if driver else 1)
        return
    engine: Engine = Local()
    if address is not None:
        engine = OnRay(described, folder, None if address == HERE else address)
    try:
        for note in engine.notes:
            click.echo(f"Warning: {note}", err=True)
        with _view(engine.width) as tell:
            book = drive(described, folder, engine, retry=retry, predict_only=predict_only, tell=tell)
    finally:
        engine.close()
    _print_state(book, engine.width)
    wanted = {name for name, stage in book.stages.items() if stage.kind == "predict" or not predict_only}
    if any(standing != "done" for name, standing in book.standings().items() if name in wanted):
        click.echo(f"Next: fix what the logs say, then sts-eval sweep {matrix} --folder {folder} --retry", err=True)
        sys.exit(UNFINISHED)
    if predict_only:
        click.echo(f"Next: sts-eval sweep {matrix} --folder {folder}")
        return
    lists = comparable(described)
    if len(lists) == 1:
        lists = [["*"]]
    for names in lists:
        click.echo(f"Next: sts-eval compare {' '.join(str(folder / 'runs' / name) for name in names)}")


def _print_state(book: Book, width: int) -> None:
    console = standard_output()
    console.print(status_table(book))
    if (details := detail_table(book)) is not None:
        console.print(details)
    console.print(left(book, width), highlight=False)


@contextmanager
def _view(width: int) -> Iterator[Tell]:
    """Tables that follow the sweep on a terminal; elsewhere a line for every attempt that ends."""
    console = Console(stderr=True)
    with Live(console=console, transient=True, auto_refresh=False) if console.is_terminal else nullcontext() as live:

        def tell(book: Book, record: StageRecord | None) -> None:
            if record is not None:
                last = f": {record.line} ({book.folder / record.log})" if record.line else ""
                console.print(
                    f"{record.status} {record.stage}, {record.seconds:.0f} s{last}",
                    markup=False,
                    highlight=False,
                    soft_wrap=True,
                )
            if live is not None:
                details = detail_table(book) or ""
                live.update(Group(status_table(book), details, left(book, width)), refresh=True)

        yield tell
