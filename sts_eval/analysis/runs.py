"""Outcomes of runs on disk: folders of `sts-eval run`, and files of outcomes.

A run is read by the hashes that its report names, so what is compared is what was reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sts_eval.analysis.aligned_runs import FEWEST_DOMAINS
from sts_eval.analysis.outcome import summarise
from sts_eval.errors import UserError
from sts_eval.records.oracle import Oracle
from sts_eval.records.outcome import Outcome, read_outcomes
from sts_eval.records.prediction import Prediction, PredictorScores
from sts_eval.records.report import Report
from sts_eval.records.run_folder import EVALUATIONS, RunFolder
from sts_eval.records.transfer import Transfer


def gather(paths: Sequence[Path], *, post_hoc: bool = False) -> tuple[Outcome, ...]:
    """Read runs from folders of `sts-eval run` and `.jsonl` files of outcomes, in the order given.

    Raises:
        UserError: A path is no run, a run is post hoc or given twice, two runs are of one model and training set,
            or the runs have fewer than 3 domains in common.
    """
    found: list[tuple[Path, Outcome]] = []
    for path in paths:
        if path.suffix == ".jsonl":
            found += [(path, outcome) for outcome in read_outcomes(path)]
        elif path.name != EVALUATIONS or RunFolder.of(path).report.is_file():
            found.append((path, outcome_of(path)))
    if not found:
        raise UserError("there is no run to compare", "Give run folders or .jsonl files of outcomes")
    _check(found, post_hoc)
    return tuple(outcome for _, outcome in found)


def outcome_of(
    folder: Path, *, model: str | None = None, training_set: str | None = None, home: Sequence[str] = ()
) -> Outcome:
    """One run, by the prediction and the transfer that its report names, with its oracles where they were read.

    Names and home domains are as in `summarise`.

    Raises:
        UserError: There is no report, or a record that it names is gone.
    """
    files = RunFolder.of(folder)
    if not files.report.is_file():
        if not folder.exists():
            raise UserError(f"there is no run {folder}", "Check the path")
        raise UserError(f"{folder} has no {files.report.name}", "Run `sts-eval run` first")
    report = Report.read(files.report)
    prediction = files.record_named(Prediction, report.prediction_sha256)
    transfer = files.record_named(Transfer, report.transfer_sha256)
    oracles = read_oracles(files, prediction, transfer)
    outcome = summarise(prediction, transfer, model=model, training_set=training_set, home=home, more=oracles)
    return outcome.model_copy(update={"post_hoc": outcome.post_hoc or report.post_hoc})


def read_oracles(files: RunFolder, prediction: Prediction, transfer: Transfer) -> tuple[PredictorScores, ...]:
    """What was read from the first tuned model; nothing where it was not read."""
    trainings = transfer.tuning.runs if transfer.tuning else ()
    paths = [path for training in trainings if (path := files.oracle(prediction, training)).is_file()]
    if not paths:
        return ()
    from sts_eval.hindsight.oracles import truncation_scores  # loads torch, which runs without oracles do without

    truncation = truncation_scores(transfer)
    return (*Oracle.read(paths[0]).predictors, *([truncation] if truncation else []))


def _check(found: Sequence[tuple[Path, Outcome]], post_hoc: bool) -> None:
    records: dict[tuple[str, str], Path] = {}
    runs: dict[tuple[str, str], Path] = {}
    for path, outcome in found:
        if outcome.post_hoc and not post_hoc:
            raise UserError(
                f"{path}: the prediction of {outcome.model} on {outcome.training_set} was made after fine-tuning "
                "started",
                "Leave the run out, or pass --post-hoc to have the comparison say so",
            )
        hashes, names = (outcome.prediction_sha256, outcome.transfer_sha256), (outcome.model, outcome.training_set)
        if hashes in records:
            raise UserError(f"{records[hashes]} and {path} hold the same prediction and transfer", "Give each run once")
        if names in runs:
            raise UserError(
                f"{runs[names]} and {path} are both runs of {outcome.model} on {outcome.training_set}",
                "Give one of them, or make one run with several seeds",
            )
        records[hashes], runs[names] = path, path
    common = set.intersection(*({domain.domain for domain in outcome.domains} for _, outcome in found))
    if len(common) < FEWEST_DOMAINS:
        raise UserError(
            f"the runs have {len(common)} domains in common, and {FEWEST_DOMAINS} are needed",
            "Compare runs of the same benchmark",
        )
