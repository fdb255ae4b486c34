"""Other predictors beside STS, for people: where each expects most and least, how far it agrees with STS, its price."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table
from scipy import stats

from sts_eval.records.prediction import Prediction, PredictorScores

NAMED = 2
"""Domains named at either end."""

FEWEST = 3
"""Domains without which there is no rank correlation."""


def column_table(prediction: Prediction) -> Table:
    """One line per predictor; the scores of every domain are in the record."""
    table = Table(
        title="Other predictors on the same questions (scores by domain: in the record)", title_justify="left"
    )
    for header in ("predictor", "flags", "expects most", "expects least", "rank r with STS_ICL", "seconds"):
        table.add_column(header, justify="right" if header[0] in "rs" else "left", overflow="fold")
    sts = prediction.predictor("sts_icl").values
    for column in prediction.others:
        values = column.values
        order = sorted(values, key=lambda domain: -values[domain])
        table.add_row(
            column.name,
            " ".join(column.flags),
            escape(", ".join(order[:NAMED])) or "(undefined)",
            escape(", ".join(order[-NAMED:])),
            _agreement(column, sts),
            f"{column.cost.seconds:.1f}" if column.cost else "–",
        )
    return table


def _agreement(column: PredictorScores, sts: dict[str, float]) -> str:
    names = [name for name in column.scores if name in sts]
    values = [column.values[name] for name in names]
    if len(names) < FEWEST or len(set(values)) == 1:
        return "–"
    return f"{stats.spearmanr(values, [sts[name] for name in names]).statistic:+.2f}"
