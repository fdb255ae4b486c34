"""`sts-eval store ledger` and `configure`: the ledger, and what the maintainers of a store decide."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from sts_eval.cli.store_options import STORE, owner_of_user
from sts_eval.errors import UserError

if TYPE_CHECKING:
    from sts_eval.store.store import Store

ACTIONS = ("accepted", "rejected", "flagged", "withdrawn", "rerun")


@click.command("ledger")
@STORE
@click.option("--say", "action", type=click.Choice(ACTIONS), help="Add this entry. Without it the ledger is printed.")
@click.option("--of", "submission", help="The submission that the entry is about, by the first digits of its hash.")
@click.option("--with", "other", help="With --say rerun: the maintainer's own submission of the same run.")
@click.option("--by", default="maintainer", show_default=True, help="Who makes the entry.")
@click.option("--why", default="", help="The reason, which everybody can read.")
@click.option("--last", is_flag=True, help="Only print the hash of the last entry, to keep it elsewhere.")
@click.option("--holds", metavar="HASH", help="Also check that there is an entry with this hash.")
def ledger(
    opened: Store,
    action: str | None,
    submission: str | None,
    other: str | None,
    by: str,
    why: str,
    last: bool,
    holds: str | None,
) -> None:
    """Print the ledger, or add an entry.

    It says which submissions were accepted, flagged or withdrawn, and why. Whoever can write to the store can add
    entries. Each entry holds the hash of the one before it. If an entry was changed or removed, an error says so, and
    the exit code is 2. To find out whether the last entries were removed, keep the hash of the last one (--last) and
    check it later (--holds).
    """
    opened.files.check_exists()
    if action is None:
        _print(opened, last=last, holds=holds)
        return
    if submission is None or (action == "rerun") != (other is not None):
        raise click.UsageError("Give --of SUBMISSION, and --with RERUN for rerun only.")
    sha256 = opened.find(submission)
    if other is None:
        opened.note(action, sha256, by=by, why=why, owner=owner_of_user())  # type: ignore[arg-type]  # click has checked the choice
        click.echo(f"{action}: {sha256}")
        return
    agreement = opened.confirm(sha256, opened.find(other), by=by, why=why, owner=owner_of_user())
    for obstacle in agreement.obstacles:
        click.echo(f"they do not agree: {obstacle}", err=True)
    if not agreement.agrees:
        sys.exit(2)
    click.echo(f"rerun: {sha256} agrees")


def _print(opened: Store, *, last: bool, holds: str | None) -> None:
    from sts_eval.store.ledger import LEDGER, chain_problems
    from sts_eval.submission.problem import shown

    entries = opened.ledger.read(opened.files.names(LEDGER))
    hashes = [entry.sha256() for entry in entries.values()]
    if last:
        click.echo("\n".join(hashes[-1:]))
        return
    for entry in entries.values():
        click.echo(f"{entry.when} {entry.action:10} {entry.submission[:12]} by {entry.by}: {entry.why}")
    broken = chain_problems(entries)
    if holds is not None and holds not in hashes:
        broken.append(f"there is no entry of the hash {shown(holds)}")
    for line in broken:
        click.echo(f"The chain is broken: {line}.", err=True)
    if broken:
        sys.exit(2)


@click.command("configure")
@STORE
@click.option("--benchmark", help="The benchmark that the board compares unless another is chosen.")
@click.option(
    "--maintainer",
    "maintainers",
    multiple=True,
    help="Owner id of somebody who runs the store (`sts-eval store key`). May be repeated.",
)
def configure(opened: Store, benchmark: str | None, maintainers: tuple[str, ...]) -> None:
    """Set and print the settings of a store. A setting that is not given keeps its value."""
    from sts_eval.records.ledger import StoreSettings

    known = opened.settings
    try:
        opened.configure(
            StoreSettings(benchmark=benchmark or known.benchmark, maintainers=maintainers or known.maintainers)
        )
    except ValueError as error:
        problem = f"{benchmark!r} or one of {maintainers!r} does not fit"
        raise UserError(problem, "Give a benchmark's name, and owners as `sts-eval store key` prints them") from error
    click.echo(opened.settings.canonical())
