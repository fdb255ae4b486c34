"""`sts-eval report`, `compare`, `beside`, `calibrate`: predictions against measured changes, over one run or many."""

from pathlib import Path
from typing import get_args

import click

from sts_eval.cli.options import PATH, POST_HOC, UNRELATED, output
from sts_eval.cli.printing import Format, printing, printing_options
from sts_eval.errors import UserError
from sts_eval.records.calibration import Calibration, HistoryKind
from sts_eval.records.comparison import Comparison, Split
from sts_eval.records.output import check_output, check_outputs
from sts_eval.records.prediction import Prediction
from sts_eval.records.report import Report
from sts_eval.records.transfer import Transfer


@click.command("report")
@click.argument("prediction", type=PATH)
@click.argument("transfer", type=PATH)
@click.option("--folder", type=PATH, help="Write report.json, report.md, report.html and scatter.png to this folder.")
@output("Write the record as JSON; - is standard output.")
@click.option("--force", is_flag=True, help="Overwrite a report that is there.")
@printing_options
@POST_HOC
@UNRELATED
def report(
    prediction: Path,
    transfer: Path,
    folder: Path | None,
    output: Path | None,
    form: Format,
    *,
    force: bool,
    quiet: bool,
    post_hoc: bool,
    unrelated: bool,
) -> None:
    """Compare the record PREDICTION with the measured changes in the record TRANSFER.

    `sts-eval gate` ends with exit code 3 where a domain fell, for pipelines that must stop there.
    """
    from sts_eval.analysis.report import report_run
    from sts_eval.api.results import ReportResult
    from sts_eval.records.run_folder import REPORT_FILES
    from sts_eval.reporting.files import write_report
    from sts_eval.reporting.report import print_report

    shown, output = printing(form, output, quiet=quiet)
    if folder is not None:
        paths = [folder / name for name in REPORT_FILES]
        check_outputs(paths, (prediction, transfer), kind=Report, force=force)
    if output is not None:
        check_output(output, (prediction, transfer), kind=Report, force=force)
    compared = report_run(Prediction.read(prediction), Transfer.read(transfer), post_hoc=post_hoc, unrelated=unrelated)
    shown.show(compared, lambda: print_report(compared), ReportResult(compared).to_frame)
    if output is not None:
        compared.write(output)
        shown.note(f"Record: {output}")
    if folder is not None:
        shown.note(f"Written: {', '.join(str(path) for path in write_report(compared, folder))}")


@click.command("compare")
@click.argument("runs", nargs=-1, required=True, type=PATH)
@output("Write JSON, Markdown, CSV and plots to this folder; - prints the record as JSON.")
@printing_options
@click.option("--reference", default="sts_icl", show_default=True, help="The predictor to compare the others with.")
@click.option(
    "--split",
    type=click.Choice(get_args(Split)),
    help="Also choose the best predictor on half of the training sets or models and judge it on the other half.",
)
@POST_HOC
@UNRELATED
@click.option("--all", "everything", is_flag=True, help="Print every row, those of log-probabilities included.")
@click.option("--resamples", default=2000, show_default=True, help="Resamples of every bootstrap and permutation test.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Random seed of the resampling.")
def compare(
    runs: tuple[Path, ...],
    output: Path | None,
    form: Format,
    reference: str,
    split: Split | None,
    resamples: int,
    seed: int,
    *,
    quiet: bool,
    post_hoc: bool,
    unrelated: bool,
    everything: bool,
) -> None:
    """Compare all predictors with the measured changes of RUNS.

    A RUN is a folder of `sts-eval run` or a .jsonl file of outcomes.
    """
    from sts_eval.analysis.aligned_runs import align
    from sts_eval.analysis.compare import compare_runs
    from sts_eval.analysis.runs import gather
    from sts_eval.api.results import ComparisonResult
    from sts_eval.reporting.comparison import print_comparison
    from sts_eval.reporting.files import COMPARISON_FILES, write_comparison

    shown, output = printing(form, output, quiet=quiet)
    if output is not None:
        check_outputs([output / name for name in COMPARISON_FILES], runs, kind=Comparison)
    outcomes = gather(runs, post_hoc=post_hoc, unrelated=unrelated)
    with shown.progress() as progress:
        comparison = compare_runs(
            outcomes, reference=reference, n_resamples=resamples, seed=seed, split=split, progress=progress
        )
    # Written before it is printed: a reader that closes the pipe early costs nothing.
    paths = [] if output is None else write_comparison(comparison, align(outcomes), output)
    shown.show(
        comparison,
        lambda: print_comparison(comparison, everything=everything),
        ComparisonResult(comparison).to_frame,
    )
    if paths:
        shown.note(f"Written: {', '.join(str(path) for path in paths)}")


@click.command("beside")
@click.argument("runs", nargs=-1, required=True, type=PATH)
@click.option("-o", "--output", type=PATH, help="Write the tables as Markdown.")
def beside(runs: tuple[Path, ...], output: Path | None) -> None:
    """Compare RUNS that tune one model on the same data by different methods.

    Prints how far each method moved the model, whether it shifted the predicted features, and STS with the predicted
    and with the really shifted features. A RUN is a folder of `sts-eval run`.
    """
    from sts_eval.analysis.beside import side_by_side
    from sts_eval.records.record import write_atomically
    from sts_eval.reporting.beside import markdown, print_side_by_side

    if output is not None:
        check_output(output, runs)
    found = side_by_side(runs)
    print_side_by_side(found)
    if output is not None:
        write_atomically(output, markdown(found))
        click.echo(f"Written: {output}")


@click.command("calibrate")
@click.argument("paths", metavar="RUN... | PREDICTION...", nargs=-1, required=True, type=PATH)
@click.option("--predictor", "predictors", multiple=True, metavar="NAME", help="Use this predictor; may be repeated.")
@click.option(
    "--history",
    type=click.Choice(get_args(HistoryKind)),
    default="domain",
    show_default=True,
    help="Also use the domain's measured changes in other runs, or in other models' runs on the same set.",
)
@POST_HOC
@UNRELATED
@output("Write the calibration as JSON.")
@click.option("--apply", type=PATH, metavar="CALIBRATION", help="Convert scores of PREDICTIONs to points.")
def calibrate(
    paths: tuple[Path, ...],
    predictors: tuple[str, ...],
    history: HistoryKind,
    post_hoc: bool,
    unrelated: bool,
    output: Path | None,
    apply: Path | None,
) -> None:
    """Fit changes in points to scores, over RUNs; or apply such a fit to PREDICTIONs.

    A RUN is a folder of `sts-eval run` or a .jsonl file of outcomes. Errors and intervals come from runs of a model,
    or on a training set, that the fit has not seen. Without --predictor, each fit chooses the best one by itself.

    Make one:  sts-eval calibrate runs/* -o calibration.json

    Use it:  sts-eval calibrate --apply calibration.json prediction.json
    """
    from sts_eval.analysis.calibrate import calibrate as fitted
    from sts_eval.analysis.runs import gather
    from sts_eval.reporting.calibration import print_calibration, print_expected

    if apply is not None:
        if predictors or history != "domain" or post_hoc or unrelated or output is not None:
            raise UserError(
                "--apply uses a finished calibration",
                "Leave out --predictor, --history, --post-hoc, --unrelated and --output, which are for making one",
            )
        calibration = Calibration.read(apply)
        for one in [Prediction.read(path) for path in paths]:
            click.echo(f"{one.model.id} tuned on {one.training_set.source}:")
            print_expected(calibration, one)
        return
    if output is not None:
        check_output(output, paths, kind=Calibration)
    calibration = fitted(gather(paths, post_hoc=post_hoc, unrelated=unrelated), predictors, history=history)
    print_calibration(calibration)
    if output is not None:
        calibration.write(output)
        click.echo(f"Record: {output} (sha256 {calibration.sha256()[:12]})")
