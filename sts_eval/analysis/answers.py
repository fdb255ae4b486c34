"""A comparison in three sentences: does STS work, how far it is from the best baseline, and on which models.

As in `verdict`, "yes" needs intervals above 0 and a small p among all predictors, and a winner needs a paired interval
that excludes 0. Everything else is "not shown", which is not "shown not to be".
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from sts_eval.analysis.breakdown import Part
from sts_eval.analysis.verdict import ALPHA, shown
from sts_eval.analysis.wording import counted, interval, signed
from sts_eval.records.comparison import Comparison, Difference, Ends, Measure, Question, Row, Table, excludes_zero

ASKED: tuple[Question, ...] = ("which_way", "which_set", "how_much")

CLAUSES: dict[Question, str] = {
    "which_way": "which way a domain changes",
    "which_set": "which training set helps which domain",
    "how_much": "how much a domain changes",
}

SHORT: dict[Question, str] = {"which_way": "which way", "which_set": "which set", "how_much": "how much"}
"""Where the clause was said before."""

MOST_NAMED = 4  # models that a sentence names with their r

Beats = Literal["yes", "no", "cannot tell"]


class Answers(NamedTuple):
    """Three answers, a sentence or two each."""

    works: str
    against: str
    models: str


def answers(comparison: Comparison, measure: Measure, by_model: Sequence[Part], question: Question) -> Answers:
    """The answers by one measure; `by_model` has the reference's r with each model, for the question asked."""
    tables = [table for one in ASKED if (table := comparison.table(one, measure)) is not None]
    name = comparison.reference
    models = _models(comparison, measure, by_model, question)
    if not any(row.group == "sts" for table in tables for row in table.rows):
        return Answers("no run here has scores of STS.", "no run here has scores of STS.", models)
    return Answers(_works(tables, name), _against(tables, name), models)


def beats(found: Difference | None) -> Beats:
    """Whether a predictor beats another by the paired interval of the difference, and in one run by Williams' t too."""
    if found is None or (found.p_williams is not None and found.p_williams >= ALPHA):
        return "cannot tell"
    return verdict_of(found.difference, found.interval)


def verdict_of(difference: float | None, ends: Ends | None) -> Beats:
    """Whether a difference of r, the first minus the second, shows that the first is higher."""
    if difference is None or not excludes_zero(ends):
        return "cannot tell"
    return "yes" if difference > 0 else "no"


def best_baseline(table: Table) -> Row | None:
    """The best ranked predictor that is not STS's: the one of the highest r, which favours it."""
    return next((row for row in table.standing("ranked") if row.group != "sts" and row.r is not None), None)


def _works(tables: Sequence[Table], name: str) -> str:
    yes: list[str] = []
    no: list[str] = []
    for table in tables:
        row = table.row(name)
        clause = f"{CLAUSES[table.question]} (r {_figures(row.r, row.bootstrap)})"
        (yes if shown(row) else no).append(clause)
    if not yes:
        return f"{name} is not shown to tell {_listed(no, 'or')}."
    but = f", but is not shown to tell {_listed(no, 'or')}" if no else ""
    return f"{name} tells {_listed(yes, 'and')}{but}."


def _against(tables: Sequence[Table], name: str) -> str:
    said: dict[str, list[str]] = {}
    for table in tables:
        best = best_baseline(table)
        found = best.from_reference if best else None
        if best is None or found is None or found.difference is None:
            continue
        # The record holds the baseline minus the reference; the sentence is about the reference.
        ends = (-found.interval[1], -found.interval[0]) if found.interval else None
        against = {"yes": "is worse than", "no": "is better than", "cannot tell": "cannot be told from"}[beats(found)]
        clause = f"{SHORT[table.question]} ({_figures(-found.difference, ends)})"
        said.setdefault(f"{against} {best.name} on", []).append(clause)
    if not said:
        return f"There is no other predictor to compare {name} with."
    clauses = "; it ".join(f"{against} {_listed(clauses, 'and')}" for against, clauses in said.items())
    return f"{name} {clauses}; differences of r from the best other predictor."


def _models(comparison: Comparison, measure: Measure, by_model: Sequence[Part], question: Question) -> str:
    models = sorted({run.model for run in comparison.runs})
    sets = {run.training_set for run in comparison.runs}
    text = f"{counted(len(models), 'model')} on {counted(len(sets), 'training set')}, {len(comparison.domains)} domains"
    effective = comparison.effective_runs.get(measure)
    runs = counted(len(comparison.runs), "run")
    text += f": {runs}" + (f" that say as much as {effective:.1f} independent ones" if effective else "")
    known = sorted((part for part in by_model if part.r is not None), key=lambda part: -(part.r or 0.0))
    clause = f"{comparison.reference} for {CLAUSES.get(question, 'the question asked')}"
    if len(known) > MOST_NAMED:
        return f"{text}. By model, r of {clause} goes from {signed(known[-1].r)} to {signed(known[0].r)}."
    if not known:
        return f"{text}."
    named = ", ".join(f"{part.name} {signed(part.r)}" for part in known)
    return f"{text}. r of {clause}: {named}."


def _figures(value: float | None, ends: Ends | None) -> str:
    return f"{signed(value)} {interval(ends)}".removesuffix(" –")


def _listed(clauses: Sequence[str], word: str) -> str:
    return clauses[0] if len(clauses) == 1 else f"{', '.join(clauses[:-1])} {word} {clauses[-1]}"
