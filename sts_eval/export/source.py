"""What is exported, read from a run's folder, a transfer record or a submission into one typed thing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pydantic_core

from sts_eval.analysis.names import model_name, set_name
from sts_eval.data.benchmark import NAMED
from sts_eval.errors import UserError
from sts_eval.export.accuracy import Scores, of_answers, of_outcome
from sts_eval.export.names import is_repository
from sts_eval.records.prediction import Prediction
from sts_eval.records.report import Report
from sts_eval.records.run_folder import RunFolder
from sts_eval.records.submission import Origin
from sts_eval.records.transfer import Imported, Measured, Transfer
from sts_eval.submission.validate import validate


@dataclass(frozen=True)
class Source:
    """A run that is to be exported."""

    sha256: str  # of the record that it was read from
    created: str  # when that record was made, UTC, ISO 8601
    origin: Origin
    benchmark: str | None  # what was asked, as the record names it; None where it does not
    base: str  # name of the untuned model, as people say it; never a place on a disk
    base_id: str | None  # its repository; None where it was not read from the hub, or nobody knows
    base_revision: str | None  # the commit that was read
    tuned: str  # short name of the tuned model
    training_set: str | None  # hub id or short name; None where it is not known
    scores: tuple[Scores, ...]  # all questions first where they are known; never empty
    transfer: Transfer | None  # the record with the answers; None for a submission without it
    versions: Mapping[str, str]  # by package, of what made the record
    submitter: str | None = None  # who answers for it; None where nobody does yet
    url: str | None = None  # where it is described
    command: str | None = None  # what reproduces it

    @property
    def dataset_id(self) -> str | None:
        """The benchmark's dataset on the hub, where its name tells."""
        if self.benchmark is None:
            return None
        return self.benchmark if is_repository(self.benchmark) else NAMED.get(self.benchmark)

    @property
    def domains(self) -> list[str]:
        """Names of the domains whose accuracies are known, in the order of `scores`."""
        return [scores.domain for scores in self.scores if scores.domain is not None]

    @property
    def evaluated(self) -> str | None:
        """When the evaluations were done, UTC, ISO 8601; None where that is not known."""
        return self.transfer.created if self.transfer and self.measured else None

    @property
    def measured(self) -> Measured | None:
        """How it was measured, where that is recorded."""
        return self.transfer.origin if self.transfer and isinstance(self.transfer.origin, Measured) else None

    @property
    def imported(self) -> Imported | None:
        """Where it was imported from, where that is recorded."""
        return self.transfer.origin if self.transfer and isinstance(self.transfer.origin, Imported) else None


def read_source(path: Path) -> Source:
    """Read a folder of `sts-eval run`, a transfer record, or a submission.

    Raises:
        UserError: It is none of them, is not valid, holds several transfers and no report that names one, or holds
            changes and no accuracy.
    """
    if path.is_dir():
        source = _of_folder(path)
    elif _is_submission(path):
        source = _of_submission(path)
    else:
        try:
            source = _of_transfer(Transfer.read(path))
        except UserError as error:
            raise UserError(error.problem, "Give a run folder, a transfer record or a submission") from error
    if not source.scores:
        raise UserError(f"{path} holds no accuracies", "Export a run that has more than changes")
    return source


def _is_submission(path: Path) -> bool:
    try:
        value = pydantic_core.from_json(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(value, dict) and "outcome" in value


def _of_folder(folder: Path) -> Source:
    files = RunFolder.of(folder)
    if files.report.is_file():
        transfer = files.record_named(Transfer, Report.read(files.report).transfer_sha256)
    else:
        found = files.files(Transfer)
        if not found:
            problem = f"{folder} holds no transfer record"
            raise UserError(problem, "Run `sts-eval run` or `sts-eval stage measure` first")
        if len(found) > 1:
            problem = f"{folder} holds {len(found)} transfer records and no {files.report.name}"
            raise UserError(problem, "Give one of the files")
        transfer = Transfer.read(found[0])
    prediction = None
    if transfer.prediction and files.files(Prediction):
        prediction = files.record_named(Prediction, transfer.prediction.prediction_sha256)
    return _of_transfer(transfer, prediction)


def _of_transfer(transfer: Transfer, prediction: Prediction | None = None) -> Source:
    """Model and training set are those of the tuning; if it happened elsewhere, those of the prediction."""
    identity, commit, data = transfer.model_before, None, None
    if transfer.tuning:
        identity, commit, data = transfer.tuning.model.id, transfer.tuning.commit, transfer.tuning.training_set
    elif prediction:
        identity, commit, data = prediction.model.id, prediction.model.commit, prediction.training_set
    base = _short(identity) if commit is None else identity.rsplit("/", 1)[-1]
    tuned = f"{base}-tuned-on-{set_name(data.source)}" if data else _short(transfer.model_after)
    training_set = None
    if data:
        training_set = set_name(data.source) if data.revision is None else data.source
    benchmark: str | None = None
    if isinstance(transfer.origin, Measured):
        benchmark = transfer.origin.task
    elif transfer.origin.format == "mmlu-pro":  # MMLU-Pro's own script asks nothing else
        benchmark = "mmlu_pro"
    return Source(
        sha256=transfer.sha256(),
        created=transfer.created,
        origin=transfer.origin.kind,
        benchmark=benchmark,
        base=base,
        base_id=None if commit is None else identity,
        base_revision=commit,
        tuned=tuned,
        training_set=training_set,
        scores=of_answers(transfer.answers),
        transfer=transfer,
        versions=transfer.versions,
    )


def _short(identity: str) -> str:
    return model_name(identity) if identity.strip("/\\") else identity


def _of_submission(path: Path) -> Source:
    verdict = validate(path.read_bytes())
    whole = verdict.submission
    if whole is None:
        problem = f"{path} is no valid submission: {verdict.problems[0]}"
        raise UserError(problem, "See all problems with `sts-eval store validate`")
    return Source(
        sha256=whole.sha256(),
        created=whole.created,
        origin=whole.origin,
        benchmark=whole.benchmark,
        base=whole.outcome.model,
        base_id=whole.model.id if whole.model.revision else None,
        base_revision=whole.model.revision,
        tuned=f"{whole.outcome.model}-tuned-on-{whole.outcome.training_set}",
        training_set=whole.training_set.id,
        scores=of_answers(whole.transfer.answers) if whole.transfer else of_outcome(whole.outcome),
        transfer=whole.transfer,
        versions=whole.provenance.versions,
        submitter=whole.submitter,
        url=whole.provenance.url,
        command=whole.provenance.command or None,
    )
