"""`run`, two of its stages by themselves (`finetune`, `measure`), and many runs at once (`sweep`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sts_eval.api.given import described, folder_of, record
from sts_eval.api.results import PredictionResult, ReportResult, RunResult
from sts_eval.errors import UserError
from sts_eval.experiment import Run
from sts_eval.quiet import quietly
from sts_eval.records.claim import claimed, own_claim
from sts_eval.records.output import check_output
from sts_eval.records.prediction import Prediction
from sts_eval.records.run_folder import RunFolder
from sts_eval.records.transfer import Transfer
from sts_eval.records.tuning import Tuning

if TYPE_CHECKING:
    import pandas as pd

    from sts_eval.sweeps.matrix import Matrix


Predicted = str | Path | Prediction | PredictionResult
"""A prediction, what `predict` returned, or the record's file."""


@quietly()
def run(
    experiment: str | Path | Run, folder: str | Path | None = None, *, post_hoc: bool = False, jobs: int = 1
) -> RunResult:
    """Predict, fine-tune, measure and report. A stage whose record exists is not done again.

    Args:
        experiment: A YAML file of `sts-eval init`, or a `sts_eval.experiment.Run`.
        folder: Where the records go; by default `runs/NAME-OF-EXPERIMENT`.
        post_hoc: Report a prediction that was made after fine-tuning started, marked as such.
        jobs: Models that are tuned and evaluated at a time, each in a process of its own. A script that asks for more
            than one needs the line `if __name__ == "__main__":` above its own work.

    Raises:
        UserError: Something in the experiment, or in what it names, is wrong.
    """
    from sts_eval import pipeline
    from sts_eval.reporting.files import write_report
    from sts_eval.reporting.progress import progress_bars

    arranged, place = described(experiment), folder_of(experiment, folder)
    with progress_bars() as progress:
        report = pipeline.run(arranged, place, post_hoc=post_hoc, jobs=jobs, progress=progress)
    write_report(report, place)
    prediction = RunFolder.of(place).record_named(Prediction, report.prediction_sha256)
    return RunResult(place, PredictionResult(prediction), ReportResult(report))


@quietly()
def finetune(
    experiment: str | Path | Run,
    folder: str | Path | None = None,
    *,
    prediction: Predicted | None = None,
) -> Tuning:
    """Fine-tune the experiment's model, once per seed, into the run's folder. Seeds that are there are not repeated.

    `prediction` is the one that this fine-tuning tests. Under `accelerate launch` it uses several GPUs.

    Raises:
        UserError: The model cannot be tuned so, or another process is at work in the folder.
    """
    from sts_eval.pipeline import make_tuning
    from sts_eval.reporting.progress import progress_bars
    from sts_eval.transfer.measure import refer_to

    arranged, files = described(experiment), RunFolder.of(folder_of(experiment, folder))
    followed = None if prediction is None else refer_to(record(Prediction, prediction))
    with claimed(files.claim, own_claim()), progress_bars() as progress:
        tuning = make_tuning(arranged, followed, files, progress)
    tuning.write(files.tuning_record)
    return tuning


@quietly()
def measure(
    experiment: str | Path | Run,
    tuning: str | Path,
    *,
    prediction: Predicted | None = None,
    output: str | Path | None = None,
) -> Transfer:
    """Measure accuracy before and after a fine-tuning, on the same questions, with lm-evaluation-harness.

    Args:
        experiment: A YAML file, or a `sts_eval.experiment.Run`.
        tuning: The record that `finetune` wrote, or the folder of the run.
        prediction: Its questions are not scored.
        output: Where the record goes; by default `transfer.json` beside the tuning's record.

    Raises:
        UserError: There is no such tuning, it follows a prediction that is not given, or it cannot be evaluated so.
    """
    from sts_eval.reporting.progress import progress_bars
    from sts_eval.transfer import measure as measuring

    arranged, place = described(experiment), Path(tuning)
    if place.is_dir():
        place = RunFolder.of(place).tuning_record
    done = Tuning.read(place)
    if prediction is None and done.prediction is not None:  # its questions would be scored unseen
        raise UserError(f"the tuning of {place} tests a prediction", "Give that record with --prediction")
    files = RunFolder.of(place.parent)
    written = Path(output or files.transfer_record)
    check_output(written, (experiment, place, prediction), kind=Transfer)
    with claimed(files.claim, own_claim()), progress_bars() as progress:
        transfer = measuring.measure(
            arranged.model,
            measuring.tuned_models(done, files.tuning),
            arranged.measure,
            files.evaluations,
            prediction=None if prediction is None else record(Prediction, prediction),
            tuning=done,
            benchmark=arranged.benchmark,
            progress=progress,
        )
    transfer.write(written)
    return transfer


@quietly()
def sweep(
    matrix: str | Path | Matrix, folder: str | Path | None = None, *, predict_only: bool = False, retry: bool = False
) -> pd.DataFrame:
    """Run every experiment of a matrix on this machine; a stage that several runs share is done once. Resumes.

    Args:
        matrix: A YAML file of `sts-eval init --matrix`, or a `sts_eval.sweeps.matrix.Matrix`.
        folder: Where the records go; by default `sweeps/NAME-OF-MATRIX`. Its runs are `folder/runs/*`.
        predict_only: Stop before the first tuning.
        retry: Try quarantined stages again.

    Returns:
        One row per stage: stage, kind, standing (done, quarantined, blocked …), seconds, line (what went wrong).

    Raises:
        UserError: The matrix is wrong, the folder cannot be written, or another process drives it.
    """
    import pandas as pd

    from sts_eval.sweeps.drive import drive
    from sts_eval.sweeps.local import Local
    from sts_eval.sweeps.matrix import Matrix, read_matrix

    if folder is None and isinstance(matrix, Matrix):
        raise UserError("a described matrix has no name", "Pass folder=, where its records go")
    planned = matrix if isinstance(matrix, Matrix) else read_matrix(Path(matrix))
    place = Path(folder) if folder is not None else Path("sweeps") / Path(str(matrix)).stem
    engine = Local()
    try:
        book = drive(planned, place, engine, retry=retry, predict_only=predict_only)
    finally:
        engine.close()
    rows = []
    for name, standing in book.standings().items():
        record = book.records.get(name)
        told = (record.seconds, record.line) if record is not None else (None, None)
        rows.append((name, book.stages[name].kind, standing, *told))
    return pd.DataFrame(rows, columns=["stage", "kind", "standing", "seconds", "line"])
