"""`sts-eval finetune`: the tuning of an experiment, after its prediction."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("finetune")
@click.argument("experiment", type=click.Path(path_type=Path))
@click.option("--prediction", type=click.Path(path_type=Path), help="The prediction record that this follows.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where the weights go; runs/NAME if absent.")
@click.option("--push-to", metavar="OWNER/NAME", help="Upload the weights to this private hub repository.")
def command(experiment: Path, prediction: Path | None, folder: Path | None, push_to: str | None) -> None:
    """Fine-tune the model of EXPERIMENT (a YAML file), once per seed.

    Under `accelerate launch -m sts_eval.cli finetune …` it uses several GPUs.
    """
    from sts_eval.cli.progress import progress_bars
    from sts_eval.experiment_file import read_experiment
    from sts_eval.pipeline import make_tuning
    from sts_eval.records.prediction import Prediction
    from sts_eval.records.run_folder import RunFolder
    from sts_eval.transfer.measure import refer_to
    from sts_eval.tuning.push import push_to_hub

    described = read_experiment(experiment)
    files = RunFolder.of(folder or Path("runs") / experiment.stem)
    followed = refer_to(Prediction.read(prediction)) if prediction else None
    with progress_bars() as progress:
        tuning = make_tuning(described, followed, files, progress)
    path = files.tuning_record
    tuning.write(path)
    for one in tuning.runs:
        loss = f"held-out loss {one.loss_before:.3f} → {one.loss_after:.3f}"
        click.echo(f"seed {one.seed}: {loss}, {one.steps} steps, {one.seconds:.0f} s")
    if not tuning.changed:
        click.echo("Warning: a seed left the held-out loss as it was; there is nothing to predict.", err=True)
    if push_to is not None:
        click.echo(f"Pushed: {push_to_hub(tuning, files.tuning, push_to)}")
    after = f" --prediction {prediction}" if prediction else ""
    click.echo(f"Record: {path}. Next: sts-eval measure {experiment} --tuning {path}{after}")
