"""The records that answer tables and figures of the paper, read from folders and files."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from sts_eval.analysis.aligned_runs import AlignedRuns, align
from sts_eval.analysis.runs import gather, read_report
from sts_eval.errors import UserError
from sts_eval.records.ablation import Ablation
from sts_eval.records.arm_comparison import ArmComparison
from sts_eval.records.kind import kind_of
from sts_eval.records.mixture import ARMS_RECORD
from sts_eval.records.outcome import Outcome
from sts_eval.records.paper_answer import PaperAnswer
from sts_eval.records.prediction import Prediction
from sts_eval.records.record import Record
from sts_eval.records.report import Report
from sts_eval.records.run_folder import EVALUATIONS, RunFolder
from sts_eval.records.transfer import Transfer
from sts_eval.records.tuning import Tuning

KINDS: tuple[type[Record], ...] = (PaperAnswer, Ablation, ArmComparison, Prediction)
"""Kinds of a single .json file."""

ABLATION, COMPARISON = "ablation.json", "comparison.json"  # in the folders of `sts-eval ablate` and `sts-eval mix`

SUPERVISED = ("lora", "full")


class FinishedRun(NamedTuple):
    """A folder of `sts-eval run`."""

    path: Path
    report: Report
    prediction: Prediction
    transfer: Transfer

    @property
    def tuning(self) -> Tuning | None:
        """How it was tuned; None where results were imported."""
        return self.transfer.tuning

    @property
    def method(self) -> str:
        """How it was tuned; imported results count as supervised."""
        return self.tuning.settings.method if self.tuning else SUPERVISED[0]

    @property
    def chosen(self) -> str:
        """Which features a selective tuning trained; empty for other methods."""
        features = self.tuning.settings.features if self.tuning else None
        return "" if self.method != "features" else features.choose if features else "predicted"


@dataclass(frozen=True)
class Evidence:
    """Everything that was passed, by kind."""

    runs: tuple[FinishedRun, ...] = ()
    files: tuple[Path, ...] = ()  # .jsonl files of outcomes
    predictions: tuple[Prediction, ...] = ()
    ablations: tuple[Ablation, ...] = ()
    mixtures: tuple[ArmComparison, ...] = ()
    answers: tuple[PaperAnswer, ...] = ()

    def tuned_by(self, *methods: str) -> tuple[FinishedRun, ...]:
        """Runs by how they were tuned."""
        return tuple(run for run in self.runs if run.method in methods)

    @cached_property
    def supervised(self) -> tuple[Outcome, ...]:
        """Runs of supervised fine-tuning in short, those of files included.

        Raises:
            UserError: Two of them are of one model and training set, or they cannot be compared.
        """
        return _gathered([*self.files, *(run.path for run in self.tuned_by(*SUPERVISED))])

    @cached_property
    def reinforced(self) -> tuple[Outcome, ...]:
        """Runs of GRPO in short.

        Raises:
            UserError: Two of them are of one model and training set, or they cannot be compared.
        """
        return _gathered([run.path for run in self.tuned_by("grpo")])

    def by_sae(self, key: Callable[[Prediction], str]) -> dict[str, AlignedRuns]:
        """Supervised runs in groups that predict by other SAEs, by a name of each."""
        groups: dict[str, list[Path]] = {}
        for run in self.tuned_by(*SUPERVISED):
            groups.setdefault(key(run.prediction), []).append(run.path)
        return {name: align(gather(paths)) for name, paths in groups.items()} if len(groups) > 1 else {}

    @property
    def every_prediction(self) -> Iterator[Prediction]:
        """Predictions passed by themselves and those of runs."""
        return chain(self.predictions, (run.prediction for run in self.runs))


def read_evidence(paths: Sequence[Path]) -> Evidence:
    """Read folders of `sts-eval run`, `ablate` and `mix --verify`, `.jsonl` files of outcomes, and single records.

    Raises:
        UserError: A path holds none of these, or cannot be read.
    """
    runs: list[FinishedRun] = []
    files: list[Path] = []
    records: list[Record] = []
    for path in paths:
        if path.suffix == ".jsonl":
            files.append(path)
        elif not path.is_dir():
            records.append(_record(path))
        elif path.name != EVALUATIONS:
            found = list(_of_folder(path))
            if not found:
                raise UserError(
                    f"{path} has no finished run, prediction, ablation or compared arms",
                    "Give folders of `sts-eval run`, `sts-eval ablate` or `sts-eval mix`, or files of records",
                )
            runs += [one for one in found if isinstance(one, FinishedRun)]
            records += [one for one in found if isinstance(one, Record)]
    return Evidence(
        runs=tuple(runs),
        files=tuple(files),
        predictions=tuple(one for one in records if isinstance(one, Prediction)),
        ablations=tuple(one for one in records if isinstance(one, Ablation)),
        mixtures=tuple(one for one in records if isinstance(one, ArmComparison)),
        answers=tuple(one for one in records if isinstance(one, PaperAnswer)),
    )


def _gathered(paths: Sequence[Path]) -> tuple[Outcome, ...]:
    return gather(paths) if paths else ()


def _record(path: Path) -> Record:
    known = ", ".join(("prediction", "ablation", "compared arms", "answer of `sts-eval reproduce`"))
    try:
        return kind_of(path, KINDS).read(path)
    except UserError as error:
        if not path.is_file():
            raise
        raise UserError(f"{path} is none of these records: {known}", "Give folders of runs, or such files") from error


def _of_folder(path: Path) -> Iterator[FinishedRun | Record]:
    files = RunFolder.of(path)
    if files.report.is_file():
        report, prediction, transfer = read_report(path)
        yield FinishedRun(path, report, prediction, transfer)
    else:
        for file in files.files(Prediction):
            yield Prediction.read(file)
    for file in (path / ABLATION, path / "ablation" / ABLATION):
        if file.is_file():
            yield Ablation.read(file)
    if (path / ARMS_RECORD).is_file():
        if not (path / COMPARISON).is_file():
            raise UserError(f"the arms of {path} are not compared yet", f"Run sts-eval mix --compare {path}")
        yield ArmComparison.read(path / COMPARISON)
