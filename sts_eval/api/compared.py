"""`report`, `compare` and `calibrate`: predictions against measured changes, over one run or several."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sts_eval.api.given import record, runs_of, several
from sts_eval.api.results import CalibrationResult, ComparisonResult, PredictionResult, ReportResult, RunResult
from sts_eval.records.calibration import HistoryKind
from sts_eval.records.comparison import Split
from sts_eval.records.prediction import Prediction
from sts_eval.records.transfer import Transfer

Runs = Sequence["str | Path | RunResult"] | str | Path | RunResult
"""Folders of runs, .jsonl files of outcomes, or what `run` returned; one, or several."""


def report(
    prediction: str | Path | Prediction | PredictionResult,
    transfer: str | Path | Transfer,
    folder: str | Path | None = None,
    *,
    post_hoc: bool = False,
    unrelated: bool = False,
) -> ReportResult:
    """Compare one prediction with the changes that were measured.

    With a folder, report.json, report.md, report.html and scatter.png are written to it.

    Raises:
        UserError: The two do not belong together, or the prediction was made after fine-tuning started.
    """
    from sts_eval.analysis.report import report_run
    from sts_eval.reporting.files import write_report

    found = report_run(
        record(Prediction, prediction), record(Transfer, transfer), post_hoc=post_hoc, unrelated=unrelated
    )
    if folder is not None:
        write_report(found, Path(folder))
    return ReportResult(found)


def compare(
    runs: Runs,
    *,
    reference: str = "sts_icl",
    split: Split | None = None,
    post_hoc: bool = False,
    unrelated: bool = False,
    n_resamples: int = 2000,
    seed: int = 0,
) -> ComparisonResult:
    """Compare all predictors with the measured changes of several runs.

    `split` also chooses the best predictor on half of the training sets or models and judges it on the other half.

    Raises:
        UserError: A path is no run, or the runs cannot be compared.
    """
    from sts_eval.analysis.compare import compare_runs
    from sts_eval.analysis.runs import gather

    outcomes = gather(runs_of(runs), post_hoc=post_hoc, unrelated=unrelated)
    return ComparisonResult(
        compare_runs(outcomes, reference=reference, n_resamples=n_resamples, seed=seed, split=split)
    )


def calibrate(
    runs: Runs,
    *,
    predictors: Sequence[str] = (),
    history: HistoryKind = "domain",
    post_hoc: bool = False,
    unrelated: bool = False,
) -> CalibrationResult:
    """Fit changes in points to scores over several runs; errors come from runs that the fit has not seen.

    Without `predictors` each fit chooses the best one by itself.

    Raises:
        UserError: A path is no run, or a predictor has no scores.
    """
    from sts_eval.analysis.calibrate import calibrate as fitted
    from sts_eval.analysis.runs import gather

    outcomes = gather(runs_of(runs), post_hoc=post_hoc, unrelated=unrelated)
    return CalibrationResult(fitted(outcomes, several(predictors, "predictor"), history=history))
