"""What the public functions return: a record, and the tables and plots that people look at."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

from sts_eval.records.calibration import Calibration
from sts_eval.records.comparison import Comparison, Measure, Question
from sts_eval.records.prediction import SCORES, Prediction
from sts_eval.records.record import Record
from sts_eval.records.report import Report

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

Kept = TypeVar("Kept", bound=Record)

LINES = 10  # of a table that are shown where a result is printed


class Result(ABC, Generic[Kept]):
    """A record with its views. Subclasses say which table stands for it."""

    def __init__(self, record: Kept) -> None:
        self.record = record

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """The figures, one a row."""

    @abstractmethod
    def overview(self) -> pd.DataFrame:
        """The table that is shown in a notebook and in a terminal."""

    @abstractmethod
    def heading(self) -> str:
        """The line above the table."""

    def save(self, path: str | Path) -> Path:
        """Write the record as JSON, whole or not at all. Returns the path.

        Raises:
            UserError: The folder cannot be written.
        """
        self.record.write(Path(path))
        return Path(path)

    def __repr__(self) -> str:
        table = self.overview()
        text = table.head(LINES).to_string(index=False, na_rep="–", float_format="{:.4g}".format)
        more = len(table) - LINES
        return "\n".join([self.heading(), text, *([f"… and {more} more rows: .overview()"] if more > 0 else [])])

    def _repr_html_(self) -> str:
        import html

        written = io.StringIO()
        self.overview().to_html(written, index=False, na_rep="–", float_format="{:.4g}".format, border=0)
        return f"<p>{html.escape(self.heading())}</p>\n{written.getvalue()}"


class PredictionResult(Result[Prediction]):
    """A score per domain and predictor, made from the untuned model."""

    def heading(self) -> str:
        """What is tuned on what."""
        from sts_eval.reporting.prediction import tuned_on

        record = self.record
        return f"{tuned_on(record.model.id, record.training_set.source, 'if tuned on')}: predicted impact by domain"

    def to_frame(self) -> pd.DataFrame:
        """One row per domain and predictor: domain, predictor, score, standard_error (over questions and seeds)."""
        from sts_eval.reporting.prediction import scores_frame

        return scores_frame(self.record)

    def overview(self) -> pd.DataFrame:
        """Domains by falling STS_ICL: the three scores of STS, and how many questions were read."""
        import pandas as pd

        scores = {name: self.record.predictor(name).values for name in SCORES}
        return pd.DataFrame(
            [
                {
                    "domain": one.domain,
                    **{name: scores[name][one.domain] for name in SCORES},
                    "questions": one.n_questions,
                }
                for one in self.record.ranked(SCORES[0])
            ]
        )

    def features(self) -> pd.DataFrame:
        """The shifted features, most particular to the training set first: where they fire and what they promote.

        Columns: feature, shift, particular, label (the source of most of its strongest samples), fires_on, promotes,
        neuronpedia, dropped (why tables leave it out). Empty without meanings (`meanings=False`).
        """
        import pandas as pd

        from sts_eval.reporting.meanings import distinct, excerpt_line, promoted_text

        meanings = self.record.meanings
        rows = [
            {
                "feature": one.feature,
                "shift": one.shift,
                "particular": one.particular,
                "label": one.label,
                "fires_on": " / ".join(excerpt_line(excerpt) for excerpt in distinct(one.excerpts)[:3]),
                "promotes": promoted_text(one),
                "neuronpedia": one.neuronpedia,
                "dropped": one.dropped,
            }
            for one in (meanings.features if meanings else ())
        ]
        columns = ["feature", "shift", "particular", "label", "fires_on", "promotes", "neuronpedia", "dropped"]
        return pd.DataFrame(rows, columns=columns)

    def plot(self, score: str = SCORES[0]) -> Figure:
        """One of the three scores per domain as bars with standard errors."""
        from sts_eval.reporting.prediction import scores_figure

        return scores_figure(self.record, score)


class ReportResult(Result[Report]):
    """A prediction beside the change that followed it."""

    def heading(self) -> str:
        """What was tuned on what, and how STS_ICL did."""
        from sts_eval.reporting.prediction import tuned_on
        from sts_eval.reporting.report import conclusions

        found = [text for name, text in conclusions(self.record.compared()) if "STS_ICL" in name]
        return "\n".join(
            [f"{tuned_on(self.record.model, self.record.training_set)}: predicted and measured", *found[:1]]
        )

    def to_frame(self) -> pd.DataFrame:
        """One row per domain: scores, accuracies (proportions), delta and its standard error (points), n, verdict."""
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "domain": row.domain,
                    **{name: score.value for name, score in row.scores.items()},
                    "accuracy_before": row.accuracy_before,
                    "accuracy_after": row.accuracy_after,
                    "delta": row.delta,
                    "standard_error": row.se,
                    "n": row.n,
                    "verdict": row.verdict,
                }
                for row in self.record.rows
            ]
        )

    def overview(self) -> pd.DataFrame:
        """The same, by falling STS_ICL."""
        return self.to_frame().sort_values(SCORES[0], ascending=False, ignore_index=True)

    def ranking(self, question: Question = "which_way", measure: Measure = "accuracy") -> pd.DataFrame:
        """Every predictor's correlation with the measured changes, as `ComparisonResult.ranking`."""
        return ComparisonResult(self.record.compared()).ranking(question, measure)

    def plot(self, score: str = SCORES[0]) -> Figure:
        """A score against the measured change in points, one point per domain, with error bars."""
        from sts_eval.reporting.plots import scatter

        return scatter(self.record, score)


class ComparisonResult(Result[Comparison]):
    """All predictors against the measured changes of several runs."""

    def heading(self) -> str:
        """What the comparison says in words."""
        return "\n".join([f"{len(self.record.runs)} runs compared", *self.record.verdict])

    def ranking(self, question: Question = "which_way", measure: Measure = "accuracy") -> pd.DataFrame:
        """One row per predictor, best first: rank, standing, r and its 95% interval, p, seconds.

        Raises:
            LookupError: These runs cannot answer the question by the measure.
        """
        import pandas as pd

        table = self.record.table(question, measure)
        if table is None:
            raise LookupError(f"these runs cannot answer {question!r} by {measure!r}")
        return pd.DataFrame(
            [
                {
                    "predictor": row.name,
                    "rank": row.rank,
                    "standing": row.standing,
                    "r": row.r,
                    "low": row.bootstrap[0] if row.bootstrap else None,
                    "high": row.bootstrap[1] if row.bootstrap else None,
                    "p": row.p_permutation,
                    "over_other_sets": row.other_sets.difference if row.other_sets else None,
                    "seconds": row.cost.seconds if row.cost else None,
                }
                for row in table.rows
            ]
        )

    def to_frame(self) -> pd.DataFrame:
        """One row per predictor, question and measure, as comparison.csv has it."""
        import pandas as pd

        from sts_eval.reporting.files import tidy

        return pd.read_csv(io.StringIO(tidy(self.record)))

    def overview(self) -> pd.DataFrame:
        """The ranking by the direction of the change in accuracy."""
        return self.ranking()

    def plot(self, measure: Measure = "accuracy") -> Figure:
        """Every predictor's correlation with its intervals, a panel per question.

        Raises:
            LookupError: The runs were not measured so.
        """
        from sts_eval.reporting.plots import forest

        self.ranking(measure=measure)  # which looks
        return forest(self.record, measure)


class CalibrationResult(Result[Calibration]):
    """From scores to changes in points."""

    def heading(self) -> str:
        """The fitted line."""
        from sts_eval.reporting.calibration import equation_text

        return equation_text(self.record.equation) if self.record.equation else "too few runs to fit changes to scores"

    def to_frame(self) -> pd.DataFrame:
        """One row per way of leaving runs out: its errors in points, and skill against the nulls."""
        import pandas as pd

        return pd.DataFrame([one.model_dump(exclude={"levels", "selected"}) for one in self.record.hold_outs])

    def overview(self) -> pd.DataFrame:
        """The same."""
        return self.to_frame()

    def expected(self, prediction: PredictionResult) -> pd.DataFrame:
        """Expected changes in points by domain, with their 80% and 90% intervals, the largest rise first.

        Raises:
            UserError: The prediction lacks a predictor that the calibration uses, or too many of its domains.
        """
        import pandas as pd

        from sts_eval.analysis.expected_change import expected

        return pd.DataFrame([one.model_dump() for one in expected(self.record, prediction.record)])


@dataclass(frozen=True)
class RunResult:
    """A run: its prediction, made before tuning, and its report."""

    folder: Path
    prediction: PredictionResult
    report: ReportResult

    def __repr__(self) -> str:
        return f"Run in {self.folder}\n{self.report!r}"

    def _repr_html_(self) -> str:
        return self.report._repr_html_()
