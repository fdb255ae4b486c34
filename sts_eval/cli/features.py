"""`sts-eval features`: what the shifted features of a prediction mean, and a judge's words for it."""

from pathlib import Path

import click

from sts_eval.cli.options import PATH, output
from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec
from sts_eval.records.feature_labels import FeatureLabels
from sts_eval.records.output import check_output
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import now, write_atomically
from sts_eval.reporting.progress import progress_bars


@click.command("features")
@click.argument("prediction", type=PATH)
@click.option(
    "--show", type=click.IntRange(min=1), default=8, show_default=True, help="Features to print, and to label."
)
@click.option("--html", "page", type=PATH, help="Write all features with their excerpts as one HTML file.")
@click.option(
    "--judge",
    help="Let this model say in words what the features mean: a folder, a hub id, or an OpenAI-compatible address such "
    "as http://localhost:8000/v1, with the key from OPENAI_API_KEY. Its words are scored on excerpts that it was not "
    "shown.",
)
@click.option("--judge-model", help="The model's name at the address.")
@click.option(
    "--judge-dtype", default="auto", show_default=True, help="Type of the judge's weights, of a folder or hub id."
)
@output("With --judge: write its labels and their scores as JSON.")
def features(
    prediction: Path,
    show: int,
    page: Path | None,
    judge: str | None,
    judge_model: str | None,
    judge_dtype: str,
    output: Path | None,
) -> None:
    """Say what the shifted features of PREDICTION mean, a record that `sts-eval predict` wrote.

    Neither the model nor the data are read again.
    """
    from sts_eval.reporting.feature_page import feature_page
    from sts_eval.reporting.meanings import meanings_of, print_features

    made = Prediction.read(prediction)
    meanings = meanings_of(made)
    if output is not None:
        check_output(output, (prediction,), kind=FeatureLabels)
    if page is not None:
        check_output(page, (prediction, output), option="--html")
    if output is not None and judge is None:
        raise UserError("without a judge there are no labels to write", "Add --judge MODEL, or leave out --output")
    labels = None
    if judge is not None:
        from sts_eval.judge.chat import local_chat, remote_chat
        from sts_eval.judge.labels import label_features

        remote = "://" in judge
        if remote and judge_model is None:
            raise UserError(f"the address {judge} needs the name of a model", "Name it with --judge-model")
        if not remote and judge_model is not None:
            raise UserError(
                "--judge-model names a model at an address", "Give the address with --judge, or leave it out"
            )
        with progress_bars() as progress:
            ask = remote_chat(judge, str(judge_model)) if remote else local_chat(ModelSpec(id=judge, dtype=judge_dtype))
            found = label_features(meanings, meanings.kept[:show], ask, progress)
        named = f"{judge} {judge_model}" if remote else judge
        labels = FeatureLabels(created=now(), prediction_sha256=made.sha256(), judge=named, labels=found)
    print_features(meanings, labels, show)
    if labels is not None and output is not None:
        labels.write(output)
        click.echo(f"Labels: {output}")
    if page is not None:
        write_atomically(page, feature_page(made, labels))
        click.echo(f"Page: {page}")
