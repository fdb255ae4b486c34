"""`read`: any record of this tool, by what is in the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sts_eval.api.given import place as located
from sts_eval.api.mixture_results import ArmComparisonResult, MixtureResult
from sts_eval.api.results import (
    CalibrationResult,
    ComparisonResult,
    PredictionResult,
    ReportResult,
    Result,
    RunResult,
)
from sts_eval.records.arm_comparison import ArmComparison
from sts_eval.records.calibration import Calibration
from sts_eval.records.comparison import Comparison
from sts_eval.records.kind import kind_of
from sts_eval.records.mixture import Mixture
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import Record
from sts_eval.records.report import Report
from sts_eval.records.run_folder import RunFolder
from sts_eval.records.submission import Submission
from sts_eval.records.transfer import Transfer
from sts_eval.records.tuning import Tuning

SHOWN: Mapping[type[Record], Any] = {
    Prediction: PredictionResult,
    Report: ReportResult,
    Comparison: ComparisonResult,
    Calibration: CalibrationResult,
    Mixture: MixtureResult,
    ArmComparison: ArmComparisonResult,
}

KINDS: tuple[type[Record], ...] = (*SHOWN, Transfer, Tuning, Submission)


def read(path: str | Path) -> Result[Any] | RunResult | Record:
    """Read a record that the tool wrote, or the folder of a run that is finished.

    Predictions, reports, comparisons (of predictors, and of arms), calibrations and mixtures come with their tables;
    other records as they are.

    Raises:
        UserError: It cannot be read, or is no record of this tool.
    """
    place = located(path, "record")
    if place.is_dir():
        files = RunFolder.of(place)
        report = Report.read(files.report)
        prediction = files.record_named(Prediction, report.prediction_sha256)
        return RunResult(place, PredictionResult(prediction), ReportResult(report))
    kind = kind_of(place, KINDS)
    record = kind.read(place)
    return SHOWN[kind](record) if kind in SHOWN else record
