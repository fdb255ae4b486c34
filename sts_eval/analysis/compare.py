"""Every predictor against what happened, over one run or many.

Three questions are kept apart, because a predictor can be good at one and useless at another: how much a domain
changes, which way, and which training set helps which domain.
"""

from __future__ import annotations

from collections.abc import Sequence

from sts_eval.analysis.added_value import deciding_tables
from sts_eval.analysis.aligned_runs import Matrix, align
from sts_eval.analysis.ranking import Dials, question_table
from sts_eval.analysis.verdict import verdict
from sts_eval.errors import UserError
from sts_eval.records.comparison import AddedTable, ComparedRun, Comparison, Question, Table
from sts_eval.records.outcome import Outcome
from sts_eval.records.record import now

FEWEST_RESAMPLES = 100
"""Below this a 95% interval rests on two or three resamples at each end."""


def compare_runs(
    outcomes: Sequence[Outcome], *, reference: str = "sts_icl", n_resamples: int = 2000, seed: int = 0
) -> Comparison:
    """Compare all predictors over all runs.

    Args:
        outcomes: Runs, as `gather` checks them.
        reference: The predictor that others are compared with.
        n_resamples: Of every bootstrap and permutation.
        seed: Of the same; equal seeds give equal records but for the time of making.

    Raises:
        UserError: No run has the reference, or the resamples are too few.
    """
    if n_resamples < FEWEST_RESAMPLES:
        raise UserError(f"{n_resamples} resamples give no interval", f"Give --resamples of at least {FEWEST_RESAMPLES}")
    matrix = align(outcomes)
    if reference not in matrix.columns:
        raise UserError(
            f"no run has a predictor {reference!r}", f"Give --reference one of {', '.join(sorted(matrix.columns))}"
        )
    dials = Dials(reference, n_resamples, seed)
    tables: list[Table] = []
    added: list[AddedTable] = []
    for measure in matrix.measures:
        for question in _questions(matrix):
            table = question_table(question, measure, matrix, dials)
            tables += [table] if table else []
            if question in ("how_much", "which_way"):
                added += deciding_tables(question, measure, matrix, dials)
    return Comparison(
        created=now(),
        runs=tuple(
            ComparedRun(
                model=outcome.model,
                training_set=outcome.training_set,
                outcome_sha256=outcome.sha256(),
                post_hoc=outcome.post_hoc,
            )
            for outcome in matrix.outcomes
        ),
        domains=matrix.domains,
        reference=reference,
        level=dials.level,
        n_resamples=n_resamples,
        seed=seed,
        verdict=verdict(matrix, tables, added, reference),
        added=tuple(added),
        tables=tuple(tables),
        warnings=tuple(_warnings(matrix, tables)),
    )


def _questions(matrix: Matrix) -> tuple[Question, ...]:
    away: tuple[Question, ...] = ("which_set_away",) if matrix.home.any() else ()
    return ("how_much", "which_way", "which_set", *away)


def _warnings(matrix: Matrix, tables: Sequence[Table]) -> list[str]:
    lines = []
    late = [name for name, outcome in zip(matrix.run_names, matrix.outcomes, strict=True) if outcome.post_hoc]
    if late:
        lines.append(f"POST HOC: the prediction is younger than the tuning in {', '.join(late)}")
    if matrix.left_out:
        lines.append(f"domains that not every run has are left out: {', '.join(matrix.left_out)}")
    if "logprob" not in matrix.measures:
        lines.append("not every run has log-probabilities, so only accuracy is compared")
    if not any(table.question == "which_set" for table in tables):
        lines.append("no model has 3 training sets, so which set helps which domain cannot be asked")
    elif not matrix.home.any():
        lines.append("no run says which domains its set is about, so home domains could not be left out")
    return lines
