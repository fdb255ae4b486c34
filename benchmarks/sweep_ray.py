"""A sweep of lab runs on Ray with two workers against one: the same matrix, the same stages, wall times.

    python benchmarks/sweep_ray.py [--sets 6] [--steps 60] [--write]

Each sweep goes into a fresh folder and a fresh cluster on this machine, so both begin with nothing done and no
library loaded; starting the cluster is not counted. It wants a machine with nothing else to do.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from pathlib import Path

from sts_eval.experiment import TrainingSetSpec
from sts_eval.lab import SFT_SETS, sft_path
from sts_eval.sweeps.drive import drive
from sts_eval.sweeps.examples import lab_matrix
from sts_eval.sweeps.matrix import Matrix
from sts_eval.sweeps.on_ray import OnRay

RESULT = Path(__file__).resolve().parent / "results" / "sweep_ray.md"

GOAL = 1.6
"""Wall time of one worker over that of two."""


def main() -> None:
    """Measure, print, and write if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=6, help="training sets, one run each")
    parser.add_argument("--steps", type=int, default=60, help="steps of each tuning, of which there are two a run")
    parser.add_argument("--write", action="store_true", help=f"keep the table in {RESULT.name}")
    arguments = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    matrix = described(arguments.sets, arguments.steps)
    seconds = {workers: timed(matrix, workers) for workers in (1, 2)}
    text = table(matrix, seconds)
    print(text)
    if arguments.write:
        RESULT.write_text(text, encoding="utf-8")


def described(n_sets: int, steps: int) -> Matrix:
    """The lab's matrix on several sets."""
    matrix = lab_matrix()
    sets = tuple(TrainingSetSpec(source=str(sft_path(name))) for name in SFT_SETS[:n_sets])
    tune = matrix.tune.model_copy(update={"max_steps": steps})
    return matrix.model_copy(update={"training_sets": sets, "tune": tune})


def timed(matrix: Matrix, workers: int) -> float:
    """Seconds of a sweep from its first stage to its last."""
    with tempfile.TemporaryDirectory() as folder:
        engine = OnRay(matrix, Path(folder), cpus=workers)
        try:
            start = time.perf_counter()
            book = drive(matrix, Path(folder), engine, poll=0.1)
            spent = time.perf_counter() - start
        finally:
            engine.close()
    if set(book.standings().values()) != {"done"}:
        raise SystemExit("a stage was not done, so there is nothing to compare")
    return spent


def table(matrix: Matrix, seconds: dict[int, float]) -> str:
    """The table as Markdown."""
    ratio = seconds[1] / seconds[2]
    runs, seeds = len(matrix.expand()), len(matrix.tune.seeds)
    return (
        f"{runs} lab runs with {seeds} seeds of {matrix.tune.max_steps} steps, {platform.machine()}, "
        f"{os.cpu_count()} cores, one core a stage\n\n"
        "| workers | seconds |\n|---:|---:|\n"
        + "".join(f"| {workers} | {spent:.1f} |\n" for workers, spent in seconds.items())
        + f"\nTwo workers are {ratio:.2f} times as fast as one (goal: {GOAL}).\n"
    )


if __name__ == "__main__":
    main()
