"""The result of an SAE's training on a terminal."""

from pathlib import Path

from sts_eval.records.prediction import MISMATCH
from sts_eval.records.sae_training import SAETraining
from sts_eval.reporting.terminal import standard_output, text_table, warn


def print_training(record: SAETraining, folder: Path) -> None:
    """Print how well the SAE describes held-out text, its warnings, and the next command."""
    console = standard_output()
    header = ("features", "tokens", "FVU", "L0", "dead", "seconds")
    row = (
        f"{record.d_sae:,}",
        f"{record.n_tokens * record.recipe.settings.epochs:,}",
        f"{record.fvu:.3f}",
        f"{record.l0:.1f}",
        f"{record.dead:,}",
        f"{record.seconds:,.0f}",
    )
    console.print(text_table(f"SAE at {record.hook_name} of {record.recipe.model.id}", header, [row]))
    console.print(
        f"FVU: fraction of variance unexplained on {record.n_held_out:,} held-out tokens. L0: features that fire on a "
        "token. Dead: features that did not fire in the last tenth of the training.",
        style="dim",
    )
    for line in record.warnings:
        warn(console, f"Warning: {line}")
    if record.fvu > MISMATCH:
        return  # `sts-eval predict` would refuse this SAE
    model = record.recipe.model.id
    command = f"sts-eval predict --model {model} --sae-path {folder} --sft YOUR_DATA --domains YOUR_BENCHMARK"
    console.print(f"Next: {command}", markup=False, highlight=False, soft_wrap=True)
