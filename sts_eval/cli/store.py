"""`sts-eval store ...`: check and hand in runs, register predictions; the group that has the other commands too."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sts_eval.cli.ledger import configure, ledger
from sts_eval.cli.options import PATH
from sts_eval.cli.store_options import STORE, owner_of_user, secret_of_user, store_option
from sts_eval.cli.store_runs import reproduce, request, worker
from sts_eval.errors import UserError
from sts_eval.records.prediction import Prediction

if TYPE_CHECKING:
    from sts_eval.store.store import Store


@click.group("store")
def store() -> None:
    """Check and submit runs, register predictions, ask for runs and do them.

    A store is what a leaderboard shows: a folder, or an hf:// or s3:// address.
    """


for command in (request, worker, reproduce, ledger, configure):
    store.add_command(command)


@store.command("submit")
@click.argument("path", metavar="FILE_OR_RUN", type=PATH)
@STORE
@click.option("--submitter", help="Who submits; needed for the folder of a run.")
@click.option("--call-model", help="Another name for a model from your disk: its own, a hyphen and an addition.")
@click.option("--call-set", help="The same for the training set, where its name is taken.")
def submit(path: Path, opened: Store, submitter: str | None, call_model: str | None, call_set: str | None) -> None:
    """Submit the folder of a run with its evidence, or a submission file.

    It belongs to whoever has your secret (`sts-eval store key`), which is made the first time.
    """
    from sts_eval.submission.describe import bytes_of

    owner = owner_of_user()
    content = bytes_of(path, submitter=submitter, owner=owner, model_called=call_model, set_called=call_set)
    receipt = opened.submit(content, by=submitter, owner=owner)
    for problem in receipt.problems:
        click.echo(f"{path}: {problem}", err=True)
    if receipt.sha256 is None:
        sys.exit(2)
    done = "Submitted" if receipt.added else "Already there"
    click.echo(f"{done}: {receipt.sha256} ({_words(receipt.tier, receipt.marks)})")
    for note in receipt.notes:
        click.echo(f"Note: {note}")
    for warning in receipt.warnings:
        click.echo(f"Warning: {warning}.")


@store.command("validate")
@click.argument("paths", nargs=-1, type=PATH)
@store_option("--store", help_text="Also check against this store.")
@click.option("--schema", "as_schema", is_flag=True, help="Only print the JSON schema of a submission.")
def validate(paths: tuple[Path, ...], opened: Store | None, as_schema: bool) -> None:
    """Check submission files or folders of runs, without submitting them. Every problem is a line."""
    from sts_eval.submission.describe import bytes_of
    from sts_eval.submission.validate import schema
    from sts_eval.submission.validate import validate as judge

    if as_schema:
        click.echo(json.dumps(schema(), indent=2, ensure_ascii=False))
        return
    if not paths:
        raise click.UsageError("Give a file or a run folder, or --schema.")
    known = None if opened is None else opened.known(owner_of_user())
    refused = False
    for path in paths:
        verdict = judge(bytes_of(path, submitter="validate"), known=known)
        for problem in verdict.problems:
            click.echo(f"{path}: {problem}", err=True)
        refused = refused or not verdict.accepted
        if verdict.accepted:
            click.echo(f"{path}: valid, {_words(verdict.tier, verdict.marks)}, {verdict.sha256}")
        for note in verdict.notes:
            click.echo(f"{path}: note: {note}")
        for warning in verdict.warnings:
            click.echo(f"{path}: warning: {warning}")
    if refused:
        sys.exit(2)


def _words(tier: object, marks: Sequence[str]) -> str:
    """A tier and its marks, for people."""
    return ", ".join(str(name).replace("_", "-") for name in (tier, *marks))


@store.command("preregister")
@click.argument("prediction", type=PATH)
@STORE
@click.option("--submitter", default="anonymous", show_default=True, help="Who registers it.")
def preregister(prediction: Path, opened: Store, submitter: str) -> None:
    """Register the record PREDICTION before fine-tuning. Only its hash and the time are sent."""
    try:
        entry, new = opened.preregister(Prediction.read(prediction), by=submitter, owner=owner_of_user())
    except ValueError as error:  # pydantic's, of the name
        raise UserError(f"{submitter!r} is no name", "Give --submitter in letters, digits and spaces") from error
    click.echo(
        f"{'Registered' if new else 'Already registered'}: {entry.submission} at {entry.when}. "
        f"Next: fine-tune, then sts-eval store submit RUN --to {opened.url}"
    )


@store.command("key")
@click.option("--secret", is_flag=True, help="Print the secret itself, for the form of a board.")
def key(secret: bool) -> None:
    """Print your owner id: the hash of your secret, which is made the first time.

    The secret is in the folder that STS_EVAL_CONFIG names, or in your own folder for settings.
    """
    click.echo(secret_of_user() if secret else owner_of_user())
