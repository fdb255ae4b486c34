"""`sts-eval import` and `sts-eval export`: results that were measured elsewhere, and runs in the formats of others."""

from pathlib import Path
from typing import Literal

import click

from sts_eval.cli.options import PATH
from sts_eval.errors import UserError
from sts_eval.records.output import check_output
from sts_eval.records.transfer import Transfer
from sts_eval.reporting.terminal import standard_output

HUB, EEE = "hub", "every-eval-ever"

NAMES = {
    HUB: ("dataset_id", "task_id"),
    EEE: ("dataset_id", "benchmark", "base_id", "model_id", "organization"),
}
"""Options of `export` that name something, by the formats that have them."""

STATES: tuple[Literal["before", "after"], ...] = ("before", "after")


@click.command("import")
@click.option(
    "--format",
    "form",
    type=click.Choice(["lm-eval", "mmlu-pro", "table", "every-eval-ever"]),
    required=True,
    help="lm-eval: folders or files of samples. mmlu-pro: files or folders of the official scripts. "
    "table: one parquet, jsonl or csv of question_id, category, answer, pred_before, pred_after. "
    "every-eval-ever: instance files.",
)
@click.argument("paths", type=PATH, nargs=-1, required=True)
@click.option("--filter", "filter_name", metavar="NAME", help="lm-eval: the filter to read, if a task has several.")
@click.option("--metric", metavar="NAME", help="lm-eval: the metric that is 1 for a right answer, if it is unusual.")
@click.option("--by-task", is_flag=True, help="lm-eval: each task is a domain, even if documents name a category.")
@click.option("--model-before", metavar="NAME", help="The untuned model. [default: as files or folders name it]")
@click.option("--model-after", metavar="NAME", help="The tuned model. [default: as files or folders name it]")
@click.option(
    "-o", "--output", type=PATH, default=Path("transfer.json"), show_default=True, help="The record to write."
)
@click.option("--force", "--overwrite", "force", is_flag=True, help="Overwrite a record that is there.")
def import_results(
    form: str,
    paths: tuple[Path, ...],
    filter_name: str | None,
    metric: str | None,
    by_task: bool,
    model_before: str | None,
    model_after: str | None,
    output: Path,
    force: bool,
) -> None:
    """Read results from before and after fine-tuning (PATHS, before first) into a transfer record.

    Files may be compressed. Several tuned models are one path each. An answer that could not be parsed counts as wrong.
    """
    from sts_eval.reporting.transfer import transfer_table
    from sts_eval.transfer.import_results import import_transfer

    for option, value in (("--filter", filter_name), ("--metric", metric), ("--by-task", by_task)):
        if value and form != "lm-eval":
            raise UserError(f"{option} is for --format lm-eval", "Leave it out")
    check_output(output, paths, kind=Transfer, force=force)
    transfer = import_transfer(
        form,
        paths,
        filter_name=filter_name,
        metric=metric,
        by_task=by_task,
        model_before=model_before,
        model_after=model_after,
    )
    console = standard_output()
    console.print(transfer_table(transfer))
    for warning in transfer.warnings:
        console.print(f"Warning: {warning}", style="yellow", markup=False, highlight=False)
    transfer.write(output)
    click.echo(f"Record: {output}. Next: sts-eval report PREDICTION {output}")


@click.command("export")
@click.argument("run", type=PATH)
@click.option("--to", "form", type=click.Choice([HUB, EEE]), required=True, help="The format.")
@click.option("-o", "--output", "folder", type=PATH, required=True, help="Folder to write to.")
@click.option(
    "--which",
    type=click.Choice(["before", "after", "both"]),
    help="Accuracy before fine-tuning, after, or both.  [default: after for hub, both for every-eval-ever]",
)
@click.option("--dataset-id", metavar="OWNER/NAME", help="The benchmark's dataset on the hub; known for MMLU-Pro.")
@click.option("--task-id", metavar="ID", help="hub: the task in that dataset's eval.yaml; known for MMLU-Pro.")
@click.option("--benchmark", metavar="NAME", help="every-eval-ever: the benchmark, if the record does not name it.")
@click.option("--base-id", metavar="OWNER/NAME", help="every-eval-ever: repository of the untuned model.")
@click.option("--model-id", metavar="OWNER/NAME", help="every-eval-ever: repository of the tuned model.")
@click.option("--organization", metavar="NAME", help="every-eval-ever: who provides the data. [default: the submitter]")
@click.option("--no-instances", is_flag=True, help="every-eval-ever: leave out the file of single answers.")
@click.option("--force", is_flag=True, help="Overwrite files whose content differs.")
def export(
    run: Path, form: str, folder: Path, which: str | None, no_instances: bool, force: bool, **names: str | None
) -> None:
    """Write a run's accuracies in another project's format.

    RUN is a run's folder, a transfer record or a submission.
    """
    from sts_eval.export import read_source, to_every_eval_ever, to_hub, write_all

    (other,) = {HUB, EEE} - {form}
    useless = [f"--{name.replace('_', '-')}" for name, value in names.items() if value and name not in NAMES[form]]
    if form == HUB:
        useless += ["--no-instances"] * no_instances
        useless += ["--which both"] * (which == "both")  # a model repository holds one model's results
    if useless:
        raise UserError(f"{useless[0]} is for --to {other}", "Leave it out")
    own = {name: names[name] for name in NAMES[form]}
    if form == HUB:
        made = to_hub(read_source(run), which="before" if which == "before" else "after", **own)
    else:
        states = [state for state in STATES if which in (state, "both", None)]
        made = to_every_eval_ever(read_source(run), states=states, instances=not no_instances, **own)
    written = write_all(folder, made.files, force=force)
    for name in made.files:
        path = folder / name
        click.echo(f"{'Written' if path in written else 'Already there'}: {path}")
    for note in made.notes:
        click.echo(f"Note: {note}")
