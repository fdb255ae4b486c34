"""`sts-eval gate`: stop a pipeline where fine-tuning broke a domain."""

import sys
from pathlib import Path

import click

from sts_eval.cli.options import PATH, STANDARD_OUTPUT, output
from sts_eval.errors import UserError
from sts_eval.records.record import check_writable
from sts_eval.records.report import Report
from sts_eval.records.run_folder import RunFolder
from sts_eval.records.transfer import Transfer

FELL = 3  # exit code where the gate does not pass


@click.command("gate")
@click.argument("paths", metavar="RUN | TRANSFER | BEFORE AFTER...", nargs=-1, required=True, type=PATH)
@click.option(
    "--max-drop",
    type=float,
    default=0.0,
    show_default=True,
    help="Only a fall by more points than this counts: 2 lets a fall from 70% to 68% pass.",
)
@click.option("--level", type=float, default=0.95, show_default=True, help="Confidence over all domains together.")
@click.option(
    "--strict",
    is_flag=True,
    help="Pass only if the questions rule out, in every domain, a fall by more than --max-drop; without it the gate "
    "passes unless such a fall is shown.",
)
@output("Write the verdict as JSON; - is standard output, in place of the table.")
def gate(paths: tuple[Path, ...], max_drop: float, level: float, strict: bool, output: Path | None) -> None:
    """Has fine-tuning broken a domain? Exit code 3 if so, and 0 if not.

    RUN is the folder of `sts-eval run`, TRANSFER a transfer record. BEFORE and AFTER are results of lm-eval with
    --log_samples. Both models answered the same questions, so the test is paired: it needs far fewer questions than a
    comparison of two accuracies.
    """
    from sts_eval.analysis.gate import gate as judge
    from sts_eval.reporting.gate import print_gate

    if output not in (None, STANDARD_OUTPUT):
        check_writable(output)
    found = judge(_transfer(paths), max_drop=max_drop, level=level, strict=strict)
    if output == STANDARD_OUTPUT:
        click.echo(found.canonical())
    else:
        print_gate(found)
        if output is not None:
            found.write(output)
            click.echo(f"Record: {output}")
    if not found.passed:
        sys.exit(FELL)


def _transfer(paths: tuple[Path, ...]) -> Transfer:
    if len(paths) > 1:
        from sts_eval.transfer.import_results import import_transfer

        return import_transfer("lm-eval", paths)
    (path,) = paths
    if not path.is_dir():
        return Transfer.read(path)
    files = RunFolder.of(path)
    if files.report.is_file():
        return files.record_named(Transfer, Report.read(files.report).transfer_sha256)
    if files.transfer_record.is_file():
        return Transfer.read(files.transfer_record)
    raise UserError(f"{path} is no finished run", "Give a transfer record, or results BEFORE and AFTER")
