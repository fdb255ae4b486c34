"""`sts-eval predict`: a score per domain from the untuned model, and why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import ValidationError

from sts_eval.errors import UserError
from sts_eval.experiment import (
    BenchmarkSpec,
    Experiment,
    ModelSpec,
    PredictSettings,
    SAESpec,
    TrainingSetSpec,
)

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _option(flag: str, field: str, of: type[Any], **more: Any) -> Callable[[_Command], _Command]:
    """An option whose help and default are those of a field of the description."""
    info = of.model_fields[field]
    if "default" not in more and info.default not in (None, ()) and not info.is_required():
        more |= {"default": info.default, "show_default": True}
    return click.option(flag, help=(info.description or "").capitalize() + ".", **more)


@click.command("predict", context_settings={"max_content_width": 110})
@_option("--model", "id", ModelSpec, required=True)
@_option("--revision", "revision", ModelSpec)
@_option("--dtype", "dtype", ModelSpec)
@_option("--device", "device", ModelSpec)
@_option("--peft", "adapter", ModelSpec)
@click.option("--trust-remote-code", is_flag=True, help="Run code that the model's repository ships.")
@_option("--sae-release", "release", SAESpec)
@_option("--sae-id", "id", SAESpec)
@_option("--sae-path", "path", SAESpec)
@_option("--hook", "hook", SAESpec)
@_option("--layer", "layer", SAESpec, type=int)
@click.option("--allow-pickle", is_flag=True, help="Load SAE weights that are stored as a pickle.")
@_option("--sft", "source", TrainingSetSpec, required=True)
@_option("--question-field", "question_field", TrainingSetSpec)
@_option("--solution-field", "solution_field", TrainingSetSpec)
@_option("--suffix", "suffix", TrainingSetSpec)
@_option("--domains", "source", BenchmarkSpec)
@click.option("--only", multiple=True, metavar="DOMAIN", help="Score this domain only; may be repeated.")
@_option("--top-n", "top_n", PredictSettings, type=int)
@_option("--shots", "shots", PredictSettings, type=int)
@_option("--domain-shots", "domain_shots", PredictSettings, type=int)
@_option("--shift-tokens", "shift_tokens", PredictSettings, type=int)
@_option("--domain-tokens", "domain_tokens", PredictSettings, type=int)
@_option("--estimator", "estimator", PredictSettings, type=click.Choice(["paired", "notebook"]))
@click.option("--seed", "seeds", type=int, multiple=True, default=(0,), show_default=True, help="May be repeated.")
@click.option(
    "--chat-template/--no-chat-template",
    default=None,
    help=PredictSettings.model_fields["chat_template"].description,
)
@click.option(
    "--predictors",
    multiple=True,
    metavar="NAMES",
    default=("lexical",),
    show_default=True,
    help="Predictors beside STS: all, groups or names (`sts-eval predictors` lists them) with commas between, or none. "
    "The lexical ones need no model, and in the evidence so far nothing that needs one beats them.",
)
@_option("--probe-steps", "probe_steps", PredictSettings, type=int)
@_option("--context", "context", PredictSettings, type=int)
@_option("--batch-tokens", "batch_tokens", PredictSettings, type=int)
@_option("--batch-questions", "batch_questions", PredictSettings, type=int)
@click.option(
    "--rank-by",
    type=click.Choice(["sts_icl", "sts_act", "sts_notebook"]),
    default="sts_icl",
    show_default=True,
    help="Score to rank domains by.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the record as JSON.")
@click.option("--plot", type=click.Path(path_type=Path), help="Draw the scores as a PNG, PDF or SVG.")
@click.option(
    "--calibration",
    "calibrated",
    type=click.Path(path_type=Path),
    help="Give changes in points too, by this record of `sts-eval calibrate`; its predictors are asked for.",
)
def command(output: Path | None, plot: Path | None, calibrated: Path | None, rank_by: str, **options: Any) -> None:
    """Predict which domains will change most if MODEL is tuned on a training set.

    Reads the untuned model only. Defaults are those of the paper (arXiv 2603.02908); a token budget
    that a set does not fill is no error.
    """
    from sts_eval.analysis.expected_change import needed
    from sts_eval.cli.progress import progress_bars
    from sts_eval.prediction.predict import predict
    from sts_eval.records.calibration import Calibration
    from sts_eval.records.prediction import SCORES
    from sts_eval.records.record import check_writable
    from sts_eval.report.calibration import print_expected
    from sts_eval.report.plots import draw_scores
    from sts_eval.report.prediction import print_prediction

    for path in (output, plot):
        if path is not None:
            check_writable(path)
    named = (name.strip() for names in options["predictors"] for name in names.split(","))
    options["predictors"] = tuple(name for name in named if name != "none")
    calibration = None if calibrated is None else Calibration.read(calibrated)
    if calibration is not None:
        options["predictors"] += tuple(name for name in needed(calibration) if name not in SCORES)
    experiment = describe(options)
    with progress_bars() as progress:
        prediction = predict(experiment, progress)
    print_prediction(prediction, rank_by)
    if output is not None:
        prediction.write(output)
        click.echo(f"Record: {output} (sha256 {prediction.sha256()[:12]})")
    if plot is not None:
        draw_scores(prediction, rank_by, plot)
        click.echo(f"Plot: {plot}")
    if calibration is not None:
        print_expected(calibration, prediction)


def describe(options: dict[str, Any]) -> Experiment:
    """The experiment that the options describe.

    Raises:
        UserError: A value is out of range.
    """
    try:
        return Experiment(
            model=ModelSpec(
                id=options["model"],
                revision=options["revision"],
                dtype=options["dtype"],
                device=options["device"],
                adapter=options["peft"],
                trust_remote_code=options["trust_remote_code"],
            ),
            sae=SAESpec(
                release=options["sae_release"],
                id=options["sae_id"],
                path=options["sae_path"],
                hook=options["hook"],
                layer=options["layer"],
                allow_pickle=options["allow_pickle"],
            ),
            training_set=TrainingSetSpec(
                source=options["sft"],
                question_field=options["question_field"],
                solution_field=options["solution_field"],
                suffix=options["suffix"],
            ),
            benchmark=BenchmarkSpec(source=options["domains"], domains=options["only"]),
            settings=PredictSettings(**{key: options[key] for key in PredictSettings.model_fields}),
        )
    except ValidationError as error:
        first = error.errors()[0]
        flag = "--" + str(first["loc"][-1]).replace("_", "-")
        raise UserError(f"{flag} {first['input']!r}: {first['msg']}", "Correct that value") from error
