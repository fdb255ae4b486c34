"""`sts-eval init`: an experiment file that explains itself."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("init")
@click.argument("path", type=click.Path(path_type=Path), default="experiment.yaml")
@click.option("--lab", "on_lab", is_flag=True, help="Describe a run on the embedded lab, which works as it is.")
@click.option("--sft", "training_set", default="math", show_default=True, help="Training set of the lab.")
def command(path: Path, on_lab: bool, training_set: str) -> None:
    """Write a commented experiment file to PATH (experiment.yaml)."""
    from sts_eval.errors import UserError
    from sts_eval.experiment import ModelSpec, Run, TrainingSetSpec
    from sts_eval.experiment_file import template
    from sts_eval.lab.experiment import lab_experiment
    from sts_eval.records.record import write_atomically

    if path.exists():
        raise UserError(f"{path} is there already", "Give another path, or remove it")
    described = (
        lab_experiment(training_set)
        if on_lab
        else Run(
            model=ModelSpec(id="google/gemma-2-9b-it", dtype="bfloat16"),
            training_set=TrainingSetSpec(source="GAIR/LIMO"),
        )
    )
    write_atomically(path, template(described))
    click.echo(f"Written: {path}. Run it: sts-eval run {path}")
