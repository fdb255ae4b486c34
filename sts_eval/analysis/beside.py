"""Tunings of one model on one training set side by side: how far each moved, and whether that was foretold.

For reinforcement learning beside supervised fine-tuning on the same rows (section 6 of the paper), and for any other
two methods.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sts_eval.analysis.runs import read_report
from sts_eval.errors import UserError
from sts_eval.records.comparison import Row
from sts_eval.records.prediction import Prediction
from sts_eval.records.report import Report
from sts_eval.records.tuning import Tuning

SCORES = (
    *("sts_icl", "sts_icl_on_policy", "oracle_icl"),
    *("sts_act", "sts_act_on_policy", "oracle_act"),
)
"""STS with the features that are predicted by either kind of demonstrations, and with those that moved."""


@dataclass(frozen=True)
class Tuned:
    """One run with its tuning."""

    name: str
    prediction: Prediction
    report: Report
    tuning: Tuning

    def rows(self, question: str) -> dict[str, Row]:
        """STS's rows in the table of a question, by accuracy."""
        tables = [one for one in self.report.compared().tables if (one.question, one.measure) == (question, "accuracy")]
        return {row.name: row for table in tables for row in table.rows if row.name in SCORES}


def side_by_side(folders: Sequence[Path]) -> tuple[Tuned, ...]:
    """Read runs of `sts-eval run` that tune one model on one training set.

    Raises:
        UserError: A folder is no finished run that was tuned here, or the runs are of different models or data.
    """
    runs = tuple(map(_read, folders))
    first = runs[0]
    for run in runs[1:]:
        for what, one, other in (
            ("models", first.prediction.model.id, run.prediction.model.id),
            ("training sets", first.prediction.training_set.sha256, run.prediction.training_set.sha256),
            ("benchmarks", first.prediction.benchmark.sha256, run.prediction.benchmark.sha256),
            ("SAEs", first.prediction.sae.weights_sha256, run.prediction.sae.weights_sha256),
        ):
            if one != other:
                raise UserError(
                    f"{first.name} and {run.name} are runs of different {what}",
                    "Give runs that differ in the tuning alone; `sts-eval compare` takes any runs",
                )
    return runs


def _read(folder: Path) -> Tuned:
    report, prediction, transfer = read_report(folder)
    if transfer.tuning is None:
        raise UserError(
            f"the results of {folder} were imported, so its tuning is not known", "Give runs of `sts-eval run`"
        )
    return Tuned(folder.name, prediction, report, transfer.tuning)
