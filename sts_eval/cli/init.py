"""`sts-eval init`: an experiment or matrix file that explains itself."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("init")
@click.argument("path", type=click.Path(path_type=Path), required=False)
@click.option("--lab", "on_lab", is_flag=True, help="Describe a run on the embedded lab, which works as it is.")
@click.option("--matrix", "many", is_flag=True, help="Describe many runs, for `sts-eval sweep`.")
@click.option("--sft", "training_set", default="math", show_default=True, help="Training set of the lab's run.")
def command(path: Path | None, on_lab: bool, many: bool, training_set: str) -> None:
    """Write a commented experiment file to PATH (experiment.yaml), or with --matrix a matrix (matrix.yaml)."""
    from sts_eval.errors import UserError
    from sts_eval.experiment import ModelSpec, Run, TrainingSetSpec
    from sts_eval.experiment_file import template
    from sts_eval.lab.experiment import lab_experiment
    from sts_eval.records.record import write_atomically
    from sts_eval.sweep.examples import hub_matrix, lab_matrix
    from sts_eval.sweep.matrix import matrix_template

    path = path or Path("matrix.yaml" if many else "experiment.yaml")
    if path.exists():
        raise UserError(f"{path} is there already", "Give another path, or remove it")
    if many:
        text = matrix_template(lab_matrix() if on_lab else hub_matrix())
    elif on_lab:
        text = template(lab_experiment(training_set))
    else:
        model = ModelSpec(id="google/gemma-2-9b-it", dtype="bfloat16")
        text = template(Run(model=model, training_set=TrainingSetSpec(source="GAIR/LIMO")))
    write_atomically(path, text)
    click.echo(f"Written: {path}. Run it: sts-eval {'sweep' if many else 'run'} {path}")
