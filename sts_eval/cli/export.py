"""`sts-eval export`: a run in the formats that others read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sts_eval.export.accuracy import State

HUB, EEE = "hub", "every-eval-ever"


@click.command("export")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--to", "form", type=click.Choice([HUB, EEE]), required=True, help="The format.")
@click.option("-o", "--output", "folder", type=click.Path(path_type=Path), required=True, help="Folder to write to.")
@click.option(
    "--which",
    type=click.Choice(["before", "after", "both"]),
    help="Whose accuracy: the untuned model's or the tuned ones'. [default: after for hub, both for every-eval-ever]",
)
@click.option("--dataset-id", metavar="OWNER/NAME", help="The benchmark's dataset on the hub; known for MMLU-Pro.")
@click.option("--task-id", metavar="ID", help="hub: the task in that dataset's eval.yaml; known for MMLU-Pro.")
@click.option("--benchmark", metavar="NAME", help="every-eval-ever: what was asked, if the record does not say.")
@click.option("--base-id", metavar="OWNER/NAME", help="every-eval-ever: repository of the untuned model.")
@click.option("--model-id", metavar="OWNER/NAME", help="every-eval-ever: repository of the tuned model.")
@click.option("--organization", metavar="NAME", help="every-eval-ever: who provides the data. [default: the submitter]")
@click.option("--no-instances", is_flag=True, help="every-eval-ever: leave out the file of single answers.")
@click.option("--force", is_flag=True, help="Write over files with another content.")
def command(
    run: Path,
    form: str,
    folder: Path,
    which: str | None,
    dataset_id: str | None,
    task_id: str | None,
    benchmark: str | None,
    base_id: str | None,
    model_id: str | None,
    organization: str | None,
    no_instances: bool,
    force: bool,
) -> None:
    """Write a run's accuracies as others read them.

    RUN is a run's folder, a transfer record or a submission.
    """
    from sts_eval.export import read_source, to_every_eval_ever, to_hub, write_all

    if form == HUB:
        _without(
            EEE,
            {
                "--benchmark": benchmark,
                "--base-id": base_id,
                "--model-id": model_id,
                "--organization": organization,
                "--no-instances": no_instances,
                "--which both": which == "both",  # a model repository holds one model's results
            },
        )
        made = to_hub(read_source(run), which=_state(which or "after"), dataset_id=dataset_id, task_id=task_id)
    else:
        _without(HUB, {"--task-id": task_id})
        made = to_every_eval_ever(
            read_source(run),
            states=("before", "after") if which in (None, "both") else (_state(which or ""),),
            base_id=base_id,
            model_id=model_id,
            benchmark=benchmark,
            dataset_id=dataset_id,
            organization=organization,
            instances=not no_instances,
        )
    written = write_all(folder, made.files, force=force)
    for name in made.files:
        path = folder / name
        click.echo(f"{'Written' if path in written else 'Already there'}: {path}")
    for note in made.notes:
        click.echo(f"Note: {note}")


def _state(which: str) -> State:
    return "before" if which == "before" else "after"


def _without(form: str, options: Mapping[str, object]) -> None:
    """Refuse an option of the other format, which would do nothing."""
    from sts_eval.errors import UserError

    for option, value in options.items():
        if value:
            raise UserError(f"{option} is for --to {form}", "Leave it out")
