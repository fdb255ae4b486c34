"""What is exported, read from a run's folder, a transfer record or a submission into one typed thing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from sts_eval.analysis.runs import model_name, set_name
from sts_eval.data.benchmark import NAMED
from sts_eval.errors import UserError
from sts_eval.export.accuracy import Accuracy, Scores, State, of_answers, of_outcome
from sts_eval.export.names import is_repository
from sts_eval.records.prediction import DataIdentity, Prediction
from sts_eval.records.report import Report
from sts_eval.records.run_folder import RunFolder
from sts_eval.records.submission import Origin, Submission
from sts_eval.records.transfer import Imported, Measured, Transfer
from sts_eval.submission.validate import validate

_MMLU_PRO = "mmlu_pro"


@dataclass(frozen=True)
class BaseModel:
    """The untuned model.

    Attributes:
        name: As people say it; never a place on a disk.
        hub_id: Its repository; None where it was not read from the hub, or nobody knows.
        revision: The commit that was read.
    """

    name: str
    hub_id: str | None = None
    revision: str | None = None


@dataclass(frozen=True)
class Source:
    """A run that is to be exported.

    Attributes:
        sha256: Of the record that it was read from.
        created: When that record was made, UTC, ISO 8601.
        origin: Measured by this tool, imported, or a paper's figures.
        evaluated: When the evaluations were done; None where that is not known.
        benchmark: What was asked, as the record names it; None where it does not.
        base: The untuned model.
        tuned: Short name of what it became.
        training_set: What it was tuned on: hub id or short name; None where it is not known.
        scores: Accuracies, all questions first where they are known.
        transfer: The record with the answers; None for a submission without it.
        submitter: Who answers for it; None where nobody does yet.
        url: Where it is described.
        command: What reproduces it.
        versions: Package and version, of what measured; empty where this tool did not.
    """

    sha256: str
    created: str
    origin: Origin
    evaluated: str | None
    benchmark: str | None
    base: BaseModel
    tuned: str
    training_set: str | None
    scores: tuple[Scores, ...]
    transfer: Transfer | None
    submitter: str | None = None
    url: str | None = None
    command: str | None = None
    versions: tuple[tuple[str, str], ...] = ()

    @property
    def dataset_id(self) -> str | None:
        """The benchmark's dataset on the hub, where its name tells."""
        if self.benchmark is None:
            return None
        return self.benchmark if is_repository(self.benchmark) else NAMED.get(self.benchmark)

    def known(self, state: State) -> list[tuple[Scores, Accuracy]]:
        """The accuracies of one model that are known, all questions first.

        Raises:
            UserError: None is: the figures are changes alone.
        """
        found = [(scores, accuracy) for scores in self.scores if (accuracy := scores.of(state)) is not None]
        if not found:
            raise UserError(f"no accuracy {state} the tuning is known", "Export a run that has more than changes")
        return found

    @property
    def measured(self) -> Measured | None:
        """How it was measured, where that is recorded."""
        return self.transfer.origin if self.transfer and isinstance(self.transfer.origin, Measured) else None

    @property
    def imported(self) -> Imported | None:
        """Where it was imported from, where that is recorded."""
        return self.transfer.origin if self.transfer and isinstance(self.transfer.origin, Imported) else None


def read_source(path: Path) -> Source:
    """Read a run.

    Args:
        path: A folder of `sts-eval run`, a transfer record, or a submission.

    Raises:
        UserError: It is none of them, is not valid, or holds several transfers and no report that names one.
    """
    if path.is_dir():
        return _of_folder(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        remedy = "Give a run folder, a transfer record or a submission"
        raise UserError(f"{path} cannot be read ({error.strerror})", remedy) from error
    if _is_submission(raw):
        return _of_submission(path, raw)
    return _of_transfer(_transfer(path, raw), None)


def _is_submission(raw: bytes) -> bool:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "outcome" in value


def _transfer(path: Path, raw: bytes) -> Transfer:
    try:
        return Transfer.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the top level"
        raise UserError(
            f"{path} is neither a transfer record nor a submission: {where}: {first['msg']}",
            "Give a run folder, a transfer record or a submission",
        ) from error


def _of_folder(folder: Path) -> Source:
    files = RunFolder.of(folder)
    if files.report.is_file():
        report = Report.read(files.report)
        transfer = files.record_named(Transfer, report.transfer_sha256)
    else:
        found = files.files(Transfer)
        if not found:
            raise UserError(f"{folder} holds no transfer record", "Run `sts-eval run` or `sts-eval stage measure`")
        if len(found) > 1:
            raise UserError(
                f"{folder} holds {len(found)} transfer records and no {files.report.name}", "Give one of the files"
            )
        transfer = Transfer.read(found[0])
    prediction = None
    if transfer.prediction and files.files(Prediction):
        prediction = files.record_named(Prediction, transfer.prediction.prediction_sha256)
    return _of_transfer(transfer, prediction)


def _of_transfer(transfer: Transfer, prediction: Prediction | None) -> Source:
    origin, tuning = transfer.origin, transfer.tuning
    base = BaseModel(_short(transfer.model_before))
    if tuning:
        base = _base(tuning.model.id, tuning.commit)
    elif prediction:
        base = _base(prediction.model.id, prediction.model.commit)
    trained_on = tuning.training_set if tuning else prediction.training_set if prediction else None
    measured = isinstance(origin, Measured)
    return Source(
        sha256=transfer.sha256(),
        created=transfer.created,
        origin=origin.kind,
        evaluated=transfer.created if measured else None,
        benchmark=origin.task if isinstance(origin, Measured) else _benchmark(origin),
        base=base,
        tuned=_tuned(base, set_name(trained_on.source)) if trained_on else _short(transfer.model_after),
        training_set=_set(trained_on) if trained_on else None,
        scores=of_answers(transfer.answers),
        transfer=transfer,
        versions=tuple(transfer.versions.items()) if measured else (),
    )


def _of_submission(path: Path, raw: bytes) -> Source:
    verdict = validate(raw)
    if verdict.submission is None:
        raise UserError(
            f"{path} is no valid submission: {verdict.problems[0]}", "See all problems with `sts-eval store validate`"
        )
    whole: Submission = verdict.submission
    model, outcome, transfer = whole.model, whole.outcome, whole.transfer
    base = BaseModel(outcome.model, model.id if model.revision else None, model.revision)
    return Source(
        sha256=whole.sha256(),
        created=whole.created,
        origin=whole.origin,
        evaluated=transfer.created if transfer and whole.origin == "measured" else None,
        benchmark=whole.benchmark,
        base=base,
        tuned=_tuned(base, outcome.training_set),
        training_set=whole.training_set.id,
        scores=of_answers(transfer.answers) if transfer else of_outcome(outcome),
        transfer=transfer,
        submitter=whole.submitter,
        url=whole.provenance.url,
        command=whole.provenance.command,
        versions=tuple(whole.provenance.versions.items()) if whole.origin == "measured" else (),
    )


def _base(identity: str, commit: str | None) -> BaseModel:
    if commit is None:
        return BaseModel(_short(identity))
    return BaseModel(identity.rsplit("/", 1)[-1], identity, commit)


def _short(identity: str) -> str:
    return model_name(identity) if identity.strip("/\\") else identity


def _tuned(base: BaseModel, training_set: str) -> str:
    return f"{base.name}-tuned-on-{training_set}"


def _set(data: DataIdentity) -> str:
    return data.source if data.revision is not None else set_name(data.source)


def _benchmark(origin: Imported) -> str | None:
    """MMLU-Pro's own script asks nothing else."""
    return _MMLU_PRO if origin.format == "mmlu-pro" else None
