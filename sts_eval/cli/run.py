"""`sts-eval init` and `sts-eval run`: an experiment file, and the run that it describes from prediction to report."""

from __future__ import annotations

from pathlib import Path

import click

from sts_eval.cli.options import EXPERIMENT, PATH, POST_HOC, RUN_FOLDER, folder_of_run
from sts_eval.cli.progress import progress_bars
from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec, Run, TrainingSetSpec
from sts_eval.experiment_file import read_experiment, template
from sts_eval.records.record import check_writable, write_atomically
from sts_eval.records.run_folder import RunFolder


@click.command("init")
@click.argument("path", type=PATH, required=False)
@click.option("--lab", "on_lab", is_flag=True, help="Describe a run on the embedded lab, which works as it is.")
@click.option("--matrix", "many", is_flag=True, help="Describe many runs, for `sts-eval sweep`.")
@click.option("--sft", "training_set", default="math", show_default=True, help="With --lab: its training set.")
def init(path: Path | None, on_lab: bool, many: bool, training_set: str) -> None:
    """Write a commented experiment file to PATH (experiment.yaml), or with --matrix a matrix file (matrix.yaml)."""
    from sts_eval.lab.experiment import lab_experiment
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
    click.echo(f"Written: {path}. Next: sts-eval {'sweep' if many else 'run'} {path}")


@click.command("run")
@EXPERIMENT
@RUN_FOLDER
@POST_HOC
def run(experiment: Path, folder: Path | None, post_hoc: bool) -> None:
    """Run EXPERIMENT (a YAML file): predict, fine-tune, measure, report.

    A stage whose record exists is not run again. `sts-eval init` writes a file to start from.
    """
    from sts_eval.pipeline import make_prediction, make_report
    from sts_eval.report.files import write_report
    from sts_eval.report.prediction import draw_scores, print_prediction
    from sts_eval.report.report import print_report

    files, described = RunFolder.of(folder_of_run(experiment, folder)), read_experiment(experiment)
    check_writable(files.report)
    with progress_bars() as progress:
        prediction = make_prediction(described, files, progress)
    print_prediction(prediction, "sts_icl")
    draw_scores(prediction, "sts_icl", files.prediction_plot)
    with progress_bars() as progress:
        report = make_report(described, prediction, files, post_hoc=post_hoc, progress=progress)
    print_report(report)
    click.echo(f"Written: {', '.join(str(path) for path in write_report(report, files.run))}")
