"""The lab matrix: several lab models, each tuned on every training set over seeds, with all predictors.

    python benchmarks/lab_matrix.py FOLDER                      builds models, runs everything that is missing
    python benchmarks/lab_matrix.py FOLDER --models less deep   a part of it, for instance beside another process
    python benchmarks/lab_matrix.py FOLDER --collect FILE       writes the finished runs in short, as JSON lines

It can be killed and started again. All predictions, those of the rivals included, are on disk before the first tuning
begins. `sts-eval compare FILE` makes the tables.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from sts_eval.experiment import (
    BenchmarkSpec,
    MeasureSettings,
    ModelSpec,
    PredictSettings,
    Run,
    SAESpec,
    TrainingSetSpec,
    TuneSettings,
)
from sts_eval.lab import SFT_SETS, benchmark_path, model_path, sae_path, sft_path
from sts_eval.lab.build import ModelRecipe, build_model
from sts_eval.lab.model import BaseTraining, ModelShape
from sts_eval.lab.sae import SAETraining
from sts_eval.lab.sets import RECIPES
from sts_eval.lab.world import World

SHIPPED = "shipped"

MODELS = {
    "less": ModelRecipe(seed=1, base=BaseTraining(n_tokens=3_000_000)),
    "deep": ModelRecipe(
        seed=2,
        shape=ModelShape(width=144, feed_forward=384, blocks=6, heads=3),
        base=BaseTraining(n_tokens=3_500_000),
        sae=SAETraining(layer=3),
    ),
    "wide": ModelRecipe(
        seed=3,
        shape=ModelShape(width=256, feed_forward=688, blocks=3, heads=4),
        base=BaseTraining(n_tokens=3_000_000),
        sae=SAETraining(layer=1),
    ),
}
"""Other sizes and seeds than the shipped model, and less base training, so that tuning has something to teach."""


def main() -> None:
    """Run the matrix, or collect it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=[SHIPPED, *MODELS])
    parser.add_argument("--sets", nargs="+", default=list(SFT_SETS), choices=SFT_SETS)
    parser.add_argument("--collect", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    if arguments.collect:
        collect(arguments.folder, arguments.collect)
        return
    for model in arguments.models:
        build(arguments.folder, model)
    for stage in (predict, go):
        for model in arguments.models:
            for name in arguments.sets:
                stage(arguments.folder, model, name)


def place(folder: Path, model: str) -> tuple[Path, Path]:
    """Folders of a model and its SAE."""
    if model == SHIPPED:
        return model_path(), sae_path()
    return folder / "models" / model / "model", folder / "models" / model / "sae"


def build(folder: Path, model: str) -> None:
    """Train a model and its SAE unless they are there."""
    if not all(path.is_dir() for path in place(folder, model)):
        build_model(World.generate(0), folder / "models" / model, MODELS[model])


def describe(folder: Path, model: str, training_set: str) -> Run:
    """One run of the matrix."""
    network, sae = place(folder, model)
    return Run(
        model=ModelSpec(id=str(network), dtype="float32", device="cpu"),
        sae=SAESpec(path=str(sae)),
        training_set=TrainingSetSpec(source=str(sft_path(training_set))),
        benchmark=BenchmarkSpec(source=str(benchmark_path())),
        settings=PredictSettings(shift_tokens=6000, domain_tokens=3000, batch_tokens=768, predictors=("all",)),
        tune=TuneSettings(max_steps=120, batch=16, per_device_batch=16, learning_rate=4e-3),
        measure=MeasureSettings(task="lab_mmlupro", backend="hf-packed", batch_size="128", max_questions=600),
    )


def predict(folder: Path, model: str, training_set: str) -> None:
    """The prediction of one run, unless it is there."""
    from sts_eval.pipeline import make_prediction
    from sts_eval.records.run_folder import RunFolder
    from sts_eval.reporting.progress import progress_bars

    print(f"prediction of {model} for {training_set}", flush=True)
    with progress_bars() as progress:
        make_prediction(
            describe(folder, model, training_set), RunFolder.of(folder / "runs" / f"{model}-{training_set}"), progress
        )


def go(folder: Path, model: str, training_set: str) -> None:
    """One run, or what is missing of it."""
    from sts_eval.pipeline import run
    from sts_eval.reporting.files import write_report
    from sts_eval.reporting.progress import progress_bars

    place_of_run = folder / "runs" / f"{model}-{training_set}"
    if (place_of_run / "report.json").is_file():
        return
    print(f"{model} tuned on {training_set}", flush=True)
    with progress_bars() as progress:
        report = run(describe(folder, model, training_set), place_of_run, progress=progress)
    write_report(report, place_of_run)


def finished(folder: Path) -> Iterator[tuple[str, str, Path]]:
    """Model, set and folder of each finished run."""
    for model in (SHIPPED, *MODELS):
        for name in SFT_SETS:
            place_of_run = folder / "runs" / f"{model}-{name}"
            if (place_of_run / "report.json").is_file():
                yield model, name, place_of_run


def collect(folder: Path, file: Path) -> None:
    """Write the finished runs in short."""
    from sts_eval.analysis.runs import outcome_of
    from sts_eval.records.outcome import write_outcomes

    outcomes = [
        outcome_of(place_of_run, model=model, training_set=name, home=tuple(RECIPES[name]), questions=True).model_copy(
            update={"shares": RECIPES[name]}
        )
        for model, name, place_of_run in finished(folder)
    ]
    write_outcomes(file, tuple(outcomes))
    print(f"{len(outcomes)} runs in {file}")


if __name__ == "__main__":
    main()
