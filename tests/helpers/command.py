"""Running the harness from Python, on the lab model unless told otherwise."""

from __future__ import annotations

from typing import Any

import lm_eval

from sts_eval import lab

MODEL_ARGS = {"pretrained": str(lab.model_path()), "dtype": "float32"}
BUDGET = {"domain_tokens": 300, "shift_tokens": 600}
CATEGORIES = 14


def evaluate(tasks: list[str], metadata: dict[str, Any] | None = None, **options: Any) -> dict[str, Any]:
    """Run tasks on the lab model through lm-eval's Python entry."""
    results: dict[str, Any] = lm_eval.simple_evaluate(
        model=options.pop("model", "hf"),
        model_args=options.pop("model_args", MODEL_ARGS),
        tasks=tasks,
        metadata=BUDGET if metadata is None else metadata,
        device="cpu",
        **options,
    )
    return results
