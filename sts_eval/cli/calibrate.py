"""`sts-eval calibrate`: from scores to points, with an interval."""

from __future__ import annotations

from pathlib import Path

import click

from sts_eval.errors import UserError


@click.command("calibrate", context_settings={"max_content_width": 110})
@click.argument("paths", metavar="RUN... | PREDICTION...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--predictor", "predictors", multiple=True, metavar="NAME", help="Use this predictor; may be repeated.")
@click.option("--history/--no-history", default=True, show_default=True, help="Use what happened to each domain.")
@click.option("--post-hoc", is_flag=True, help="Take runs whose prediction is younger than their tuning.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the calibration as JSON.")
@click.option("--apply", type=click.Path(path_type=Path), metavar="CALIBRATION", help="Turn PREDICTIONs into points.")
def command(
    paths: tuple[Path, ...],
    predictors: tuple[str, ...],
    history: bool,
    post_hoc: bool,
    output: Path | None,
    apply: Path | None,
) -> None:
    """Fit scores to changes in points, over RUNs; or turn PREDICTIONs into points by such a fit.

    A RUN is a folder of `sts-eval run` or a .jsonl file of outcomes. Errors and intervals come from runs of a model,
    or on a training set, that the fit has not seen. Without --predictor, each fit chooses the best one by itself.

    Make one:  sts-eval calibrate runs/* -o calibration.json

    Use it:  sts-eval calibrate --apply calibration.json prediction.json
    """
    if apply is not None:
        if predictors or not history or post_hoc or output is not None:
            raise UserError("--apply takes a calibration as it is", "Leave out -o and the options of making one")
        _apply(apply, paths)
        return

    from sts_eval.analysis.calibrate import calibrate
    from sts_eval.analysis.runs import gather
    from sts_eval.records.record import check_writable
    from sts_eval.report.calibration import print_calibration

    if output is not None:
        check_writable(output)
    calibration = calibrate(gather(paths, post_hoc=post_hoc), predictors, with_history=history)
    print_calibration(calibration)
    if output is not None:
        calibration.write(output)
        click.echo(f"Record: {output} (sha256 {calibration.sha256()[:12]})")


def _apply(path: Path, predictions: tuple[Path, ...]) -> None:
    from sts_eval.records.calibration import Calibration
    from sts_eval.records.prediction import Prediction
    from sts_eval.report.calibration import print_expected

    calibration = Calibration.read(path)
    for one in [Prediction.read(prediction) for prediction in predictions]:
        click.echo(f"{one.model.id} tuned on {one.training_set.source}:")
        print_expected(calibration, one)
