"""Every predictor against what tuning changed, over one run or many.

Three questions are kept apart, because a predictor can be good at one and useless at another: how much a domain
changes, which way, and which training set helps which domain. The last two are asked without home domains as well.
"""

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

from sts_eval.analysis.added_value import added_value_tables
from sts_eval.analysis.aligned_runs import AlignedRuns, align
from sts_eval.analysis.correlations import BesideOtherSets
from sts_eval.analysis.judged import ComparisonSettings
from sts_eval.analysis.ranking import question_table
from sts_eval.analysis.replication import check_split, replication
from sts_eval.analysis.verdict import verdict
from sts_eval.errors import UserError
from sts_eval.progress import Progress, silent
from sts_eval.records.comparison import (
    AWAY,
    EVERY_QUESTION,
    AddedTable,
    ComparedRun,
    Comparison,
    Measure,
    Question,
    Replication,
    Split,
    Table,
)
from sts_eval.records.outcome import Outcome
from sts_eval.records.record import now
from sts_eval.statistics.resampling import effective_runs

ASKED_OF_HISTORY: tuple[Question, ...] = ("how_much", "which_way")  # what predictors add something to history about

FEWEST_RESAMPLES = 100  # with fewer, a 95% interval rests on two or three resamples at each end


def compare_runs(
    outcomes: Sequence[Outcome],
    *,
    reference: str = "sts_icl",
    n_resamples: int = 2000,
    seed: int = 0,
    single: bool = True,
    split: Split | None = None,
    progress: Progress = silent,
) -> Comparison:
    """Compare all predictors over all runs, as `gather` checks them, and the reference with each of the others.

    Every bootstrap and permutation takes `n_resamples` from `seed`: equal seeds give equal records but for the time of
    making. `single` gives a single run the figures that only one run has, which takes some seconds. `split` asks
    whether the best predictor on one half of the training sets or models is the best on the other half. Progress is
    that of questions.

    Raises:
        UserError: No run has the reference, the resamples are too few, or there is too little to split.
    """
    if n_resamples < FEWEST_RESAMPLES:
        raise UserError(
            f"{n_resamples} resamples are too few for an interval", f"Give --resamples of at least {FEWEST_RESAMPLES}"
        )
    runs = align(outcomes)
    if reference not in runs.predictors:
        raise UserError(
            f"no run has a predictor {reference!r}", f"Give --reference one of {', '.join(sorted(runs.predictors))}"
        )
    if split is not None:
        check_split(runs, split)
    settings = ComparisonSettings(reference, n_resamples, seed, single)
    asked = _tables(runs, settings, split, progress)
    effective = {
        measure: found
        for measure, changes in runs.measures.items()
        if len(outcomes) > 1 and (found := effective_runs(changes.change)) is not None
    }
    return Comparison(
        created=now(),
        runs=tuple(
            ComparedRun(outcome_sha256=one.sha256(), **one.model_dump(include={"model", "training_set", "post_hoc"}))
            for one in outcomes
        ),
        effective_runs=effective,
        domains=runs.domains,
        reference=reference,
        level=settings.level,
        n_resamples=n_resamples,
        seed=seed,
        verdict=verdict(runs, asked.tables, asked.added, reference, effective),
        added=tuple(asked.added),
        tables=tuple(asked.tables),
        replication=tuple(asked.replicated),
        warnings=tuple(_warnings(runs, asked.tables)),
    )


class _Tables(NamedTuple):
    """Every question by every measure."""

    tables: Sequence[Table]
    added: Sequence[AddedTable]
    replicated: Sequence[Replication]


def _tables(runs: AlignedRuns, settings: ComparisonSettings, split: Split | None, progress: Progress) -> _Tables:
    """The tables of the questions that these runs can answer."""
    tables: list[Table] = []
    added: list[AddedTable] = []
    replicated: list[Replication] = []
    beside: dict[tuple[Measure, bool], BesideOtherSets] = {}
    asked = [question for question in EVERY_QUESTION if runs.home.any() or question not in AWAY]
    for done, (measure, question) in enumerate(pairs := [*product(runs.measures, asked)]):
        progress("comparing predictors: questions", done, len(pairs))
        table = question_table(question, measure, runs, settings, beside)
        tables += [table] if table else []
        if split is not None and table is not None and question != "how_much_debiased":
            halves = replication(table, runs, split, settings)
            replicated += [halves] if halves else []
        if question in ASKED_OF_HISTORY:
            added += added_value_tables(question, measure, runs, settings)
    return _Tables(tables, added, replicated)


def _warnings(runs: AlignedRuns, tables: Sequence[Table]) -> list[str]:
    lines = []
    for name, outcome in zip(runs.run_names, runs.outcomes, strict=True):
        lines += [f"UNRELATED: {name}: {line}" for line in outcome.unrelated]
    late = [name for name, outcome in zip(runs.run_names, runs.outcomes, strict=True) if outcome.post_hoc]
    if late:
        lines.append(f"POST HOC: the prediction was made after fine-tuning started in {', '.join(late)}")
    if runs.left_out:
        lines.append(f"domains that not every run has are left out: {', '.join(runs.left_out)}")
    if "logprob" not in runs.measures:
        lacking = "the run has no" if len(runs.outcomes) == 1 else "not every run has"
        lines.append(f"{lacking} log-probabilities, so only accuracy is compared")
    if not any(table.question == "which_set" for table in tables):
        lines.append("no model has 3 training sets, so which set helps which domain cannot be answered")
    elif not runs.home.any():
        lines.append("no run names the home domains of its training set, so they could not be left out")
    return lines
