"""`sts-eval import`: results that were measured elsewhere."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("import")
@click.option(
    "--format",
    "form",
    type=click.Choice(["lm-eval", "mmlu-pro", "table"]),
    required=True,
    help="lm-eval: folders with results and samples. mmlu-pro: files of the official script. "
    "table: one parquet, jsonl or csv of question_id, category, answer, pred_before, pred_after.",
)
@click.argument("paths", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), default="transfer.json", show_default=True)
def command(form: str, paths: tuple[Path, ...], output: Path) -> None:
    """Read results from before and after a tuning (PATHS, before first) into a transfer record.

    A parse failure counts as wrong.
    """
    from sts_eval.records.record import check_writable
    from sts_eval.report.terminal import standard_output
    from sts_eval.report.transfer import transfer_table
    from sts_eval.transfer.import_results import import_transfer

    check_writable(output)
    transfer = import_transfer(form, paths)
    console = standard_output()
    console.print(transfer_table(transfer))
    for warning in transfer.warnings:
        console.print(f"Warning: {warning}", style="yellow", markup=False, highlight=False)
    transfer.write(output)
    click.echo(f"Record: {output}. Next: sts-eval report PREDICTION {output}")
