"""`sts-eval predict`: a score per domain from the untuned model, and why."""

from pathlib import Path
from typing import Any

import click

from sts_eval.cli.options import PATH, output, settings_options
from sts_eval.errors import UserError
from sts_eval.experiment import Experiment
from sts_eval.records.calibration import Calibration
from sts_eval.records.prediction import SCORES
from sts_eval.records.record import check_writable, write_atomically
from sts_eval.reporting.progress import progress_bars
from sts_eval.settings import describe, settings_of


@click.command("predict")
@settings_options(settings_of(Experiment))
@click.option("--rank-by", type=click.Choice(SCORES), default=SCORES[0], show_default=True, help="Score to rank by.")
@output("Write the record as JSON.")
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
    output: Path | None, plot: Path | None, page: Path | None, calibrated: Path | None, rank_by: str, **options: Any
) -> None:
    """Predict which domains will change most if MODEL is fine-tuned on a training set.

    Only the untuned model is read. Defaults are those of the paper (arXiv 2603.02908). It is not an error if a set has
    fewer tokens than the settings ask for.
    """
    from sts_eval.analysis.expected_change import needed
    from sts_eval.prediction.predict import predict as made
    from sts_eval.reporting.calibration import print_expected
    from sts_eval.reporting.feature_page import feature_page
    from sts_eval.reporting.prediction import draw_scores, print_prediction

    for path in (output, plot, page):
        if path is not None:
            check_writable(path)
    if page is not None and not options["meanings"]:
        raise UserError(
            "the page says what the features mean, which --no-meanings leaves out", "Leave out one of the two"
        )
    calibration = None if calibrated is None else Calibration.read(calibrated)
    if calibration is not None:
        options["predictors"] += tuple(name for name in needed(calibration) if name not in SCORES)
    experiment = describe(Experiment, options, lambda name, value: f"--{name.replace('_', '-')} {value!r}")
    with progress_bars() as progress:
        prediction = made(experiment, progress)
    print_prediction(prediction, rank_by)
    if output is not None:
        prediction.write(output)
        click.echo(f"Record: {output} (sha256 {prediction.sha256()[:12]})")
    if plot is not None:
        draw_scores(prediction, rank_by, plot)
        click.echo(f"Plot: {plot}")
    if page is not None:
        write_atomically(page, feature_page(prediction))
        click.echo(f"Page: {page}")
    if calibration is not None:
        print_expected(calibration, prediction)
