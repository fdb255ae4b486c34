"""`sts-eval ledger`: what became of submissions, and a maintainer's word on one."""

from __future__ import annotations

import sys

import click

ACTIONS = ("accepted", "rejected", "flagged", "withdrawn", "rerun")


@click.command("ledger")
@click.option("--store", "url", required=True, help="The store: a folder, hf:// or s3:// address.")
@click.option("--say", "action", type=click.Choice(ACTIONS), help="Append this; without it the ledger is printed.")
@click.option("--of", "submission", help="The submission, by its first digits.")
@click.option("--with", "other", help="For rerun: the maintainer's own submission of the same run.")
@click.option("--by", default="maintainer", show_default=True)
@click.option("--why", default="", help="The reason, which everybody can read.")
def command(url: str, action: str | None, submission: str | None, other: str | None, by: str, why: str) -> None:
    """Print what happened to submissions, or add to it. Whoever may write the store may add."""
    from sts_eval.store.store import Store

    store = Store(url)
    if action is None:
        for entry in store.ledger.entries():
            click.echo(f"{entry.when} {entry.action:9} {entry.submission[:12]} by {entry.by}: {entry.why}")
        return
    if submission is None or (action == "rerun") != (other is not None):
        raise click.UsageError("Give --of SUBMISSION, and --with RERUN for rerun only.")
    sha256 = store.find(submission)
    if other is None:
        store.note(action, sha256, by=by, why=why)  # type: ignore[arg-type]  # click has checked the choice
        click.echo(f"{action}: {sha256}")
        return
    agreement = store.confirm(sha256, store.find(other), by=by, why=why)
    for obstacle in agreement.obstacles:
        click.echo(f"they do not agree: {obstacle}", err=True)
    if not agreement.agrees:
        sys.exit(2)
    click.echo(f"rerun: {sha256} agrees")
