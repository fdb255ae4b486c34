"""Which rows to add to the lab's mathematics set: arms side by side, on the lab's model.

    python benchmarks/lab_mixture.py FOLDER             everything that is missing, then the table
    python benchmarks/lab_mixture.py FOLDER --table     only the table, from what is there

As in section 5 of arXiv 2603.02908 the benchmark is halved: one half of each category is scored, the other half is the
pool, with the untuned model's own answers as targets. `damage` is measured beforehand on seeds that the arms do not
use; `history` is the change in runs of other models on the same set. It can be killed and started again.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
from lab_matrix import SHIPPED, describe

from sts_eval.data.sampling import shuffled
from sts_eval.experiment import BenchmarkSpec, MeasureSettings, PredictSettings, Run
from sts_eval.experiment_file import template
from sts_eval.lab import benchmark_path
from sts_eval.records.outcome import read_outcomes, write_outcomes
from sts_eval.records.record import write_atomically
from sts_eval.records.run_folder import RunFolder
from sts_eval.records.transfer import Transfer
from sts_eval.sweeps.matrix import matrix_template, read_matrix

RESULTS = Path(__file__).parent / "results"
BUDGET = 700  # half as many rows as the set has
DAMAGE_SEEDS = (100, 101)  # of the run that measures the damage
SET = "math"
ARMS = ("none", "sts_icl", "tfidf_cosine", "history", "damage")


def main() -> None:
    """Run what is missing, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3, help="seeds of every arm; more can be added later")
    parser.add_argument("--arms", nargs="+", default=ARMS, help="arms beside equal; chosen once")
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    folder, arms = arguments.folder.resolve(), arguments.folder.resolve() / "arms"
    if not arguments.table:
        halve(folder)
        described = experiment(folder, tuple(range(arguments.seeds)))
        write_atomically(folder / "experiment.yaml", template(described))
        alone = described.model_copy(update={"tune": described.tune.model_copy(update={"seeds": DAMAGE_SEEDS})})
        write_atomically(folder / "alone.yaml", template(alone))
        files = RunFolder.of(folder / "alone")
        if not files.report.is_file():
            call("run", folder / "alone.yaml", "--folder", folder / "alone")
        if not (arms / "arms.json").is_file():
            (prediction,) = folder.glob("alone/prediction-*.json")
            (transfer,) = files.files(Transfer)
            write_outcomes(
                folder / "history.jsonl",
                tuple(run for run in read_outcomes(RESULTS / "lab_matrix.jsonl") if run.training_set == SET),
            )
            call(
                *("mix", prediction, "--pool", folder / "pool.jsonl", "--budget", BUDGET, "--self-distill"),
                *("--answer-tokens", 32, "--history", folder / "history.jsonl", "--transfer", transfer),
                *("--verify", arms, "--experiment", folder / "experiment.yaml"),
                *(word for name in arguments.arms for word in ("--arm", name)),
            )
        matrix = read_matrix(arms / "sweep.yaml").model_copy(update={"tune": described.tune})
        write_atomically(arms / "sweep.yaml", matrix_template(matrix))  # with as many seeds as are asked for now
        call("sweep", arms / "sweep.yaml", "--folder", arms / "sweep")
    call("mix", "--compare", arms, "--measure", "logprob")
    by_logprob = (arms / "comparison.md").read_text(encoding="utf-8")
    call("mix", "--compare", arms)
    text = f"{(arms / 'comparison.md').read_text(encoding='utf-8')}\n{by_logprob}"
    write_atomically(RESULTS / "lab_mixture.md", text)


def halve(folder: Path) -> None:
    """Write one half of each category as a benchmark and the other as a pool."""
    benchmark = folder / "benchmark"
    if (benchmark / "test.parquet").is_file():
        return
    benchmark.mkdir(parents=True, exist_ok=True)
    rows = pd.read_parquet(benchmark_path() / "test.parquet").sort_values("question_id", ignore_index=True)
    order = shuffled(len(rows), 0, "halves of the benchmark")
    place = pd.Series(range(len(rows)), index=order).sort_index()
    second = place.groupby(rows["category"]).rank() % 2 == 0
    pool = rows[second]
    solutions = [options[index] for options, index in zip(pool["options"], pool["answer_index"], strict=True)]
    asked = pool[["question", "category"]].assign(solution=solutions)
    write_atomically(folder / "pool.jsonl", asked.to_json(orient="records", lines=True, force_ascii=False))
    for name in ("validation.parquet", "benchmark.json"):
        shutil.copy(benchmark_path() / name, benchmark / name)
    rows[~second].to_parquet(benchmark / "test.parquet")


def experiment(folder: Path, seeds: tuple[int, ...]) -> Run:
    """The run of the lab matrix on the mathematics set; less is read, and half of the benchmark is scored."""
    run = describe(folder, SHIPPED, SET)
    return run.model_copy(
        update={
            "training_set": run.training_set.model_copy(update={"home": ("math",)}),
            "benchmark": BenchmarkSpec(source=str(folder / "benchmark")),
            "settings": PredictSettings(shift_tokens=2000, domain_tokens=700, seeds=(0,)),
            "tune": run.tune.model_copy(update={"seeds": seeds}),
            "measure": MeasureSettings(task="mmlupro_options", batch_size="128", max_questions=200),
        }
    )


def call(*words: object) -> None:
    """Run sts-eval."""
    print("sts-eval", *words, flush=True)
    command = [sys.executable, "-m", "sts_eval.cli", *map(str, words)]
    subprocess.run(command, check=True)  # noqa: S603 -- words of this file alone


if __name__ == "__main__":
    main()
