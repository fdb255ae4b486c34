"""The lab's arithmetic rows by GRPO and by supervised fine-tuning, and what both kinds of demonstrations foretell.

Runs predict, fine-tune, measure and report for both methods and writes benchmarks/results/lab_grpo.md. Resumable: what
is in the folder is not done again, so a run with more seeds goes on from one with fewer.

    python benchmarks/lab_grpo.py [--folder runs/lab_grpo] [--seeds 3] [--steps 80]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from sts_eval.analysis.beside import Tuned, side_by_side
from sts_eval.experiment import GRPOSettings, Run, TuneSettings
from sts_eval.lab.experiment import lab_experiment
from sts_eval.pipeline import run
from sts_eval.reporting.beside import markdown
from sts_eval.reporting.files import write_report
from sts_eval.reporting.markdown import pipe_table
from sts_eval.reporting.progress import progress_bars
from sts_eval.reporting.reinforcement import HEADER, NOTE, TITLE, reinforcement_rows

DOCUMENT = Path(__file__).resolve().parent / "results" / "lab_grpo.md"
ANSWER_TOKENS = 16  # of the lab's tokenizer; its answers have seven or fewer

HEAD = """# GRPO and supervised fine-tuning on the same rows of the lab

Written by `python benchmarks/lab_grpo.py`; every figure is measured. One tiny model, the lab's mathematics set, seeds:
{seeds}. GRPO: {steps} steps of {batch} sampled answers, rewarded for the exact answer. Supervised: {sft_steps} steps of
{sft_batch} solutions. Both are scored on {n} held-out questions a category. Of the untuned model's own answers to
training rows the reward accepted {accepted} of {sampled} while demonstrations were looked for.

The lab is a small world of our own. It neither confirms nor refutes the paper, whose models are four thousand times
larger; and the two tunings are not matched in what they change, so compare overlaps with their own nulls only.
"""


def experiments(seeds: int, steps: int) -> dict[str, Run]:
    """The same rows, model, prediction and questions; two methods."""
    lab = lab_experiment("math")
    settings = lab.settings.model_copy(update={"demonstrations": "both", "own_answer_tokens": ANSWER_TOKENS})
    numbers = tuple(range(seeds))
    methods = {
        "grpo": TuneSettings(
            method="grpo",
            grpo=GRPOSettings(max_completion_tokens=ANSWER_TOKENS, beta=0.01),
            max_steps=steps,
            batch=64,
            per_device_batch=64,
            learning_rate=1e-3,
            seeds=numbers,
        ),
        "sft": lab.tune.model_copy(update={"seeds": numbers}),
    }
    return {name: lab.model_copy(update={"settings": settings, "tune": tune}) for name, tune in methods.items()}


def main() -> None:
    """Run, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("runs/lab_grpo"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=80, help="of GRPO, 64 sampled answers each")
    arguments = parser.parse_args()
    folders = []
    for name, experiment in experiments(arguments.seeds, arguments.steps).items():
        folder = arguments.folder / name
        with progress_bars() as progress:
            write_report(run(experiment, folder, progress=progress), folder)
        folders.append(folder)
        print(f"{name}: done", flush=True)
    DOCUMENT.write_text(document(side_by_side(folders)), encoding="utf-8")
    print(f"Written: {DOCUMENT}")


def document(runs: tuple[Tuned, ...]) -> str:
    """Head and tables."""
    grpo, sft = runs
    own = [shift.own for shift in grpo.prediction.on_policy_shifts if shift.own is not None]
    head = HEAD.format(
        seeds=", ".join(str(seed.seed) for seed in grpo.tuning.runs),
        steps=grpo.tuning.runs[0].steps,
        batch=grpo.tuning.settings.batch,
        sft_steps=sft.tuning.runs[0].steps,
        sft_batch=sft.tuning.settings.batch,
        n=grpo.report.rows[0].n,
        accepted=sum(one.accepted for one in own),
        sampled=sum(one.sampled for one in own),
    )
    seeds = [f"### {TITLE}", *pipe_table(HEADER, reinforcement_rows(grpo.report.reinforcement)), NOTE, ""]
    return "\n".join([head, *seeds, markdown(runs)])


if __name__ == "__main__":
    main()
