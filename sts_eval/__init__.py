"""Predict, from the untuned model, which domains a fine-tuning run will change, and check it.

The method is STS, the SAE-based Transferability Score of arXiv 2603.02908. Importing this package loads neither torch
nor transformers; the functions that need them load them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sts_eval.api import (
        CalibrationResult,
        ComparisonResult,
        PredictionResult,
        ReportResult,
        RunResult,
        calibrate,
        compare,
        finetune,
        measure,
        predict,
        read,
        report,
        run,
        sweep,
    )

__version__ = "0.1.0"

__all__ = [
    "CalibrationResult",
    "ComparisonResult",
    "PredictionResult",
    "ReportResult",
    "RunResult",
    "calibrate",
    "compare",
    "finetune",
    "measure",
    "predict",
    "read",
    "report",
    "run",
    "sweep",
]


def __getattr__(name: str) -> Any:
    """The public functions, when they are first asked for."""
    if name in __all__:
        return getattr(importlib.import_module("sts_eval.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
