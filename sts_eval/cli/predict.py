"""`sts-eval predict`: a score per domain from the untuned model, and why."""

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from sts_eval.cli.options import PATH, GroupedCommand, output, settings_options
from sts_eval.cli.paths import check_paths
from sts_eval.cli.printing import Format, printing, printing_options
from sts_eval.errors import UserError
from sts_eval.experiment import QUICK, Experiment, PredictSettings, quick_words
from sts_eval.records.calibration import Calibration
from sts_eval.records.output import check_output
from sts_eval.records.prediction import SCORES, Prediction
from sts_eval.records.record import write_atomically
from sts_eval.settings import describe, settings_of


@click.command("predict", cls=GroupedCommand)
@settings_options(settings_of(Experiment))
@click.option("--rank-by", type=click.Choice(SCORES), default=SCORES[0], show_default=True, help="Score to rank by.")
@click.option(
    "--quick",
    is_flag=True,
    help=f"Read a fifth of the tokens, in about a fifth of the time ({quick_words()}). Standard errors are about "
    "twice as large, so domains with close scores may change places. The record keeps these settings.",
)
@output("Write the record as JSON; - is standard output.")
@printing_options
@click.option("--plot", type=PATH, help="Draw the scores as a PNG, PDF or SVG.")
@click.option("--html", "page", type=PATH, help="Write what the shifted features mean as one HTML file.")
@click.option(
    "--calibration",
    "calibrated",
    type=PATH,
    help="Also print expected changes in points, from this record of `sts-eval calibrate`. The predictors that it uses "
    "are computed too.",
)
def predict(
    output: Path | None,
    plot: Path | None,
    page: Path | None,
    calibrated: Path | None,
    rank_by: str,
    form: Format,
    *,
    quiet: bool,
    quick: bool,
    **options: Any,
) -> None:
    """Predict which domains will change most if MODEL is fine-tuned on a training set.

    Only the untuned model is read. Step 1 finds the SAE features that demonstrations from the training set change most.
    Step 2 reads these shifted features in every domain. Defaults are those of the paper (arXiv 2603.02908). If the
    training set has fewer tokens than the settings ask for, a warning says so.
    """
    shown, output = printing(form, output, quiet=quiet)
    read = (calibrated, *options.values())
    if output is not None:
        check_output(output, read, kind=Prediction)
    for path, option in ((plot, "--plot"), (page, "--html")):
        if path is not None:
            check_output(path, (*read, output), option=option)
    if page is not None and not options["meanings"]:
        raise UserError(
            "--html writes what the features mean, and --no-meanings leaves that out", "Leave out one of the two"
        )
    calibration = None if calibrated is None else Calibration.read(calibrated)
    if calibration is not None:
        from sts_eval.analysis.expected_change import needed

        options["predictors"] += tuple(name for name in needed(calibration) if name not in SCORES)
    if quick:
        source = click.get_current_context().get_parameter_source
        options |= {name: value for name, value in QUICK.items() if source(name) is ParameterSource.DEFAULT}
    experiment = describe(Experiment, options, lambda name, value: f"--{name.replace('_', '-')} {value!r}")
    check_paths(experiment)
    if not quiet:
        click.echo(reading_line(experiment.settings), err=True)

    from sts_eval.prediction.predict import predict as made  # loads torch, for which no mistake above need wait
    from sts_eval.reporting.calibration import print_expected
    from sts_eval.reporting.feature_page import feature_page
    from sts_eval.reporting.prediction import draw_scores, print_prediction, scores_frame

    with shown.progress() as progress:
        prediction = made(experiment, progress)
    shown.show(prediction, lambda: print_prediction(prediction, rank_by), lambda: scores_frame(prediction))
    if output is not None:
        prediction.write(output)
        shown.note(f"Record: {output} (sha256 {prediction.sha256()[:12]})")
    if plot is not None:
        draw_scores(prediction, rank_by, plot)
        shown.note(f"Plot: {plot}")
    if page is not None:
        write_atomically(page, feature_page(prediction))
        shown.note(f"Page: {page}")
    if calibration is not None and shown.form == "table" and not quiet:
        print_expected(calibration, prediction)
    shown.note(
        "Next: measure whether it comes true. `sts-eval init experiment.yaml` writes a file to put this model, SAE, "
        "training set and benchmark into; `sts-eval run experiment.yaml` fine-tunes and measures."
    )


def reading_line(settings: PredictSettings) -> str:
    """How much a prediction reads, and how to read less where it is much."""
    n_seeds = len(settings.seeds)
    text = (
        f"Reading up to {settings.shift_tokens:,} tokens of the training set and {settings.domain_tokens:,} of every "
        f"domain{f', for each of {n_seeds} seeds' if n_seeds > 1 else ''}."
    )
    if settings.shift_tokens <= QUICK["shift_tokens"] or settings.domain_tokens <= QUICK["domain_tokens"]:
        return text
    return f"{text} On a large model, or without a GPU, this takes long: --quick takes about a fifth of the time."
