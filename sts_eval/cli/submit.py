"""`sts-eval submit`: a run into a store."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command("submit")
@click.argument("path", metavar="FILE_OR_RUN", type=click.Path(path_type=Path))
@click.option("--to", "url", required=True, help="The store: a folder, hf:// or s3:// address.")
@click.option("--submitter", help="Who answers for a run folder.")
def command(path: Path, url: str, submitter: str | None) -> None:
    """Hand in a submission, or a run folder with its evidence."""
    from sts_eval.store.store import Store
    from sts_eval.submission.describe import bytes_of

    receipt = Store(url).submit(bytes_of(path, submitter=submitter), by=submitter)
    for problem in receipt.problems:
        click.echo(f"{path}: {problem}", err=True)
    if receipt.sha256 is None:
        sys.exit(2)
    marks = "".join(f", {mark.replace('_', '-')}" for mark in receipt.marks)
    done = "Submitted" if receipt.added else "Already there"
    click.echo(f"{done}: {receipt.sha256} ({str(receipt.tier).replace('_', '-')}{marks})")
    for note in receipt.notes:
        click.echo(f"Note: {note}")
