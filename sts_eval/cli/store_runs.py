"""`sts-eval store request`, `worker` and `reproduce`: runs that somebody else asks for, or that are done again."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sts_eval.cli.options import PATH
from sts_eval.cli.store_options import STORE, owner_of_user

if TYPE_CHECKING:
    from sts_eval.store.store import Store


@click.command("request")
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


@click.command("worker")
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
    queue, owner = Queue(opened.files), owner_of_user()
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


@click.command("reproduce")
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
    entry = again(opened, sha256, experiment, folder / sha256[:16], by=by, owner=owner_of_user(), runs=run)
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
