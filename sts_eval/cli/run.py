"""`sts-eval run`: an experiment from prediction to report."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("run")
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option("--folder", type=click.Path(path_type=Path), help="Where the records go; runs/NAME if absent.")
@click.option("--post-hoc", is_flag=True, help="Report even where the prediction is younger than the tuning.")
def command(experiment: Path, folder: Path | None, post_hoc: bool) -> None:
    """Run EXPERIMENT (a YAML file): predict, fine-tune, measure, report.

    Stages whose records are there are not done again. Write a file to start from with `sts-eval init`.
    """
    from sts_eval.cli.progress import progress_bars
    from sts_eval.experiment_file import read_experiment
    from sts_eval.pipeline import make_prediction, make_report
    from sts_eval.records.record import check_writable
    from sts_eval.records.run_folder import RunFolder
    from sts_eval.report.files import write_report
    from sts_eval.report.plots import draw_scores
    from sts_eval.report.prediction import print_prediction
    from sts_eval.report.report import print_report

    folder = folder or Path("runs") / experiment.stem
    described = read_experiment(experiment)
    files = RunFolder.of(folder)
    check_writable(files.report)
    with progress_bars() as progress:
        prediction = make_prediction(described, files, progress)
    print_prediction(prediction, "sts_icl")
    draw_scores(prediction, "sts_icl", files.prediction_plot)
    with progress_bars() as progress:
        report = make_report(described, prediction, files, post_hoc=post_hoc, progress=progress)
    print_report(report)
    click.echo(f"Written: {', '.join(str(path) for path in write_report(report, folder))}")
