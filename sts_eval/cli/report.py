"""`sts-eval report`: a prediction held against what happened."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("report")
@click.argument("prediction", type=click.Path(path_type=Path))
@click.argument("transfer", type=click.Path(path_type=Path))
@click.option("--folder", type=click.Path(path_type=Path), help="Write report.json, .md, .html and scatter.png here.")
@click.option("--post-hoc", is_flag=True, help="Go on where the prediction is younger than the tuning, and say so.")
def command(prediction: Path, transfer: Path, folder: Path | None, post_hoc: bool) -> None:
    """Compare the records PREDICTION and TRANSFER."""
    from sts_eval.analysis.report import report_run
    from sts_eval.records.prediction import Prediction
    from sts_eval.records.transfer import Transfer
    from sts_eval.report.files import write_report
    from sts_eval.report.report import print_report

    report = report_run(Prediction.read(prediction), Transfer.read(transfer), post_hoc=post_hoc)
    print_report(report)
    if folder is not None:
        click.echo(f"Written: {', '.join(str(path) for path in write_report(report, folder))}")
