"""`sts-eval preregister`: a prediction's hash into a store, before anything is tuned."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("preregister")
@click.argument("prediction", type=click.Path(path_type=Path))
@click.option("--to", "url", required=True, help="The store: a folder, hf:// or s3:// address.")
@click.option("--submitter", default="anonymous", show_default=True, help="Who registers it.")
def command(prediction: Path, url: str, submitter: str) -> None:
    """Register the record PREDICTION. Only its hash and the time leave this machine."""
    from sts_eval.errors import UserError
    from sts_eval.records.prediction import Prediction
    from sts_eval.store.store import Store

    try:
        entry, new = Store(url).preregister(Prediction.read(prediction), by=submitter)
    except ValueError as error:  # pydantic's, of the name
        raise UserError(f"{submitter!r} is no name", "Give --submitter in letters, digits and spaces") from error
    done = "Registered" if new else "Already registered"
    click.echo(
        f"{done}: {entry.prediction_sha256} at {entry.registered}. Tune now, then: sts-eval submit RUN --to {url}"
    )
