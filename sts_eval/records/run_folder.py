"""The folder of a run: the name of every file in it, and of those that runs share. No other module makes such names.

    runs/
        evaluations/
            evaluation-9c41….json         one model's answers; the untuned model's serve all runs
        demo/
            prediction-3f2a91c0.json      named by model, SAE, data and settings of the prediction
            tuning/
                seed-0-3f2a91c07b5e/      one seed, named by all that its weights depend on
                    weights/              the adapter (or the model) as peft (or transformers) saves it
                    training.json         the facts of the training
            transfer-77b0c412.json        named by the prediction, the weights and what is measured
            overlap-0-5d02e7aa.json       one seed: predicted and actually shifted dimensions
            oracle-0-5d02e7aa.json        the first seed: what predictors could say that had the tuned model
            report.json, report.md, report.html, scatter.png, prediction.png
            .running.json                 while a process is at work: which one
            tuning.json, transfer.json    of `sts-eval stage finetune` and `stage measure`

A sweep keeps its runs in `runs/NAME/`, and `evaluations/` and `tuning/` beside `runs/` for all of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from sts_eval.errors import UserError
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import Record, fingerprint
from sts_eval.records.transfer import Transfer
from sts_eval.records.tuning import SeedTraining

EVALUATIONS = "evaluations"  # a folder that runs share; it lies beside them, so that `runs/*` names it too
REPORT_FILES = ("report.json", "report.md", "report.html", "scatter.png")  # the record of a report, and its views
TUNING_RECORD = "tuning.json"
_PREFIXES: dict[type[Record], str] = {Prediction: "prediction", Transfer: "transfer"}

AnyRecord = TypeVar("AnyRecord", bound=Record)


class SeedFolder:
    """The folder of one tuned seed. It is whole where `facts` is a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.weights = path / "weights"  # the adapter's folder, or the whole model's
        self.facts = path / "training.json"  # the record of the training

    @property
    def checkpoints(self) -> Path:
        """Where an unfinished seed keeps what it can go on from."""
        return self.path / "checkpoints"

    @property
    def unfinished(self) -> SeedFolder:
        """Where the seed is made, before the folder is renamed."""
        return SeedFolder(self.path.with_name(f".{self.path.name}.tmp"))


def seed_folder(tuning: Path, seed: int, key: str) -> SeedFolder:
    """The folder of a seed below a tuning's, named by a hash of all that its weights depend on."""
    return SeedFolder(tuning / f"seed-{seed}-{key[:12]}")


def evaluation_file(evaluations: Path, key: str) -> Path:
    """The file of an evaluation, named by its key."""
    return evaluations / f"evaluation-{key[:16]}.json"


class RunFolder:
    """Where the records of a run are: its own, the evaluations that all runs share, and the weights by seed.

    Runs of one model and training set may share their weights.
    """

    def __init__(self, run: Path, evaluations: Path, tuning: Path) -> None:
        self.run, self.evaluations, self.tuning = run, evaluations, tuning
        self.report = run / REPORT_FILES[0]
        self.claim = run / ".running.json"  # who is at work
        self.prediction_plot = run / "prediction.png"
        self.tuning_record = run / TUNING_RECORD  # of `sts-eval stage finetune`
        self.transfer_record = run / "transfer.json"  # of `sts-eval stage measure`

    @classmethod
    def of(cls, folder: Path) -> RunFolder:
        """The layout of `sts-eval run`."""
        return cls(folder, folder.parent / EVALUATIONS, folder / "tuning")

    @classmethod
    def of_sweep(cls, sweep: Path, name: str) -> RunFolder:
        """The layout of a run of `sts-eval sweep`."""
        return cls(sweep / "runs" / name, sweep / EVALUATIONS, sweep / "tuning")

    def prediction(self, key: str) -> Path:
        """The prediction, named by a hash of all that it depends on."""
        return self.run / f"prediction-{key[:8]}.json"

    def transfer(self, key: str) -> Path:
        """What tuning changed, named by a hash of the prediction, the weights and the measurement."""
        return self.run / f"transfer-{key[:8]}.json"

    def overlap(self, prediction: Prediction, training: SeedTraining) -> Path:
        """Predicted and actually shifted dimensions of a tuned seed."""
        return self.run / f"overlap-{_tuned_seed(prediction, training)}.json"

    def oracle(self, prediction: Prediction, training: SeedTraining) -> Path:
        """What predictors say that have a tuned seed."""
        return self.run / f"oracle-{_tuned_seed(prediction, training)}.json"

    def files(self, kind: type[Record]) -> list[Path]:
        """The files of predictions or transfers; some may be of earlier settings."""
        return sorted(self.run.glob(f"{_PREFIXES[kind]}*.json"))

    def record_named(self, kind: type[AnyRecord], sha256: str) -> AnyRecord:
        """The prediction or transfer with this hash.

        Raises:
            UserError: There is none.
        """
        unreadable: UserError | None = None
        for path in self.files(kind):
            try:
                record = kind.read(path)
            except UserError as error:  # it may be an older one that nobody asks for
                unreadable = error
                continue
            if record.sha256() == sha256:
                return record
        if unreadable is not None:
            raise unreadable
        raise UserError(
            f"{self.run} has no {_PREFIXES[kind]} with the hash {sha256[:12]} that its report names",
            "Make the report again",
        )


def _tuned_seed(prediction: Prediction, training: SeedTraining) -> str:
    return f"{training.seed}-{fingerprint([prediction.sha256(), training.weights_sha256])[:8]}"
