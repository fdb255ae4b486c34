"""What a comparison allows one to say, in sentences that follow its intervals.

The same figures always give the same sentences. That a predictor adds something is said only if the interval excludes
0, the permutation that knows of shared domains agrees, and the error on held-out runs falls. That one predictor beats
another is said only if the interval of their difference excludes 0. Everything else is "not shown", which is not
"shown not to be".
"""

from __future__ import annotations

from collections.abc import Sequence

from sts_eval.analysis.aligned_runs import Matrix
from sts_eval.records.comparison import AddedRow, AddedTable, Ends, Measure, Question, Row, Table
from sts_eval.statistics import critical_r

ALPHA = 0.05

QUESTIONS: dict[Question, str] = {
    "how_much": "How much a domain changes",
    "which_way": "Which way it changes",
    "which_set": "Which set helps which domain",
    "which_set_away": "Which set helps which domain, home domains left out",
}

MEASURES: dict[Measure, str] = {"accuracy": "accuracy", "logprob": "log-probability"}

UNITS: dict[Measure, str] = {"accuracy": "points", "logprob": "nats"}

ADDS = "adds to it"

NAMED = 5
"""Predictors that a sentence names at most."""

HISTORIES = {
    "history_all": "the domain's history over all other runs",
    "history_same_set": "its history in other models on the same set",
}

OWN = ("sts_icl", "sts_act")
"""The two scores of the paper, which the first answer is about; the reference joins them."""


def verdict(matrix: Matrix, tables: Sequence[Table], added: Sequence[AddedTable], reference: str) -> tuple[str, ...]:
    """The answers: what STS adds to history, whether it beats the cheapest rival, and what to use.

    Args:
        matrix: The runs.
        tables: One per question and measure.
        added: The deciding tables.
        reference: The predictor that others are compared with.
    """
    lines = [_size(matrix)]
    if not added:
        lines.append("One run has no history, so whether a predictor adds anything to it cannot be asked.")
    names = [name for name in dict.fromkeys((reference, *OWN)) if name in matrix.columns]
    for table in added:
        if table.measure == "accuracy":
            said = " ".join(_adds(table.row(name), table) for name in names)
            lines.append(
                f"{QUESTIONS[table.question]}, beside {HISTORIES[table.history]}: {said}{_others(names, table)}"
            )
    lines += _by_logprob(names, added)
    leading = [table for table in tables if table.measure == "accuracy"]
    lines += [
        f"{QUESTIONS[table.question]}, against the cheapest rival: {_rival(table, reference)}" for table in leading
    ]
    lines += [f"{QUESTIONS[table.question]}, recommended: {_recommended(table)}" for table in leading]
    return tuple(lines)


def _size(matrix: Matrix) -> str:
    n, runs = len(matrix.domains), len(matrix.outcomes)
    if runs == 1:
        needed = critical_r(n) if n > 3 else None  # noqa: PLR2004 - no interval below four points
        weak = f" (|r| must reach {needed:.2f} to differ from 0)" if needed else ""
        return f"One run over {n} domains says little{weak}, and nothing about other models or training sets."
    models, sets = len(matrix.models), len(matrix.training_sets)
    plural = f"{models} model{'s' * (models > 1)} and {sets} training set{'s' * (sets > 1)}"
    return f"{runs} runs of {plural}, over the same {n} domains; more runs do not make more domains."


def _adds(row: AddedRow, table: AddedTable) -> str:
    """Whether one predictor adds to history, with the figures."""
    if row.partial_r is None:
        return f"{row.name} {_finding(row)}."
    figures = [f"partial r {_signed(row.partial_r)}{_interval(row.interval)}"]
    if row.p_permutation is not None:
        figures.append(f"permutation p {_p(row.p_permutation)}")
    if row.rmse_without is not None and row.rmse_with is not None:
        errors = f"{row.rmse_without:#.3g} {UNITS[table.measure]} without it and {row.rmse_with:#.3g} with"
        figures.append(f"error on held-out {table.held_out} {errors}")
    return f"{row.name} {_finding(row)} ({'; '.join(figures)})."


def _others(names: Sequence[str], table: AddedTable) -> str:
    """Which of the other columns pass the same tests, and how many would if none knew anything."""
    tried = [row for row in table.rows if row.standing == "ranked" and row.name not in names]
    if not tried:
        return ""
    passing = [row.name for row in tried if _finding(row).startswith(ADDS)]
    named = f": {', '.join(passing[:NAMED])}{', …' * (len(passing) > NAMED)}" if passing else ""
    count = f"{len(passing)} of {len(tried)} other predictor{'s' * (len(tried) > 1)}"
    return f" The same tests, which {ALPHA:.0%} of useless ones may pass, are passed by {count}{named}."


def _finding(row: AddedRow) -> str:
    """Whether one predictor adds to history, in a clause."""
    if row.partial_r is None:
        return f"cannot be judged ({row.undefined})"
    if not _excludes_zero(row.interval) or row.p_permutation is None or row.p_permutation >= ALPHA:
        return "adds nothing that these runs can show"
    if row.rmse_without is not None and row.rmse_with is not None and row.rmse_with >= row.rmse_without:
        return "goes with what history leaves, but does not lower the error on held-out runs"
    return ADDS if row.partial_r > 0 else f"{ADDS}, but against its direction"


def _by_logprob(names: Sequence[str], added: Sequence[AddedTable]) -> list[str]:
    """Where the finer measure gives another answer than accuracy."""
    by_accuracy = {(table.question, table.history): table for table in added if table.measure == "accuracy"}
    finer = [table for table in added if table.measure == "logprob"]
    other = [
        f"{QUESTIONS[table.question]}, beside {HISTORIES[table.history]}: {_adds(row, table)}"
        for table in finer
        for row in map(table.row, names)
        if _finding(row) != _finding(by_accuracy[table.question, table.history].row(row.name))
    ]
    if other:
        return [f"By log-probability it is otherwise. {' '.join(other)}"]
    return ["By log-probability these answers are the same."] if finer else []


def _rival(table: Table, reference: str) -> str:
    """The reference against the best of the rivals that need least of the model."""
    cheapest = cheapest_rival(table, reference)
    if cheapest is None or cheapest.from_reference is None or cheapest.cost is None:
        return "there is no rival whose cost is known."
    found = cheapest.from_reference
    passes = f"{cheapest.cost.passes:.0f} passes" if cheapest.cost.passes else "no pass over the model"
    against = f"{cheapest.name} ({passes}, r {_figure(cheapest.r)})"
    if found.difference is None or found.interval is None:
        return f"{reference} and {against} cannot be compared."
    # The record holds the rival minus the reference; the sentence is about the reference.
    low, high = -found.interval[1], -found.interval[0]
    figures = f"difference of r {_signed(-found.difference)}{_interval((low, high))}"
    doubt = found.p_williams is not None and found.p_williams >= ALPHA  # in one run both tests must agree
    if low > 0 and not doubt:
        return f"{reference} beats {against}: {figures}."
    if high < 0 and not doubt:
        return f"{reference} is beaten by {against}: {figures}."
    return f"{reference} cannot be told apart from {against}: {figures}."


def cheapest_rival(table: Table, reference: str) -> Row | None:
    """Of the ranked predictors outside STS that need the fewest passes, the one with the highest r."""
    rivals = [
        row
        for row in table.standing("ranked")
        if row.group != "sts" and row.name != reference and row.cost is not None and row.r is not None
    ]
    return min(rivals, key=lambda row: (*_passes(row), -(row.r or 0.0)), default=None)


def _recommended(table: Table) -> str:
    """The cheapest of the best, if it is shown to work, and history where that does as well."""
    history = table.row(table.best_history) if table.best_history else None
    foretells = history is not None and shown(history)
    best = [row for row in table.standing("ranked") if row.rank == 1]
    working = [row for row in best if shown(row)]
    if not working:
        if history is not None and foretells:
            return (
                f"{history.name} (r {_figure(history.r)}{_interval(history.bootstrap)}); no predictor is shown to work."
            )
        return "none; no predictor is shown to work."
    chosen = min(working, key=lambda row: (*_passes(row), row.cost.seconds if row.cost else 0.0))
    flags = f", needs {', '.join(chosen.flags)}" if chosen.flags else ""
    text = f"{chosen.name} (r {_figure(chosen.r)}{_interval(chosen.bootstrap)}{flags})"
    if len(best) > 1:
        text += f", the cheapest shown to work of {len(best)} that cannot be told from the best"
    if history is not None and foretells:
        against = chosen.from_history
        if against is None or against.interval is None or against.interval[0] <= 0:
            text += f"; where other runs are known, {history.name} (r {_figure(history.r)}) is not shown to be worse"
        else:
            text += f"; it beats {history.name} (r {_figure(history.r)})"
    return f"{text}."


def shown(row: Row) -> bool:
    """Whether a predictor is shown to go with what happened: every interval above 0, and p among all columns."""
    known = [interval for interval in (row.bootstrap, row.hksj) if interval is not None]
    if not known or any(low <= 0 for low, _ in known):
        return False
    return row.p_permutation is not None and row.p_permutation < ALPHA


def _passes(row: Row) -> tuple[float, float]:
    """Passes over the model, backward ones first; more than any where nothing was booked."""
    return (row.cost.backward_passes, row.cost.passes) if row.cost else (float("inf"), float("inf"))


def _excludes_zero(interval: Ends | None) -> bool:
    return interval is not None and not interval[0] <= 0 <= interval[1]


def _interval(interval: Ends | None) -> str:
    return f" [{_signed(interval[0])}, {_signed(interval[1])}]" if interval else ""


def _figure(value: float | None) -> str:
    return "undefined" if value is None else _signed(value)


def _signed(value: float) -> str:
    """Two decimals with a sign, and none before a zero."""
    return f"{round(value, 2) + 0.0:+.2f}"


def _p(value: float) -> str:
    return f"{value:.3f}" if value >= 0.001 else f"{value:.1g}"  # noqa: PLR2004 - three decimals would print 0
