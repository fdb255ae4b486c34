"""`sts-eval measure`: accuracy before and after a tuning, on the same questions."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("measure")
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option("--tuning", type=click.Path(path_type=Path), required=True, help="The record that `finetune` wrote.")
@click.option("--prediction", type=click.Path(path_type=Path), help="The prediction; its questions are left out.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where the record goes; beside the tuning's.")
def command(experiment: Path, tuning: Path, prediction: Path | None, output: Path | None) -> None:
    """Measure what the tuning of EXPERIMENT (a YAML file) did, through lm-evaluation-harness."""
    from sts_eval.cli.progress import progress_bars
    from sts_eval.errors import UserError
    from sts_eval.experiment_file import read_experiment
    from sts_eval.records.prediction import Prediction
    from sts_eval.records.record import check_writable
    from sts_eval.records.run_folder import RunFolder
    from sts_eval.records.tuning import Tuning
    from sts_eval.transfer.measure import measure, tuned_models

    described, done = read_experiment(experiment), Tuning.read(tuning)
    if prediction is None and done.prediction is not None:  # its questions would be scored unseen
        raise UserError(f"the tuning of {tuning} follows a prediction", "Give that record with --prediction")
    files = RunFolder.of(tuning.parent)
    output = output or files.transfer_record
    check_writable(output)
    with progress_bars() as progress:
        transfer = measure(
            described.model,
            tuned_models(done, files.tuning),
            described.measure,
            files.evaluations,
            prediction=Prediction.read(prediction) if prediction else None,
            tuning=done,
            progress=progress,
        )
    transfer.write(output)
    click.echo(f"Record: {output}. Next: sts-eval report {prediction or 'PREDICTION'} {output}")
