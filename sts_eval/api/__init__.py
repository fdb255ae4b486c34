"""The public Python interface: `import sts_eval as se` gives these names.

Functions take what the command line takes, under the same names, and do the same work. What they return shows itself as
a table in a notebook and as ten lines in a terminal; `.record` is the record on disk behind it.
"""

from sts_eval.api.compared import calibrate, compare, report
from sts_eval.api.mixed import compare_arms, mix
from sts_eval.api.mixture_results import ArmComparisonResult, MixtureResult
from sts_eval.api.predicted import predict
from sts_eval.api.reading import read
from sts_eval.api.results import (
    CalibrationResult,
    ComparisonResult,
    PredictionResult,
    ReportResult,
    RunResult,
)
from sts_eval.api.stages import finetune, measure, run, sweep

__all__ = [
    "ArmComparisonResult",
    "CalibrationResult",
    "ComparisonResult",
    "MixtureResult",
    "PredictionResult",
    "ReportResult",
    "RunResult",
    "calibrate",
    "compare",
    "compare_arms",
    "finetune",
    "measure",
    "mix",
    "predict",
    "read",
    "report",
    "run",
    "sweep",
]
