"""`sts-eval lab`: where the embedded lab's files are, and making them again."""

from __future__ import annotations

from pathlib import Path

import click

from sts_eval import lab


@click.group("lab")
def command() -> None:
    """The embedded lab: a tiny model, SAE, benchmark and training sets of our own.

    Each command prints a path, to be used in another: --model $(sts-eval lab model)
    """


@command.command()
def model() -> None:
    """Print the folder of the model."""
    click.echo(lab.model_path())


@command.command()
def sae() -> None:
    """Print the folder of the SAE."""
    click.echo(lab.sae_path())


@command.command()
def benchmark() -> None:
    """Print the folder of the benchmark, in MMLU-Pro's schema."""
    click.echo(lab.benchmark_path())


@command.command()
@click.argument("name", default="math")
def sft(name: str) -> None:
    """Print the file of a training set (math, if none is named)."""
    click.echo(lab.sft_path(name))


@command.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed makes another world.")
@click.option(
    "--scale", type=float, default=1.0, show_default=True, help="Share of the full training, for a quick try."
)
def build(folder: Path, seed: int, scale: float) -> None:
    """Make the lab's files again from scratch, in FOLDER."""
    from sts_eval.lab.build import build as make

    make(folder, seed=seed, scale=scale)
    click.echo(f"Built in {folder}. Try: sts-eval predict --model {folder / 'model'} --sae-path {folder / 'sae'} ...")
