"""`sts-eval store ...`: submissions to a leaderboard's store, requests for runs, and the ledger; `sts-eval board`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sts_eval.cli.options import PATH, Command
from sts_eval.errors import UserError
from sts_eval.records.prediction import Prediction

if TYPE_CHECKING:
    from sts_eval.store.store import Store

ACTIONS = ("accepted", "rejected", "flagged", "withdrawn", "rerun")


def _open(_context: click.Context, _option: click.Parameter, url: str | None) -> Store | None:
    from sts_eval.store.store import Store

    if url is None:
        return None
    opened = Store(url)
    opened.files.check_is_no_file()
    return opened


def _store_option(*names: str, help_text: str, required: bool = False) -> Callable[[Command], Command]:
    """An option that is the address of a store. The command is given the store as `opened`, or None."""
    return click.option(*names, "opened", metavar="STORE", callback=_open, required=required, help=help_text)


STORE = _store_option("--store", "--to", required=True, help_text="The store: a folder, hf:// or s3:// address.")


def _secret() -> str:
    """The user's secret, made when it is first needed."""
    from sts_eval.submission.owner import config_folder, own_secret

    return own_secret(config_folder())


def _owner() -> str:
    """Who the user is to a store."""
    from sts_eval.submission.owner import owner_of

    return owner_of(_secret())


@click.group("store")
def store() -> None:
    """Check and submit runs, register predictions, ask for runs and do them.

    A store is what a leaderboard shows: a folder, or an hf:// or s3:// address.
    """


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

    owner = _owner()
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
@_store_option("--store", help_text="Also check against this store.")
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
    known = None if opened is None else opened.known(_owner())
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
        entry, new = opened.preregister(Prediction.read(prediction), by=submitter, owner=_owner())
    except ValueError as error:  # pydantic's, of the name
        raise UserError(f"{submitter!r} is no name", "Give --submitter in letters, digits and spaces") from error
    click.echo(
        f"{'Registered' if new else 'Already registered'}: {entry.submission} at {entry.when}. "
        f"Next: fine-tune, then sts-eval store submit RUN --to {opened.url}"
    )


@store.command("request")
@STORE
@click.option("--model", required=True, help="Hub id, or lab.")
@click.option("--sft", "training_set", required=True, help="Training set: hub id, or lab:math.")
@click.option("--sae-release", help="sae-lens release; by default the known SAE of the model.")
@click.option("--sae-id", help="Id within the release.")
@click.option("--submitter", default="anonymous", show_default=True, help="Who asks.")
def request(
    opened: Store, model: str, training_set: str, sae_release: str | None, sae_id: str | None, submitter: str
) -> None:
    """Ask for a run of a model and SAE on a training set."""
    from sts_eval.queue.queue import Queue
    from sts_eval.queue.request import request_for

    asked = request_for(model=model, training_set=training_set, sae_release=sae_release, sae_id=sae_id, by=submitter)
    key, new = Queue(opened.files).add(asked)
    click.echo(f"{'Asked for' if new else 'Somebody asked for it before'}: {key}")


@store.command("worker")
@STORE
@click.option("--once", is_flag=True, help="Stop after one request, or if there is none.")
@click.option("--folder", type=PATH, default=Path("runs/worker"), show_default=True, help="Where to keep the runs.")
@click.option("--name", default="worker", show_default=True, help="The submitter of the runs.")
@click.option(
    "--lease",
    type=click.FloatRange(1, 30 * 24 * 3600),
    default=900.0,
    show_default=True,
    help="Seconds without a sign of life after which another worker may take over the request.",
)
@click.option(
    "--pause",
    type=click.FloatRange(0, 24 * 3600),
    default=30.0,
    show_default=True,
    help="Seconds between looks at an empty queue.",
)
def worker(opened: Store, once: bool, folder: Path, name: str, lease: float, pause: float) -> None:
    """Do the runs that were requested from a store, and submit them."""
    from sts_eval.queue.queue import LostLeaseError, Queue
    from sts_eval.queue.worker import work

    opened.files.check_exists()
    queue, owner = Queue(opened.files), _owner()
    while True:
        try:
            done = work(opened, queue, folder, worker=name, lease_seconds=lease, owner=owner)
        except LostLeaseError as error:
            click.echo(f"Given up: {error}", err=True)
            if once:
                return
            continue
        if done is not None:
            taken, submission = done
            how = f"submitted as {submission}" if submission else "failed; its log is in the queue"
            click.echo(f"{taken.key[:12]} ({taken.request.model}, {taken.request.training_set}): {how}")
        for entry in queue.entries():
            if entry.state == "stuck":
                click.echo(f"Stuck: {entry.key[:12]}, last taken by {entry.worker} until {entry.until}", err=True)
        if once:
            if done is None:
                click.echo("There is no request to take.")
            return
        if done is None:
            time.sleep(pause)


@store.command("ledger")
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
    from sts_eval.store.ledger import LEDGER, chain_problems
    from sts_eval.submission.problem import shown

    opened.files.check_exists()
    if action is None:
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
        return
    if submission is None or (action == "rerun") != (other is not None):
        raise click.UsageError("Give --of SUBMISSION, and --with RERUN for rerun only.")
    sha256 = opened.find(submission)
    if other is None:
        opened.note(action, sha256, by=by, why=why, owner=_owner())  # type: ignore[arg-type]  # click has checked the choice
        click.echo(f"{action}: {sha256}")
        return
    agreement = opened.confirm(sha256, opened.find(other), by=by, why=why, owner=_owner())
    for obstacle in agreement.obstacles:
        click.echo(f"they do not agree: {obstacle}", err=True)
    if not agreement.agrees:
        sys.exit(2)
    click.echo(f"rerun: {sha256} agrees")


@store.command("key")
@click.option("--secret", is_flag=True, help="Print the secret itself, for the form of a board.")
def key(secret: bool) -> None:
    """Print your owner id: the hash of your secret, which is made the first time.

    The secret is in the folder that STS_EVAL_CONFIG names, or in your own folder for settings.
    """
    click.echo(_secret() if secret else _owner())


@store.command("configure")
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


@store.command("reproduce")
@click.argument("submission", metavar="ID")
@STORE
@click.option("--folder", type=PATH, default=Path("runs/reproduced"), show_default=True, help="Where to keep the run.")
@click.option("--by", default="worker", show_default=True, help="Who reproduces it.")
@click.option("--model", help="Your copy of a model that the submitter had on a disk.")
@click.option("--sae-path", help="Your copy of the SAE.")
@click.option("--sft", help="Your copy of the training set.")
@click.option("--domains", help="Your copy of the benchmark.")
def reproduce(opened: Store, submission: str, folder: Path, by: str, **places: str | None) -> None:
    """Run the experiment of the submission ID again, and enter the comparison into the ledger.

    It trains and measures as the submitter did. Code that a model's repository ships is not run. The exit code is 2
    if the two do not agree.
    """
    from sts_eval.pipeline import run
    from sts_eval.store.reproduce import reproduce as again
    from sts_eval.store.reproduce import reproducible

    opened.files.check_exists()
    sha256 = opened.find(submission)
    experiment = reproducible(opened.read(sha256), **places)
    entry = again(opened, sha256, experiment, folder / sha256[:16], by=by, owner=_owner(), runs=run)
    figures = entry.figures
    for obstacle in figures.obstacles if figures else ():
        click.echo(f"they do not agree: {obstacle}", err=True)
    if figures is None or not figures.agrees:
        sys.exit(2)
    farthest = max(map(abs, figures.z.values()), default=0.0)
    click.echo(
        f"reproduced: {sha256}; scores within {figures.score_difference:.2g} of their spread over domains "
        f"(allowed {figures.score_tolerance:g}), changes within {farthest:.2g} joint standard errors"
    )


@click.command("board")
@_store_option("--store", help_text="A folder, hf:// or s3:// address; by default the shipped store.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port; by default the first free one from 7860.")
@click.option("--allow-writes", is_flag=True, help="Let everybody who can open the page submit to the store.")
def board(opened: Store | None, port: int | None, allow_writes: bool) -> None:
    """Serve the leaderboard on this machine."""
    try:
        from sts_leaderboard.app import launch, seeded_store
    except ModuleNotFoundError as error:
        raise UserError(f"the board needs {error.name}", "Install it with: pip install 'sts-eval[board]'") from error

    if allow_writes and opened is None:
        raise UserError("the shipped store cannot be written", "Name your own with --store")
    launch(seeded_store() if opened is None else opened, allow_writes=allow_writes, port=port)
