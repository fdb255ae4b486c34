"""`sts-eval request`: ask a store's workers for a run."""

from __future__ import annotations

import click


@click.command("request")
@click.option("--store", "url", required=True, help="The store: a folder, hf:// or s3:// address.")
@click.option("--model", required=True, help="Hub id, or lab.")
@click.option("--sft", "training_set", required=True, help="Hub id, or lab:math.")
@click.option("--sae-release", help="sae-lens release; the model's known default if absent.")
@click.option("--sae-id", help="Id within the release.")
@click.option("--submitter", default="anonymous", show_default=True, help="Who asks.")
def command(
    url: str, model: str, training_set: str, sae_release: str | None, sae_id: str | None, submitter: str
) -> None:
    """Ask for a run of a model and SAE on a training set."""
    from sts_eval.queue.queue import Queue
    from sts_eval.queue.request import request_for
    from sts_eval.store.store import Store

    request = request_for(model=model, training_set=training_set, sae_release=sae_release, sae_id=sae_id, by=submitter)
    key, new = Queue(Store(url).files).add(request)
    click.echo(f"{'Asked for' if new else 'Somebody asked for it before'}: {key}")
