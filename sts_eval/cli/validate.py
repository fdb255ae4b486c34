"""`sts-eval validate`: whether a store would take a submission."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command("validate")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--store", help="Judge against what this store holds, too: a folder, hf:// or s3:// address.")
@click.option("--schema", "as_schema", is_flag=True, help="Print the JSON schema of a submission instead.")
def command(paths: tuple[Path, ...], store: str | None, as_schema: bool) -> None:
    """Check submissions (FILEs or run folders) and tell all that is wrong with them, a line each."""
    import json

    from sts_eval.store.store import Store
    from sts_eval.submission.describe import bytes_of
    from sts_eval.submission.validate import schema, validate

    if as_schema:
        click.echo(json.dumps(schema(), indent=2, ensure_ascii=False))
        return
    if not paths:
        raise click.UsageError("Give a file or a run folder, or --schema.")
    known = Store(store).known() if store else None
    refused = False
    for path in paths:
        verdict = validate(bytes_of(path, submitter="validate"), known=known)
        for problem in verdict.problems:
            click.echo(f"{path}: {problem}", err=True)
        refused = refused or not verdict.accepted
        if verdict.accepted:
            marks = "".join(f", {mark.replace('_', '-')}" for mark in verdict.marks)
            click.echo(f"{path}: valid, {str(verdict.tier).replace('_', '-')}{marks}, {verdict.sha256}")
        for note in verdict.notes:
            click.echo(f"{path}: note: {note}")
    if refused:
        sys.exit(2)
