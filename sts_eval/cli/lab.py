"""`sts-eval lab`: where the embedded lab's files are, and making them again."""

from functools import partial
from pathlib import Path

import click

from sts_eval import lab as files
from sts_eval.cli.options import PATH


@click.group("lab")
def lab() -> None:
    """Print where the files of the embedded lab are: a tiny model, SAE, benchmark and training sets.

    Use the paths in other commands: sts-eval predict --model $(sts-eval lab model) ...
    """


for name, path, help_text in (
    ("model", files.model_path(), "Print the folder of the model."),
    ("sae", files.sae_path(), "Print the folder of the SAE."),
    ("benchmark", files.benchmark_path(), "Print the folder of the benchmark, in MMLU-Pro's schema."),
):
    lab.add_command(click.Command(name, callback=partial(click.echo, path), help=help_text))


@lab.command()
@click.argument("name", default="math")
def sft(name: str) -> None:
    """Print the file of a training set (math, if none is named)."""
    click.echo(files.sft_path(name))


@lab.command()
@click.argument("folder", type=PATH)
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed makes other questions.")
@click.option("--scale", type=float, default=1.0, show_default=True, help="Share of the full training.")
def build(folder: Path, seed: int, scale: float) -> None:
    """Make the lab's files again from scratch, in FOLDER."""
    from sts_eval.lab.build import build as make

    make(folder, seed=seed, scale=scale)
    click.echo(f"Built in {folder}. Next: sts-eval predict --model {folder / 'model'} --sae-path {folder / 'sae'} ...")
