"""A comparison on the terminal: the answers first, then a table for every question."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid

from sts_eval.analysis.verdict import MEASURES, QUESTIONS, UNITS
from sts_eval.records.comparison import AddedRow, AddedTable, Comparison, Difference, Ends, Row, Table
from sts_eval.report.console import standard_output

LINES = 6
"""Ranked predictors that a table shows unless all are asked for."""


def print_comparison(comparison: Comparison, console: Console | None = None, *, everything: bool = False) -> None:
    """Print the verdict, what predictors add to history, and a ranking per question.

    Args:
        comparison: The record.
        console: Where to print; standard output if None.
        everything: Every row of every table, by both measures; otherwise the leading rows by accuracy.
    """
    console = console or standard_output()
    for warning in comparison.warnings:
        console.print(f"Warning: {warning}", style="yellow", markup=False, highlight=False)
    for line in comparison.verdict:
        console.print(f"• {line}", markup=False, highlight=False)
    for added in comparison.added:
        if everything or (added.measure == "accuracy" and added.history == comparison.added[0].history):
            console.print(added_grid(added, comparison.reference, None if everything else LINES))
    for table in comparison.tables:
        if everything or table.measure == "accuracy":
            console.print(question_grid(table, comparison.reference, None if everything else LINES))
            if everything:
                for note in table.notes:
                    console.print(note, style="dim", markup=False, highlight=False)
    console.print(
        f"Intervals are 95%: r over resampled runs and domains ({comparison.n_resamples} times). p is that of the "
        "largest |r| of all ranked (or all history) columns; s are seconds a run. * marks a difference whose interval "
        "excludes 0. "
        "Flags: L labels, G backward passes, P short training, O oracle (not ranked).",
        style="dim",
        highlight=False,
    )
    if not everything:
        console.print("--all prints every row, by log-probability too.", style="dim", highlight=False)


def question_grid(table: Table, reference: str, limit: int | None = None) -> Grid:
    """One question: ranked predictors, then history, then oracles.

    Args:
        table: The question's figures.
        reference: The predictor that others are compared with; always shown.
        limit: Ranked predictors and oracles to show at most; all if None.
    """
    grid = Grid(title=escape(title(table)), title_justify="left", box=box.SIMPLE, pad_edge=False, collapse_padding=True)
    headers = ["#", "predictor", "r", "95% interval", "p", f"− {reference}", "− history"]
    headers += ["AUROC"] if table.question == "which_way" else []
    for header in (*headers, "s", "flags"):
        left = header in ("predictor", "flags")
        grid.add_column(escape(header), justify="left" if left else "right", no_wrap=True)
    for standing in ("ranked", "history", "oracle"):
        rows = table.standing(standing)
        hidden = 0
        if limit is not None and standing != "history":
            kept = tuple(row for place, row in enumerate(rows) if place < limit or row.name == reference)
            hidden, rows = len(rows) - len(kept), kept
        for row in rows:
            cells = [
                str(row.rank) if row.rank else {"ranked": "–", "history": "", "oracle": "O"}[standing],
                name_cell(row, table),
                _short(figure(row.r)),
                _short(interval(row.bootstrap)),
                p_value(row.p_permutation),
                _short(difference(row.from_reference)),
                _short(difference(row.from_history)),
            ]
            cells += [unsigned(row.sign.auroc if row.sign else None)] if table.question == "which_way" else []
            cells += [f"{row.cost.seconds:.1f}" if row.cost else "–", "".join(row.flags)]
            grid.add_row(*map(escape, cells), style="bold" if row.name == reference else None)
        if hidden:
            grid.add_row("", f"… {hidden} more")
        if rows:
            grid.add_section()
    return grid


def added_grid(table: AddedTable, reference: str, limit: int | None = None) -> Grid:
    """The deciding table.

    Args:
        table: What predictors add to history.
        reference: The predictor that is always shown.
        limit: Predictors to show at most; all if None.
    """
    grid = Grid(
        title=escape(added_title(table)), title_justify="left", box=box.SIMPLE, pad_edge=False, collapse_padding=True
    )
    for header in (ADDED_HEADER[place] for place in SHOWN):
        grid.add_column(escape(header), justify="left" if header == "predictor" else "right", no_wrap=True)
    shown = [
        row
        for place, row in enumerate(table.rows)
        if limit is None or place < limit or row.name in (reference, "sts_icl", "sts_act")
    ]
    for row in shown:
        cells = added_cells(row)
        grid.add_row(*(escape(cells[place]) for place in SHOWN), style="bold" if row.name == reference else None)
    if len(shown) < len(table.rows):
        grid.add_row(f"… {len(table.rows) - len(shown)} more")
    return grid


ADDED_HEADER = (
    "predictor",
    "partial r",
    "95% interval",
    "p permutation",
    "p likelihood",
    "q",
    "error without",
    "error with",
)

SHOWN = (0, 1, 2, 3, 6, 7)
"""Columns of the deciding table that fit a terminal; likelihood ratios, which are bold here, are in the files."""


def added_cells(row: AddedRow) -> list[str]:
    """One row of the deciding table."""
    return [
        f"{row.name} (oracle)" if row.standing == "oracle" else row.name,
        figure(row.partial_r),
        interval(row.interval),
        p_value(row.p_permutation),
        p_value(row.p_likelihood),
        p_value(row.q_likelihood),
        error(row.rmse_without),
        error(row.rmse_with),
    ]


def added_title(table: AddedTable) -> str:
    """What a deciding table is about."""
    return (
        f"What predictors add to {table.history}: {QUESTIONS[table.question].lower()}, {MEASURES[table.measure]} "
        f"(errors in {UNITS[table.measure]}, {table.held_out} held out)"
    )


def title(table: Table) -> str:
    """What a table is about, over how much, and how high r could go."""
    runs = "run" if table.n_runs == 1 else "runs"
    ceiling = "unknown" if table.ceiling is None else f"{table.ceiling:.2f}"
    seeds = "" if table.between_seeds is None else f", r between seeds {table.between_seeds:.2f}"
    return (
        f"{QUESTIONS[table.question]} ({MEASURES[table.measure]}): {table.n_runs} {runs}, {table.n_points} points, "
        f"noise ceiling {ceiling}{seeds}"
    )


def by_runs(table: Table) -> str:
    """What the interval beside the bootstrap is called: one run has Fisher's."""
    return "Fisher" if table.n_runs == 1 else "HKSJ"


def name_cell(row: Row, table: Table) -> str:
    """A predictor's name, marked where it lacks runs or points that others have."""
    if row.n_runs < table.n_runs:
        return f"{row.name} ({row.n_runs} of {table.n_runs} runs)"
    return f"{row.name} ({row.n_points} of {table.n_points} points)" if row.n_points < table.n_points else row.name


def figure(value: float | None) -> str:
    """A correlation."""
    return "–" if value is None else f"{round(value, 2) + 0.0:+.2f}"


def unsigned(value: float | None) -> str:
    """A figure without a sign."""
    return "–" if value is None else f"{value:.2f}"


def interval(ends: Ends | None) -> str:
    """Both ends of an interval."""
    return f"[{figure(ends[0])}, {figure(ends[1])}]" if ends else "–"


def error(value: float | None) -> str:
    """An error in points or nats, three figures."""
    return "–" if value is None else f"{value:#.3g}".rstrip(".")


def p_value(value: float | None) -> str:
    """A p with three decimals, or its order where that would print 0."""
    return "–" if value is None else f"{value:.3f}" if value >= 0.001 else f"{value:.0e}"  # noqa: PLR2004 - as said


def difference(found: Difference | None) -> str:
    """A difference of r, with a star where its interval excludes 0."""
    if found is None or found.difference is None:
        return "–"
    clear = found.interval is not None and not found.interval[0] <= 0 <= found.interval[1]
    return f"{figure(found.difference)}{'*' if clear else ' '}"


def _short(cell: str) -> str:
    """Correlations without the zero before the point, so that a table fits a terminal."""
    return cell.replace("+0.", "+.").replace("-0.", "-.")
