"""`sts-eval sae train`: a sparse autoencoder for a model that has none."""

from pathlib import Path
from typing import Any

import click

from sts_eval.cli.options import PATH, settings_options
from sts_eval.experiment import SAERecipe
from sts_eval.reporting.progress import progress_bars
from sts_eval.settings import describe, settings_of


@click.group("sae")
def sae() -> None:
    """Train a sparse autoencoder (SAE) for a model that has none."""


@sae.command("train")
@settings_options(settings_of(SAERecipe))
@click.option("-o", "--output", type=PATH, required=True, help="Folder of the SAE.")
@click.option("--push-to", metavar="OWNER/NAME", help="Also upload the SAE to this repository on the hub.")
def train(output: Path, push_to: str | None, **options: Any) -> None:
    """Train an SAE on the activations of MODEL after a block, with sae-lens's trainer.

    \b
    On general text:
      sts-eval sae train --model M --layer 15 --text corpus.jsonl -o my_sae/
    On the data of the prediction, where there is no other text (the record says so):
      sts-eval sae train --model M --layer 15 --sft my_data.jsonl --domains mmlu_pro -o my_sae/

    A training that was stopped continues if the same command is given again.
    """  # noqa: D301 -- click wants the control character itself before lines that it must not join
    from sts_eval.reporting.sae_training import print_training
    from sts_eval.sae_training.train_sae import push_to_hub, train_sae

    recipe = describe(SAERecipe, options, lambda name, value: f"--{name.replace('_', '-')} {value!r}")
    with progress_bars() as progress:
        record = train_sae(recipe, output, progress=progress, tell=lambda line: click.echo(line, err=True))
    print_training(record, output)
    if push_to is not None:
        click.echo(f"On the hub: {push_to_hub(output, push_to)}")
