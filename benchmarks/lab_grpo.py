"""The lab's arithmetic rows by supervised fine-tuning and by GRPO, and what both kinds of demonstrations foretell.

Runs predict, fine-tune, measure and report for both methods and writes a table. Resumable: what is in the folder is
not done again.

    python benchmarks/lab_grpo.py [--folder runs/lab_grpo] [--seeds 3] [--steps 80]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sts_eval.cli.progress import progress_bars
from sts_eval.experiment import GRPOSettings, Run, TuneSettings
from sts_eval.lab.experiment import lab_experiment
from sts_eval.pipeline import run
from sts_eval.report.files import write_report

ANSWER_TOKENS = 16  # of the lab's tokenizer; its answers have seven or fewer


def experiments(seeds: int, steps: int) -> dict[str, Run]:
    """The same rows, model, prediction and questions; two methods."""
    lab = lab_experiment("math")
    settings = lab.settings.model_copy(update={"demonstrations": "both", "own_answer_tokens": ANSWER_TOKENS})
    measure = lab.measure.model_copy(update={"max_questions": 200})
    numbers = tuple(range(seeds))
    methods = {
        "sft": lab.tune.model_copy(update={"seeds": numbers}),
        "grpo": TuneSettings(
            method="grpo",
            grpo=GRPOSettings(max_completion_tokens=ANSWER_TOKENS, beta=0.01),
            max_steps=steps,
            batch=64,
            per_device_batch=64,
            learning_rate=1e-3,
            seeds=numbers,
        ),
    }
    made = {"settings": settings, "measure": measure}
    return {name: lab.model_copy(update=made | {"tune": tune}) for name, tune in methods.items()}


def main() -> None:
    """Run, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("runs/lab_grpo"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=80, help="of GRPO, 64 sampled answers each")
    arguments = parser.parse_args()
    for name, experiment in experiments(arguments.seeds, arguments.steps).items():
        folder = arguments.folder / name
        with progress_bars() as progress:
            write_report(run(experiment, folder, progress=progress), folder)
        print(f"{name}: done", flush=True)


if __name__ == "__main__":
    main()
