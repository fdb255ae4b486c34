"""Running the harness from Python, on the lab model unless told otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lm_eval
import lm_eval.tasks

from sts_eval import lab
from sts_eval.quiet import no_environment

MODEL_ARGS = {"pretrained": str(lab.model_path()), "dtype": "float32"}
BUDGET = {"domain_tokens": 300, "shift_tokens": 600}
CATEGORIES = 14


TASKS = Path(lm_eval.tasks.__file__).parent / "sts_eval"
"""Where our task files are installed."""


def manager(metadata: dict[str, Any]) -> lm_eval.tasks.TaskManager:
    """A manager of our tasks alone: indexing all of the harness takes ten seconds."""
    return lm_eval.tasks.TaskManager(include_path=str(TASKS), include_defaults=False, metadata=metadata)


def evaluate(tasks: list[str], metadata: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """Run tasks on the lab model through lm-eval's Python entry."""
    model_args = options.pop("model_args", MODEL_ARGS)
    with no_environment():
        results: dict[str, Any] = lm_eval.simple_evaluate(
            model=options.pop("model", "hf"),
            model_args=model_args,
            tasks=tasks,
            task_manager=manager((model_args or {}) | (BUDGET if metadata is None else metadata)),
            device="cpu",
            **options,
        )
    return results
