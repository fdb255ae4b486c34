"""From a board's tables to the arrays that a correlation takes."""

from collections.abc import Sequence

import numpy as np

from sts_eval.analysis.breakdown import Scored
from sts_eval.errors import UserError
from sts_eval.records.comparison import AWAY, SIZE, Measure, Question
from sts_eval.statistics import debiased_magnitude
from sts_eval.statistics.result import Floats
from sts_eval.store.board import Board

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
    domains = tuple(sorted(shared.index[shared == len(runs)]))

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


def _sized(question: Question, change: Floats, error: Floats) -> Floats:
    """The size of changes; with the noise taken off where the question asks for that, and errors are known."""
    if question == "how_much":
        return np.abs(change)
    return debiased_magnitude(change.ravel(), error.ravel()).reshape(change.shape)
