"""`sts-eval stage ...`: one stage of a run by itself."""

from __future__ import annotations

from pathlib import Path

import click

from sts_eval.cli.options import EXPERIMENT, PATH, RUN_FOLDER, folder_of_run, output
from sts_eval.cli.progress import progress_bars
from sts_eval.errors import UserError
from sts_eval.experiment_file import read_experiment
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import check_writable
from sts_eval.records.run_folder import RunFolder
from sts_eval.records.tuning import Tuning


@click.group("stage")
def stage() -> None:
    """Do one stage of a run by itself. `sts-eval predict` and `sts-eval report` are the first and the last."""


@stage.command("finetune")
@EXPERIMENT
@click.option("--prediction", type=PATH, help="The record of the prediction that this fine-tuning tests.")
@RUN_FOLDER
@click.option("--push-to", metavar="OWNER/NAME", help="Upload the weights to this private hub repository.")
def finetune(experiment: Path, prediction: Path | None, folder: Path | None, push_to: str | None) -> None:
    """Fine-tune the model of EXPERIMENT (a YAML file), once per seed.

    Under `accelerate launch -m sts_eval.cli stage finetune …` it uses several GPUs.
    """
    from sts_eval.pipeline import make_tuning
    from sts_eval.transfer.measure import refer_to
    from sts_eval.tuning.push import push_to_hub

    described, files = read_experiment(experiment), RunFolder.of(folder_of_run(experiment, folder))
    followed = refer_to(Prediction.read(prediction)) if prediction else None
    with progress_bars() as progress:
        tuning = make_tuning(described, followed, files, progress)
    tuning.write(files.tuning_record)
    for one in tuning.runs:
        loss = f"held-out loss {one.loss_before:.3f} → {one.loss_after:.3f}"
        click.echo(f"seed {one.seed}: {loss}, {one.steps} steps, {one.seconds:.0f} s")
    if not tuning.changed:
        click.echo("Warning: a seed left the held-out loss unchanged, so there is nothing to predict.", err=True)
    if push_to is not None:
        click.echo(f"Pushed: {push_to_hub(tuning, files.tuning, push_to)}")
    after = f" --prediction {prediction}" if prediction else ""
    following = f"sts-eval stage measure {experiment} --tuning {files.tuning_record}{after}"
    click.echo(f"Record: {files.tuning_record}. Next: {following}")


@stage.command("measure")
@EXPERIMENT
@click.option("--tuning", type=PATH, required=True, help="The record that `sts-eval stage finetune` wrote.")
@click.option("--prediction", type=PATH, help="The record of the prediction; questions that it read are not scored.")
@output("Where to write the record.  [default: transfer.json beside the tuning record]")
def measure(experiment: Path, tuning: Path, prediction: Path | None, output: Path | None) -> None:
    """Measure accuracy before and after the fine-tuning of EXPERIMENT (a YAML file), on the same questions.

    Runs lm-evaluation-harness.
    """
    from sts_eval.transfer import measure as measuring

    described, done = read_experiment(experiment), Tuning.read(tuning)
    if prediction is None and done.prediction is not None:  # its questions would be scored unseen
        raise UserError(f"the tuning of {tuning} follows a prediction", "Give that record with --prediction")
    files = RunFolder.of(tuning.parent)
    output = output or files.transfer_record
    check_writable(output)
    with progress_bars() as progress:
        transfer = measuring.measure(
            described.model,
            measuring.tuned_models(done, files.tuning),
            described.measure,
            files.evaluations,
            prediction=Prediction.read(prediction) if prediction else None,
            tuning=done,
            progress=progress,
        )
    transfer.write(output)
    click.echo(f"Record: {output}. Next: sts-eval report {prediction or 'PREDICTION'} {output}")
