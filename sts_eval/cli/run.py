"""`sts-eval init`, `run` and `stage`: an experiment file, the run that it describes, and one stage of it by itself."""

import sys
from pathlib import Path

import click

from sts_eval.cli.options import PATH, POST_HOC, output
from sts_eval.cli.paths import check_paths
from sts_eval.errors import UserError
from sts_eval.experiment import ModelSpec, Run, TrainingSetSpec
from sts_eval.experiment_file import read_experiment, template
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import write_atomically
from sts_eval.records.run_folder import RunFolder
from sts_eval.reporting.progress import progress_bars

YOUR_OWN = "Its model and data are examples: put your own into it. "

RUN_FOLDER = click.option("--folder", type=PATH, help="The folder of the run.  [default: runs/NAME-OF-EXPERIMENT]")


@click.command("init")
@click.argument("path", type=PATH, required=False)
@click.option("--lab", "on_lab", is_flag=True, help="Describe a run on the embedded lab, which works as it is.")
@click.option("--matrix", "many", is_flag=True, help="Describe many runs, for `sts-eval sweep`.")
@click.option("--sft", "training_set", help="The training set.  [default: GAIR/LIMO, or math with --lab]")
def init(path: Path | None, on_lab: bool, many: bool, training_set: str | None) -> None:
    """Write a commented experiment file to PATH (experiment.yaml), or with --matrix a matrix file (matrix.yaml)."""
    from sts_eval.lab.experiment import lab_experiment
    from sts_eval.sweeps.examples import hub_matrix, lab_matrix
    from sts_eval.sweeps.matrix import matrix_template

    path = path or Path("matrix.yaml" if many else "experiment.yaml")
    if path.exists():
        raise UserError(f"{path} is there already", "Give another path, or remove it")
    if many and training_set is not None:
        raise UserError("--sft names one training set, and a matrix has several", "Write them into the file")
    if many:
        text = matrix_template(lab_matrix() if on_lab else hub_matrix())
    elif on_lab:
        text = template(lab_experiment(training_set or "math"))
    else:
        model = ModelSpec(id="google/gemma-2-9b-it", dtype="bfloat16")
        text = template(Run(model=model, training_set=TrainingSetSpec(source=training_set or "GAIR/LIMO")))
    write_atomically(path, text)
    click.echo(f"Written: {path}. {'' if on_lab else YOUR_OWN}Next: sts-eval {'sweep' if many else 'check'} {path}")


@click.command("run")
@click.argument("experiment", type=PATH)
@RUN_FOLDER
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Fine-tune and evaluate this many models at a time, each in a process of its own that loads the model.",
)
@POST_HOC
def run(experiment: Path, folder: Path | None, jobs: int, post_hoc: bool) -> None:
    """Run EXPERIMENT (a YAML file): predict, fine-tune, measure, report.

    A stage whose record exists is not run again. `sts-eval init` writes a file to start from.
    """
    files, described = RunFolder.of(folder or Path("runs") / experiment.stem), read_experiment(experiment)
    check_paths(described)

    from sts_eval import pipeline  # loads torch, for which a mistake in the file need not wait
    from sts_eval.reporting.files import write_report
    from sts_eval.reporting.prediction import draw_scores, print_prediction
    from sts_eval.reporting.report import print_report

    at_once = min(jobs, len(described.tune.seeds) + 1)
    seeds = f"{len(described.tune.seeds)} seeds" + (f", {at_once} models at a time" if at_once > 1 else "")
    following = f"fine-tuning ({seeds}), accuracy before and after, report"
    click.echo(f"Now: prediction. Next: {following}.", err=True)

    def show(prediction: Prediction) -> None:
        print_prediction(prediction, "sts_icl")
        draw_scores(prediction, "sts_icl", files.prediction_plot)
        sys.stdout.flush()
        click.echo(f"The prediction is kept in {files.run}. Next: {following}.", err=True)

    with progress_bars() as progress:
        report = pipeline.run(described, files.run, post_hoc=post_hoc, jobs=at_once, progress=progress, predicted=show)
    print_report(report)
    written = write_report(report, files.run)
    click.echo(f"Written: {', '.join(map(str, written))}")
    (page,) = (path for path in written if path.suffix == ".html")
    click.echo(f"All of this with a plot, to open in a browser: {page}")


@click.group("stage")
def stage() -> None:
    """Do one stage of a run by itself. `sts-eval predict` and `sts-eval report` are the first and the last."""


@stage.command("finetune")
@click.argument("experiment", type=PATH)
@click.option("--prediction", type=PATH, help="The record of the prediction that this fine-tuning tests.")
@RUN_FOLDER
@click.option("--push-to", metavar="OWNER/NAME", help="Upload the weights to this private hub repository.")
def finetune(experiment: Path, prediction: Path | None, folder: Path | None, push_to: str | None) -> None:
    """Fine-tune the model of EXPERIMENT (a YAML file), once per seed.

    Under `accelerate launch -m sts_eval.cli stage finetune …` it uses several GPUs.
    """
    from sts_eval.api.stages import finetune as tuned
    from sts_eval.tuning.push import push_to_hub

    files = RunFolder.of(folder or Path("runs") / experiment.stem)
    tuning = tuned(experiment, files.run, prediction=prediction)
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
@click.argument("experiment", type=PATH)
@click.option("--tuning", type=PATH, required=True, help="The record that `sts-eval stage finetune` wrote.")
@click.option("--prediction", type=PATH, help="The record of the prediction; questions that it read are not scored.")
@output("Where to write the record.  [default: transfer.json beside the tuning record]")
def measure(experiment: Path, tuning: Path, prediction: Path | None, output: Path | None) -> None:
    """Measure accuracy before and after the fine-tuning of EXPERIMENT (a YAML file), on the same questions.

    Runs lm-evaluation-harness.
    """
    from sts_eval.api.stages import measure as measured

    output = output or RunFolder.of(tuning.parent).transfer_record
    measured(experiment, tuning, prediction=prediction, output=output)
    click.echo(f"Record: {output}. Next: sts-eval report {prediction or 'PREDICTION'} {output}")
