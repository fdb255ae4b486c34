"""`sts-eval worker`: run what people asked a store for."""

from __future__ import annotations

import time
from pathlib import Path

import click


@click.command("worker")
@click.option("--store", "url", required=True, help="The store: a folder, hf:// or s3:// address.")
@click.option("--once", is_flag=True, help="Stop after one request, or where there is none.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("runs/worker"), show_default=True)
@click.option("--name", default="worker", show_default=True, help="Who answers for the runs.")
@click.option(
    "--lease", default=900.0, show_default=True, help="Seconds without a sign of life until another may go on."
)
@click.option("--pause", default=30.0, show_default=True, help="Seconds between looks at an empty queue.")
def command(url: str, once: bool, folder: Path, name: str, lease: float, pause: float) -> None:
    """Take requests from the queue of a store, run them, and submit what comes of them."""
    from sts_eval.queue.queue import LostLeaseError, Queue
    from sts_eval.queue.worker import work
    from sts_eval.store.store import Store

    store = Store(url)
    queue = Queue(store.files)
    while True:
        try:
            done = work(store, queue, folder, worker=name, lease_seconds=lease)
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
