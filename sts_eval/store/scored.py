"""From a board's tables to the arrays that a correlation takes."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sts_eval.analysis.breakdown import Scored
from sts_eval.errors import UserError
from sts_eval.records.comparison import AWAY, SET_BY_DOMAIN, SIZE, Measure, Question
from sts_eval.statistics import debiased_magnitude
from sts_eval.statistics.result import Floats
from sts_eval.store.board import Board
from sts_eval.store.correlations import correlations

MEASURED: dict[Measure, tuple[str, str]] = {"accuracy": ("delta", "se"), "logprob": ("logprob_delta", "logprob_se")}
"""Columns of the change and its error in `Board.points`: the measures that a board's tables hold."""


def scored(board: Board, shas: Sequence[str], predictor: str, question: Question, measure: Measure) -> Scored:
    """A predictor's scores and the changes of some runs, in their order, over the domains that all of them have.

    Raises:
        UserError: The board has no scores of this predictor.
    """
    if predictor not in board.predictors.index:
        raise UserError(f"no run here has scores of {predictor}", "Choose another predictor")
    points, runs = board.points, board.runs.loc[list(shas)]
    here = points[points["sha256"].isin(list(shas))].astype({"sha256": object, "domain": object})
    shared = here.groupby("domain")["sha256"].nunique()
    everywhere = set(shared.index[shared == len(runs)])
    domains = tuple(domain for domain in runs["domains"].iloc[0] if domain in everywhere) if len(runs) else ()

    def matrix(column: str) -> Floats:
        table = here.pivot(index="sha256", columns="domain", values=column)
        return table.reindex(index=list(shas), columns=list(domains)).to_numpy(dtype=np.float64)

    change, error = (matrix(column) for column in MEASURED[measure])
    if question in AWAY:
        home = np.array([[domain in known for domain in domains] for known in runs["home"]], dtype=bool)
        change = np.where(home.reshape(change.shape), np.nan, change)
    return Scored(
        question=question,
        scores=matrix(predictor),
        outcome=_sized(question, change, error) if question in SIZE else change,
        models=tuple(runs["model"]),
        training_sets=tuple(runs["training_set"]),
        domains=domains,
    )


def run_correlations(board: Board, predictor: str, question: Question, measure: Measure) -> pd.DataFrame:
    """Pearson's r of every run over its domains with Fisher's 95% interval: `r`, `low` and `high`, by `sha256`.

    NaN where it is not defined: for too few domains, a predictor that the run lacks, and a question about sets.
    """
    points = board.points
    shas = points["sha256"].cat.categories
    change, error = (points[name].to_numpy(dtype=np.float64) for name in MEASURED[measure])
    if question in AWAY:
        home = pd.MultiIndex.from_frame(board.runs["home"].explode().dropna().reset_index())
        cells = pd.MultiIndex.from_arrays([points[name].astype(object) for name in ("sha256", "domain")])
        change = np.where(cells.isin(home), np.nan, change)
    if question in SIZE:
        change = _sized(question, change, error)
    known = predictor in board.predictors.index and question not in SET_BY_DOMAIN
    scores = points[predictor].to_numpy(dtype=np.float64) if known else np.full(len(points), np.nan)
    run = points["sha256"].cat.codes.to_numpy().astype(np.intp)
    return pd.DataFrame(correlations(run, scores, change, len(shas))._asdict(), index=pd.Index(shas, dtype=object))


def _sized(question: Question, change: Floats, error: Floats) -> Floats:
    """The size of changes; with the noise taken off where the question asks for that, and errors are known."""
    if question == "how_much":
        return np.abs(change)
    return debiased_magnitude(change.ravel(), error.ravel()).reshape(change.shape)
