"""What a comparison allows one to say, in sentences that follow its intervals.

The same figures always give the same sentences. That a predictor adds something is said only if the interval excludes
0, the permutation that knows of shared domains agrees, and the error on held-out runs falls. That one predictor beats
another is said only if the interval of their difference excludes 0. Everything else is "not shown", which is not
"shown not to be".
"""

from collections.abc import Mapping, Sequence

from sts_eval.analysis.aligned_runs import HOME, AlignedRuns
from sts_eval.analysis.wording import MEASURES, QUESTIONS, UNITS, counted, interval, p_value, signed
from sts_eval.records.comparison import AddedRow, AddedTable, Ends, Measure, Row, Table, excludes_zero
from sts_eval.statistics import critical_r

ALPHA = 0.05
ADDS = "adds to history"
NAMED = 5  # predictors that a sentence names at most

HISTORIES = {
    "history_all": "beyond the domain's history in all other runs",
    "history_same_set": "beyond its history in other models on the same set",
}

STS = ("sts_icl", "sts_act")  # scores of the paper, which the first answer is about, beside the reference


def verdict(
    runs: AlignedRuns,
    tables: Sequence[Table],
    added: Sequence[AddedTable],
    reference: str,
    effective: Mapping[Measure, float],
) -> tuple[str, ...]:
    """The answers: what STS adds to history, whether it beats the cheapest other predictor, and what to use.

    `effective` is the number of independent runs that would say as much, by measure.
    """
    lines = [_size(runs, effective)]
    if not added:
        lines.append("One run has no history, so what a predictor adds to history cannot be answered.")
    names = [name for name in dict.fromkeys((reference, *STS)) if name in runs.predictors]
    lines += _home(tables, names)
    for table in added:
        if table.measure == "accuracy":
            findings = " ".join(_adds(table.row(name), table) for name in names)
            lines.append(f"{_asked(table)}: {findings}{_others(names, table)}")
    lines += _by_logprob(names, added)
    leading = [table for table in tables if table.measure == "accuracy" and table.question != "how_much_debiased"]
    lines += [
        f"{QUESTIONS[table.question]}, against the cheapest other predictor: {_against_cheapest(table, reference)}"
        for table in leading
        if any(row.name == reference for row in table.rows)
    ]
    lines += [f"{QUESTIONS[table.question]}, recommended: {_recommended(table)}" for table in leading]
    return tuple(lines)


def _size(runs: AlignedRuns, effective: Mapping[Measure, float]) -> str:
    n = len(runs.domains)
    if len(runs.outcomes) == 1:
        needed = critical_r(n) if n > 3 else None  # noqa: PLR2004 - no interval below four points
        weak = f" (|r| must reach {needed:.2f} to differ from 0)" if needed else ""
        return f"One run over {n} domains says little{weak}, and nothing about other models or training sets."
    models, sets = counted(len(runs.models), "model"), counted(len(runs.training_sets), "training set")
    text = f"{len(runs.outcomes)} runs of {models} and {sets}, over the same {n} domains"
    if effective:
        known = ", ".join(f"{found:.1f} (by {MEASURES[measure]})" for measure, found in effective.items())
        text += f"; they resemble each other and say as much as {known} independent ones"
    return f"{text}. More runs do not make more domains."


def _home(tables: Sequence[Table], names: Sequence[str]) -> list[str]:
    """How far the plainest predictor goes, and what is left of STS without home domains."""
    asked = {(table.question, table.measure): table for table in tables}
    everywhere, away = (asked.get((question, "accuracy")) for question in ("which_way", "which_way_away"))
    if everywhere is None or away is None:
        return []
    row = everywhere.row("home_domain")
    best = next((row for row in away.standing("ranked") if row.r is not None), None)
    named = [row for name in names for row in away.rows if row.name == name]  # not a home domain as the reference
    shown_rows = named + ([best] if best and best not in named else [])
    figures = ", ".join(f"{one.name} {_with_interval(one.r, one.bootstrap)}" for one in shown_rows)
    return [
        f"Which way it changes: knowing only whether a domain is one that the training set is made for gives r "
        f"{_with_interval(row.r, row.bootstrap)}. With those domains left out: {figures}."
    ]


def _asked(table: AddedTable) -> str:
    text = f"{QUESTIONS[table.question]}, {HISTORIES[table.history]}"
    if table.n_history is None:
        return text
    by = "" if table.history_measure is None else f" by {MEASURES[table.history_measure]}"
    return f"{text} ({counted(table.n_history, 'noisy run')}{by})"


def _adds(row: AddedRow, table: AddedTable) -> str:
    """Whether one predictor adds to history, with the figures."""
    if row.partial_r is None:
        return f"{row.name} {_finding(row)}."
    figures = [f"partial r {_with_interval(row.partial_r, row.interval)}"]
    if row.p_permutation is not None:
        figures.append(f"permutation p {p_value(row.p_permutation)}")
    if row.rmse_without is not None and row.rmse_with is not None:
        errors = f"{row.rmse_without:#.3g} {UNITS[table.measure]} without it and {row.rmse_with:#.3g} with it"
        null = "" if row.rmse_plain is None else f"; history itself, no line fitted: {row.rmse_plain:#.3g}"
        figures.append(f"error on held-out {table.held_out} {errors}{null}")
    return f"{row.name} {_finding(row)} ({'; '.join(figures)})."


def _others(names: Sequence[str], table: AddedTable) -> str:
    """Which of the other predictors pass the same tests, and how many would if all were useless."""
    tried = [row for row in table.rows if row.standing == "ranked" and row.name not in names]
    if not tried:
        return ""
    passing = [row.name for row in tried if _finding(row).startswith(ADDS)]
    named = f": {', '.join(passing[:NAMED])}{', …' * (len(passing) > NAMED)}" if passing else ""
    others = counted(len(tried), "other predictor")
    return (
        f" {len(passing)} of {others} pass{'es' * (len(passing) == 1)} the same tests{named}. If all were useless, "
        f"up to {ALPHA:.0%} would pass."
    )


def _finding(row: AddedRow) -> str:
    """Whether one predictor adds to history, in a clause."""
    if row.partial_r is None:
        return f"cannot be judged ({row.undefined})"
    if not excludes_zero(row.interval) or row.p_permutation is None or row.p_permutation >= ALPHA:
        return "is not shown to add anything"
    nulls = [error for error in (row.rmse_plain, row.rmse_without) if error is not None]
    if nulls and row.rmse_with is not None and row.rmse_with >= min(nulls):
        return "correlates with what history leaves, but does not lower the error on held-out runs"
    return ADDS if row.partial_r > 0 else f"{ADDS}, but with the opposite sign"


def _by_logprob(names: Sequence[str], added: Sequence[AddedTable]) -> list[str]:
    """Where the finer measure gives another answer than accuracy."""
    by_accuracy = {(table.question, table.history): table for table in added if table.measure == "accuracy"}
    by_logprob = [table for table in added if table.measure == "logprob"]
    differing = [
        f"{_asked(table)}: {_adds(row, table)}"
        for table in by_logprob
        for row in map(table.row, names)
        if _finding(row) != _finding(by_accuracy[table.question, table.history].row(row.name))
    ]
    if differing:
        return [f"Measured by log-probability the answer differs. {' '.join(differing)}"]
    return ["Measured by log-probability these answers are the same."] if by_logprob else []


def _against_cheapest(table: Table, reference: str) -> str:
    """The reference against the best of those predictors beside STS that need the fewest passes over the model."""
    others = [row for row in table.standing("ranked") if row.group not in ("sts", HOME) and row.name != reference]
    known = [row for row in others if row.cost is not None and row.r is not None]
    cheapest = min(known, key=lambda row: (*_passes(row), -(row.r or 0.0)), default=None)
    if cheapest is None or cheapest.from_reference is None or cheapest.cost is None:
        return "there is no other predictor whose cost is known."
    found = cheapest.from_reference
    passes = f"{cheapest.cost.passes:.0f} passes" if cheapest.cost.passes else "no pass over the model"
    other = f"{cheapest.name} ({passes}, r {signed(cheapest.r)})"
    if found.difference is None or found.interval is None:
        return f"{reference} and {other} cannot be compared."
    # The record holds the other predictor minus the reference; the sentence is about the reference.
    low, high = -found.interval[1], -found.interval[0]
    figures = f"difference of r {_with_interval(-found.difference, (low, high))}"
    doubt = found.p_williams is not None and found.p_williams >= ALPHA  # in one run both tests must agree
    if low > 0 and not doubt:
        return f"{reference} beats {other}: {figures}."
    if high < 0 and not doubt:
        return f"{reference} is beaten by {other}: {figures}."
    return f"{reference} against {other} is inconclusive: {figures}."


def _recommended(table: Table) -> str:
    """The cheapest of the best, if it is shown to work, and history where that does as well."""
    histories = [row for row in table.standing("history") if row.name == table.best_history and shown(row)]
    history = histories[0] if histories else None
    best = [row for row in table.standing("ranked") if row.rank == 1]
    working = [row for row in best if shown(row)]
    if not working:
        none = f"no predictor is shown to work{_in_these_runs(table)}."
        if history is None:
            return f"none; {none}"
        return f"{history.name} (r {_with_interval(history.r, history.bootstrap)}); {none}"
    chosen = min(working, key=lambda row: (*_passes(row), row.cost.seconds if row.cost else 0.0))
    flags = f", needs {', '.join(chosen.flags)}" if chosen.flags else ""
    text = f"{chosen.name} (r {_with_interval(chosen.r, chosen.bootstrap)}{flags})"
    if len(best) > 1:
        text += f", the cheapest that is shown to work of {len(best)} that cannot be told from the best"
    if history is not None:
        against = chosen.from_history
        if against is None or against.interval is None or against.interval[0] <= 0:
            text += f"; where other runs are known, {history.name} (r {signed(history.r)}) is not shown to be worse"
        else:
            text += f"; it beats {history.name} (r {signed(history.r)})"
    return f"{text}."


def _in_these_runs(table: Table) -> str:
    """What permutations say of the best, where its interval does not allow a claim about new sets and models."""
    best = next((row for row in table.standing("ranked") if row.r is not None), None)
    if best is None or best.p_permutation is None or best.p_permutation >= ALPHA or (best.r or 0) <= 0:
        return ""
    if table.n_runs == 1:
        return f"; {best.name} goes with the changes of this run (permutation p {p_value(best.p_permutation)})"
    return (
        f" for new models, sets and domains, whose interval holds 0; in these runs {best.name} does go with the "
        f"changes (permutation p {p_value(best.p_permutation)} among all predictors)"
    )


def shown(row: Row) -> bool:
    """Whether a predictor is shown to work: every interval above 0, and p among all predictors below 0.05.

    Where pairs of sets are asked about, the interval of what it says beyond other sets' predictions counts too.
    """
    about_sets = row.other_sets if row.pairs_right is not None else None
    known = [ends for ends in (row.bootstrap, row.hksj, about_sets and about_sets.interval) if ends]
    if not known or any(low <= 0 for low, _ in known):
        return False
    return row.p_permutation is not None and row.p_permutation < ALPHA


def _passes(row: Row) -> tuple[float, float]:
    """Passes over the model, backward ones first; more than any where none were recorded."""
    return (row.cost.backward_passes, row.cost.passes) if row.cost else (float("inf"), float("inf"))


def _with_interval(value: float | None, ends: Ends | None) -> str:
    return f"{signed(value)} {interval(ends)}" if ends else signed(value)
