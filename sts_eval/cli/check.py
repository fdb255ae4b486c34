"""`sts-eval check`: what a run needs, seen in seconds."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sts_eval.cli.options import PATH
from sts_eval.cli.run import RUN_FOLDER
from sts_eval.experiment_file import read_experiment
from sts_eval.records.run_folder import RunFolder
from sts_eval.reporting.progress import progress_bars
from sts_eval.reporting.terminal import standard_output, text_table

if TYPE_CHECKING:
    from sts_eval.preflight import Finding


@click.command("check")
@click.argument("experiment", type=PATH)
@RUN_FOLDER
def check(experiment: Path, folder: Path | None) -> None:
    """Check everything that `sts-eval run` needs for EXPERIMENT (a YAML file), without loading weights.

    Exit code 2 if the run would fail. Whether a model fits into memory is not checked.
    """
    described, files = read_experiment(experiment), RunFolder.of(folder or Path("runs") / experiment.stem)

    from sts_eval.preflight import examine  # loads torch, for which a mistake in the file need not wait

    with progress_bars() as progress:
        findings = examine(described, files, progress)
    rows = [(one.name, *_state(one)) for one in findings]
    header = ("needed", "state", "found")
    standard_output().print(text_table(f"What {experiment} needs", header, rows, left=header, fold=("found",)))
    wrong = sum(one.wrong is not None for one in findings)
    if wrong:
        waiting = sum(one.waits_for is not None for one in findings)
        others = f" and {waiting} could not be made because of that" if waiting else ""
        click.echo(
            f"{wrong} of {len(findings)} checks failed{others}: `sts-eval run {experiment}` would fail.", err=True
        )
        sys.exit(2)
    click.echo(f"Next: sts-eval run {experiment}")


def _state(finding: "Finding") -> tuple[str, str]:
    if finding.waits_for is not None:
        return "not made", f"waits for: {finding.waits_for}"
    if finding.wrong is not None:
        return "wrong", f"{finding.wrong.problem}\n→ {finding.wrong.remedy}"
    return "ok", finding.found
