"""`sts-eval mix`: which rows to add to a training set so that other domains do not fall, and an experiment on it."""

from pathlib import Path
from typing import Any, get_args

import click

from sts_eval.cli.options import PATH, output
from sts_eval.errors import UserError
from sts_eval.records.arm_comparison import ArmComparison, ArmMeasure

COMPARISON = ("comparison.json", "comparison.md")


@click.command("mix")
@click.argument("prediction", type=PATH, required=False)
@click.option("--pool", help="Rows that may be added: file, folder of files, or hub id.")
@click.option("--budget", type=int, help="Number of rows to add.")
@click.option(
    "--by",
    help="What decides how many rows each domain gets: a predictor of the prediction, calibration, history, damage or "
    "equal.  "
    "[default: calibration if there is one, else sts_icl]",
)
@click.option(
    "--protect", multiple=True, metavar="DOMAINS", help="Add rows for these domains only; separate by commas."
)
@click.option(
    "--domain-column", help="Column of the pool that names the domain; without it rows are assigned by similarity."
)
@click.option("--question-field", help="Column of the pool's questions; by default found by name.")
@click.option("--solution-field", help="Column of the pool's solutions; by default found by name.")
@click.option("--calibration", type=PATH, help="Expected changes in points, from this record of `sts-eval calibrate`.")
@click.option(
    "--history", type=PATH, multiple=True, help="Other runs: a folder or a .jsonl of outcomes. May be repeated."
)
@click.option("--transfer", type=PATH, help="The measured change of this run, for --by damage (oracle).")
@click.option("--self-distill", is_flag=True, help="Train the added rows on the untuned model's own answers.")
@click.option(
    "--answer-tokens",
    type=click.IntRange(1),
    default=256,
    show_default=True,
    help="With --self-distill: longest answer.",
)
@click.option(
    "--temperature",
    type=click.FloatRange(0),
    default=0.0,
    show_default=True,
    help="With --self-distill: sampling temperature; 0: likeliest answer.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Random seed that draws the rows.")
@output("Write the training set with the added rows to this .jsonl file, and its record beside it.")
@click.option(
    "--verify",
    type=PATH,
    metavar="FOLDER",
    help="Write an experiment to this folder: a sweep that tunes on several training sets (arms).",
)
@click.option("--experiment", type=PATH, help="With --verify: experiment file with tuning and measurement.")
@click.option(
    "--arm", "arms", multiple=True, help="With --verify: an arm, with added rows as for --by, or none. May be repeated."
)
@click.option(
    "--compare",
    type=PATH,
    metavar="FOLDER",
    help="Compare the arms of the folder that --verify wrote, after its sweep.",
)
@click.option(
    "--measure",
    type=click.Choice(get_args(ArmMeasure)),
    default="accuracy",
    show_default=True,
    help="With --compare: how the change of a domain is measured.",
)
def mix(
    protect: tuple[str, ...],
    output: Path | None,
    verify: Path | None,
    compare: Path | None,
    measure: ArmMeasure,
    **options: Any,
) -> None:
    """Choose rows of a pool to add to the training set of PREDICTION, so that other domains do not fall.

    \b
    Choose:   sts-eval mix prediction.json --pool extra.jsonl --budget 220 -o mixture.jsonl
    Check:    sts-eval mix prediction.json --pool extra.jsonl --budget 220 \\
                  --verify FOLDER --experiment experiment.yaml
              sts-eval sweep FOLDER/sweep.yaml --folder FOLDER/sweep
              sts-eval mix --compare FOLDER
    """  # noqa: D301 -- click wants the control character itself before lines that it must not join
    if compare is not None:
        _compare(compare, measure)
        return
    from sts_eval.api.mixed import mix as mixed
    from sts_eval.mixture.write import record_path
    from sts_eval.records.mixture import SWEEP_FILE, SWEEP_FOLDER
    from sts_eval.reporting.mixture import print_arms, print_mixture

    protected = [name.strip() for text in protect for name in text.split(",") if name.strip()]
    if protect and not protected:
        raise UserError("--protect names no domain", "Name domains, separated by commas, or leave it out for all")
    chosen = mixed(**options, protect=protected, output=output, verify=verify)
    print_mixture(chosen.record)
    if chosen.record.mixture is not None and output is not None:
        click.echo(f"Training set: {output}, {chosen.record.mixture.rows} rows. Record: {record_path(output)}")
        click.echo(f"Next: set training_set.source to {output} in an experiment file, then sts-eval run")
    if chosen.arms is not None and verify is not None:
        print_arms(chosen.arms)
        click.echo(f"Next: sts-eval sweep {verify / SWEEP_FILE} --folder {verify / SWEEP_FOLDER}")
        click.echo(f"Then: sts-eval mix --compare {verify}")


def _compare(folder: Path, measure: ArmMeasure) -> None:
    from sts_eval.api.mixed import compare_arms
    from sts_eval.records.output import check_outputs
    from sts_eval.records.record import write_atomically
    from sts_eval.reporting.mixture import arm_comparison_markdown, print_arm_comparison

    paths = [folder / name for name in COMPARISON]
    comparison = compare_arms(folder, measure=measure).record
    check_outputs(paths, kind=ArmComparison)
    comparison.write(paths[0])
    write_atomically(paths[1], arm_comparison_markdown(comparison))
    print_arm_comparison(comparison)
    click.echo(f"Written: {', '.join(map(str, paths))}")
