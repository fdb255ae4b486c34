"""Zero-ablation in the lab: does the model need the predicted features more than others that are as active?

    python benchmarks/lab_ablation.py FOLDER [--model shipped] [--sets code health law]

The models and settings are those of benchmarks/lab_matrix.py with fewer seeds. It can be killed and started again:
finished cells and tuned seeds are not made again. Writes benchmarks/results/lab_ablation.md, of the sets that are done
so far.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from lab_matrix import MODELS, SHIPPED, build, describe

from sts_eval.analysis.ablation import conclusions, summarise_ablation
from sts_eval.analysis.wording import counted
from sts_eval.experiment import AblationSettings, Run
from sts_eval.hindsight.ablation import ablate
from sts_eval.lab import SFT_SETS
from sts_eval.pipeline import make_tuning, predicted_part
from sts_eval.prediction.predict import predict
from sts_eval.records.ablation import SET_NAMES, Ablation
from sts_eval.records.prediction import Prediction
from sts_eval.records.run_folder import RunFolder
from sts_eval.reporting.ablation import (
    CONTRASTS,
    CONTRASTS_HEADER,
    CURVES_HEADER,
    contrast_rows,
    curve_rows,
    write_ablation,
)
from sts_eval.reporting.markdown import pipe_table
from sts_eval.transfer.measure import refer_to, tuned_models

DOCUMENT = Path(__file__).resolve().parent / "results" / "lab_ablation.md"
PREDICTED = (0, 1)  # prediction seeds; the first one's features are set to zero, no question of either is scored
SETTINGS = AblationSettings(counts=(10, 30, 100), draws=4, questions=8, rows=24)


def main() -> None:
    """Run what is missing, and write the document after every set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", default=SHIPPED, choices=[SHIPPED, *MODELS])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1], help="of tuning")
    parser.add_argument("--sets", nargs="+", default=["code", "health", "law"], choices=SFT_SETS)
    arguments = parser.parse_args()
    build(arguments.folder, arguments.model)
    done: dict[str, Ablation] = {}
    for name in arguments.sets:
        done[name] = go(arguments.folder, arguments.model, name, tuple(arguments.seeds))
        DOCUMENT.write_text(document(arguments.model, done), encoding="utf-8")
        print(f"{name}: done", flush=True)


def small(folder: Path, model: str, name: str, seeds: tuple[int, ...]) -> Run:
    """A run of the matrix with few seeds and without other predictors."""
    whole = describe(folder, model, name)
    settings = whole.settings.model_copy(update={"seeds": PREDICTED, "predictors": ()})
    return whole.model_copy(update={"settings": settings, "tune": whole.tune.model_copy(update={"seeds": seeds})})


def go(folder: Path, model: str, name: str, seeds: tuple[int, ...]) -> Ablation:
    """Predict, tune and set features to zero, or what is missing of it."""
    from sts_eval.reporting.progress import progress_bars

    run, files = small(folder, model, name, seeds), RunFolder.of(folder / "ablation" / f"{model}-{name}")
    path = files.prediction("0" * 8)
    with progress_bars() as progress:
        if not path.is_file():
            predict(predicted_part(run), progress).write(path)
        prediction = Prediction.read(path)
        tuned = tuned_models(make_tuning(run, refer_to(prediction), files, progress), files.tuning)
        ablated = ablate(prediction, tuned, SETTINGS, files.run / "ablation" / "cells", progress)
    ablation = summarise_ablation(prediction, ablated, SETTINGS)
    write_ablation(ablation, files.run / "ablation")
    return ablation


def document(model: str, done: dict[str, Ablation]) -> str:
    """The tables as Markdown."""
    first = next(iter(done.values()))
    questions = sum(map(len, first.questions.values()))
    lines = [
        "# Zero-ablation in the lab",
        "",
        f"Written by `python benchmarks/lab_ablation.py FOLDER --sets {' '.join(done)} --seeds "
        f"{' '.join(map(str, first.tuning_seeds))}`; every figure is measured. Model "
        f"`{model}`, {counted(len(first.tuning_seeds), 'tuning seed')}, {SETTINGS.draws} draws of random features per "
        f"model, {questions} questions of {len(first.questions)} domains and {len(first.rows)} held-out rows of the "
        f"training set; {first.n_features} features. How it is done and how features are matched: "
        "[docs/ablation.md](../../docs/ablation.md).",
        "",
    ]
    for name, ablation in done.items():
        lines += [f"## {name}", "", *(f"- {line}" for line in conclusions(ablation))]
        lines += [f"- Left out: {line}." for line in ablation.left_out]
        lines += ["", f"### {CONTRASTS}", *pipe_table(CONTRASTS_HEADER, contrast_rows(ablation))]
        lines += [
            "### Change against none at zero (± standard error)",
            *pipe_table(CURVES_HEADER, curve_rows(ablation)),
        ]
        active: dict[str, list[str]] = {one.features: [] for one in ablation.balances}
        for one in ablation.balances:
            active[one.features].append(f"{one.activation:.2f} at {one.count}")
        said = "; ".join(f"{SET_NAMES[features]} {', '.join(own)}" for features, own in active.items())
        lines += [f"Mean activation as a multiple of the predicted features': {said}.", ""]
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    main()
