"""`sts-eval ablate`: what the model loses without the features that a prediction names."""

from pathlib import Path
from typing import Any

import click

from sts_eval.cli.options import PATH, output, settings_options
from sts_eval.experiment import AblationPlan
from sts_eval.records.claim import claimed, own_claim
from sts_eval.reporting.progress import progress_bars
from sts_eval.settings import describe, settings_of


@click.command("ablate")
@click.argument("subject", metavar="PREDICTION|RUN", type=PATH)
@settings_options(settings_of(AblationPlan))
@output("Folder of the result.  [default: ablation/ in the folder of the run or of the prediction]")
def ablate(subject: Path, output: Path | None, **options: Any) -> None:
    """Set the features of PREDICTION, or of the prediction in the folder RUN, to zero and score the model's answers.

    Predicted features are compared with the most active features, random ones, and random ones that are as active as
    the predicted (matched). With RUN the tuned models are scored too, also without the features that tuning really
    moved. Measurements that are in the output folder are not made again.
    """
    from sts_eval.analysis.ablation import read_subject, summarise_ablation
    from sts_eval.hindsight.ablation import ablate as measured
    from sts_eval.reporting.ablation import print_ablation, write_ablation

    plan = describe(AblationPlan, options, lambda name, value: f"--{name.replace('_', '-')} {value!r}")
    prediction, tuned = read_subject(subject)
    if subject.is_dir() and not tuned:
        click.echo(f"{subject} has no tuned weights, so only the untuned model is measured.", err=True)
    output = output or (subject if subject.is_dir() else subject.parent) / "ablation"
    with claimed(output / ".running.json", own_claim()), progress_bars() as progress:
        ablated = measured(prediction, tuned, plan.ablation, output / "cells", progress)
    ablation = summarise_ablation(prediction, ablated, plan.ablation)
    print_ablation(ablation)
    click.echo(f"Written: {', '.join(str(path) for path in write_ablation(ablation, output))}")
