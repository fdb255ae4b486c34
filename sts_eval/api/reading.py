"""`read`: any record of this tool, by what is in the file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sts_eval.api.results import (
    CalibrationResult,
    ComparisonResult,
    MixtureResult,
    PredictionResult,
    ReportResult,
    Result,
    RunResult,
)
from sts_eval.errors import UserError
from sts_eval.records.calibration import Calibration
from sts_eval.records.comparison import Comparison
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
}

KINDS: tuple[type[Record], ...] = (*SHOWN, Transfer, Tuning, Submission)


def read(path: str | Path) -> Result[Any] | RunResult | Record:
    """Read a record that the tool wrote, or the folder of a run that is finished.

    Predictions, reports, comparisons, calibrations and mixtures come with their tables; other records as they are.

    Raises:
        UserError: It cannot be read, or is no record of this tool.
    """
    place = Path(path)
    if place.is_dir():
        files = RunFolder.of(place)
        report = Report.read(files.report)
        prediction = files.record_named(Prediction, report.prediction_sha256)
        return RunResult(place, PredictionResult(prediction), ReportResult(report))
    kind = _kind(place)
    record = kind.read(place)
    return SHOWN[kind](record) if kind in SHOWN else record


def _kind(path: Path) -> type[Record]:
    """The kind of record with most of the file's fields."""
    try:
        values = json.loads(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})", "Check the path") from error
    except (ValueError, RecursionError):
        values = None
    fields = set(values) if isinstance(values, dict) else set()
    best = max(KINDS, key=lambda kind: len(fields & set(kind.model_fields)) / len(kind.model_fields))
    required = {name for name, info in best.model_fields.items() if info.is_required()}
    if len(fields & required) * 2 < len(required):
        raise UserError(f"{path} is no record of sts-eval", "Give a .json file that one of its commands wrote")
    return best
