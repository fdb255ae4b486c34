"""A comparison for people: the answers first, then a table for every question, on the terminal and as Markdown."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.table import Table as TextTable

from sts_eval.analysis.wording import MEASURES, QUESTIONS, UNITS, counted, interval, p_value, signed, unsigned
from sts_eval.records.comparison import AddedRow, AddedTable, Comparison, Difference, Row, Table, excludes_zero
from sts_eval.report.markdown import inline, pipe_table
from sts_eval.report.terminal import standard_output, text_table, warn

Known = TypeVar("Known")

LINES = 6  # ranked predictors that a table shows unless all are asked for


class Column(NamedTuple):
    """A column of a question's table."""

    name: str  # its head in a file
    cell: Callable[[Row], str]  # what it says of a predictor
    short: str = ""  # its head on a terminal, which is narrower; empty where it is left out there


def print_comparison(comparison: Comparison, console: Console | None = None, *, everything: bool = False) -> None:
    """Print the verdict, what predictors add to history, and a ranking per question.

    Only the leading rows of the tables by accuracy are printed unless everything is asked for.
    """
    console = console or standard_output()
    limit = None if everything else LINES
    for warning in comparison.warnings:
        warn(console, f"Warning: {warning}")
    for line in comparison.verdict:
        console.print(f"• {line}", markup=False, highlight=False)
    for added in comparison.added:
        if everything or (added.measure == "accuracy" and added.history == comparison.added[0].history):
            console.print(added_table(added, comparison.reference, limit))
    for table in comparison.tables:
        if everything or table.measure == "accuracy":
            console.print(question_table(table, comparison.reference, limit))
            if everything:
                for note in table.notes:
                    console.print(note, style="dim", markup=False, highlight=False)
    console.print(footnote(comparison), style="dim", markup=False, highlight=False)
    if not everything:
        console.print("--all prints every row, by log-probability too.", style="dim", highlight=False)


def question_table(table: Table, reference: str, limit: int | None = None, leading: Sequence[str] = ()) -> TextTable:
    """One question on a terminal: leading predictors, other ranked ones, history, oracles.

    Of the ranked ones and oracles at most `limit` are shown, beside the reference. Leading ones are in bold instead of
    the reference.
    """
    shown = [column for column in columns(table, reference) if column.short]
    header = [column.short for column in shown]
    grid = text_table(title(table), header, left=("predictor", "flags"), dense=True)
    groups = [([table.row(name) for name in leading], 0)]
    for standing in ("ranked", "history", "oracle"):
        rows = [row for row in table.standing(standing) if row.name not in leading]
        few = len(rows) if limit is None or standing == "history" else limit
        kept = [row for place, row in enumerate(rows) if place < few or row.name == reference]
        groups.append((kept, len(rows) - len(kept)))
    for rows, more in groups:
        for row in rows:
            bold = row.name in (leading or (reference,))
            grid.add_row(*(escape(_short(column.cell(row))) for column in shown), style="bold" if bold else None)
        if more:
            grid.add_row("", f"… {more} more")
        if rows:
            grid.add_section()
    return grid


def columns(table: Table, reference: str) -> list[Column]:
    """The columns of a question's table."""
    single = any(row.single for row in table.rows)
    found = [
        Column("rank", _rank, "#"),
        Column("predictor", lambda row: name_cell(row, table), "predictor"),
        Column("r", lambda row: signed(row.r), "r"),
        Column(by_runs(table), lambda row: interval(row.hksj)),
        Column("bootstrap", lambda row: interval(row.bootstrap), "95% interval"),
    ]
    if single:
        found += [
            Column("BCa", lambda row: _of(row.single, lambda one: interval(one.bootstrap))),
            Column("Spearman", lambda row: _of(row.single, lambda one: signed(one.spearman)), "Spearman"),
            Column("Kendall", lambda row: _of(row.single, lambda one: signed(one.kendall))),
            Column("R²", lambda row: _of(row.single, lambda one: unsigned(one.r2))),
            Column("r without one domain", lambda row: _of(row.single, lambda one: interval(one.leave_one_out))),
        ]
    else:
        found.append(Column("Spearman", lambda row: signed(row.spearman)))
    if single and table.question == "how_much":
        found.append(Column("4+4", lambda row: _of(row.single, lambda one: signed(one.extremes)), "4+4"))
    found.append(Column("p", lambda row: p_value(row.p_permutation), "p"))
    if single:
        found.append(Column("own p", lambda row: _of(row.single, lambda one: p_value(one.p_permutation)), "own p"))
    found += [
        Column(f"− {reference}", lambda row: difference(row.from_reference), f"− {reference}"),
        Column("its p", lambda row: _of(row.from_reference, lambda found: p_value(found.p))),
    ]
    if table.n_runs == 1:
        found.append(Column("Williams p", lambda row: _of(row.from_reference, lambda found: p_value(found.p_williams))))
    if table.best_history:
        found += [
            Column(f"− {table.best_history}", lambda row: difference(row.from_history), "− history"),
            Column("its p", lambda row: _of(row.from_history, lambda found: p_value(found.p))),
        ]
    if table.question == "which_way":
        short = "AUROC" if table.n_runs > 1 else ""
        found += [
            Column("AUROC", lambda row: _of(row.sign, lambda sign: unsigned(sign.auroc)), short),
            Column("MCC", lambda row: _of(row.sign, lambda sign: signed(sign.mcc))),
        ]
    return [
        *found,
        Column("seconds", lambda row: _of(row.cost, lambda cost: f"{cost.seconds:.1f}"), "s"),
        Column("passes", lambda row: _of(row.cost, lambda cost: f"{cost.passes:.0f}")),
        Column("backward passes", lambda row: _of(row.cost, lambda cost: f"{cost.backward_passes:.0f}")),
        Column("share of tuning", lambda row: _of(row.cost and row.cost.share_of_tuning, lambda share: f"{share:.1%}")),
        Column("flags", lambda row: "".join(row.flags), "flags"),
    ]


def markdown(comparison: Comparison) -> str:
    """Everything as Markdown: the verdict, then every row of every table."""
    lines = [f"# {counted(len(comparison.runs), 'run')} compared", ""]
    lines += [f"> **{inline(warning)}**\n" for warning in comparison.warnings]
    lines += [f"- {inline(line)}" for line in comparison.verdict]
    for added in comparison.added:
        lines += ["", f"## {inline(added_title(added))}"]
        cells = [added_cells(row) for row in added.rows]
        lines += pipe_table(list(cells[0]), [list(one.values()) for one in cells])
    for table in comparison.tables:
        lines += ["", f"## {inline(title(table))}", *question_lines(table, comparison.reference, table.rows)]
        lines += [inline(note) for note in table.notes]
    lines += ["", "## Runs", ""]
    lines += [
        f"- {inline(run.model)} on {inline(run.training_set)}{' (post hoc)' * run.post_hoc}" for run in comparison.runs
    ]
    return "\n".join([*lines, "", inline(footnote(comparison))]) + "\n"


def question_lines(table: Table, reference: str, rows: Sequence[Row]) -> list[str]:
    """One question's table in Markdown, all columns of the given rows."""
    shown = columns(table, reference)
    return pipe_table([column.name for column in shown], ([column.cell(row) for column in shown] for row in rows))


def footnote(comparison: Comparison) -> str:
    """What the columns of the tables are."""
    alone = len(comparison.runs) == 1
    other = "Fisher's and BCa of each predictor alone" if alone else "HKSJ over runs"
    own = "Own p is of each predictor alone. 4+4: r over the paper's four largest and four smallest changes. "
    return (
        f"Intervals are {comparison.level:.0%}: bootstrap over runs and domains ({comparison.n_resamples} resamples, "
        f"seed {comparison.seed}); in files also {other}. p is that of the largest |r| of all ranked predictors (or of "
        f"all histories). {own * alone}Predictors that share a rank (#) cannot be told apart. * marks a difference "
        "whose interval excludes 0. Flags: L labels, G backward passes, P short training, O oracle (not ranked). Cost: "
        "seconds (s) and passes a run; its share is of the time of tuning one seed."
    )


IN_FILES = ("p likelihood", "q")  # columns of what is added to history that are too small for a terminal


def added_table(table: AddedTable, reference: str, limit: int | None = None) -> TextTable:
    """What predictors add to history, on a terminal: at most `limit` of them, beside STS and the reference."""
    header = [head for head in added_cells(table.rows[0]) if head not in IN_FILES]
    grid = text_table(added_title(table), header, left=("predictor",), dense=True)
    few = len(table.rows) if limit is None else limit
    named = (reference, "sts_icl", "sts_act")
    shown = [row for place, row in enumerate(table.rows) if place < few or row.name in named]
    for row in shown:
        cells = added_cells(row)
        grid.add_row(*(escape(cells[head]) for head in header), style="bold" if row.name == reference else None)
    if len(shown) < len(table.rows):
        grid.add_row(f"… {len(table.rows) - len(shown)} more")
    return grid


def added_cells(row: AddedRow) -> dict[str, str]:
    """What one predictor adds to history, by column. Errors are in points or nats."""
    return {
        "predictor": f"{row.name} (oracle)" if row.standing == "oracle" else row.name,
        "partial r": signed(row.partial_r),
        "95% interval": interval(row.interval),
        "p permutation": p_value(row.p_permutation),
        "p likelihood": p_value(row.p_likelihood),
        "q": p_value(row.q_likelihood),
        "error without": _of(row.rmse_without, lambda error: f"{error:#.3g}".rstrip(".")),
        "error with": _of(row.rmse_with, lambda error: f"{error:#.3g}".rstrip(".")),
    }


def added_title(table: AddedTable) -> str:
    """What a table of added value is about."""
    return (
        f"What predictors add to {table.history}: {QUESTIONS[table.question].lower()}, {MEASURES[table.measure]} "
        f"(errors in {UNITS[table.measure]}, {table.held_out} held out)"
    )


def title(table: Table) -> str:
    """What a table is about, over how much, and how high r could go."""
    ceiling = "unknown" if table.ceiling is None else f"{table.ceiling:.2f}"
    seeds = "" if table.between_seeds is None else f", r between seeds {table.between_seeds:.2f}"
    return (
        f"{QUESTIONS[table.question]} ({MEASURES[table.measure]}): {counted(table.n_runs, 'run')}, {table.n_points} "
        f"points, noise ceiling {ceiling}{seeds}"
    )


def by_runs(table: Table) -> str:
    """What the interval beside the bootstrap is called: one run has Fisher's."""
    return "Fisher" if table.n_runs == 1 else "HKSJ"


def name_cell(row: Row, table: Table) -> str:
    """A predictor's name, marked where it lacks runs or points that others have."""
    if row.n_runs == 0:
        return f"{row.name} (undefined)"
    if row.n_runs < table.n_runs:
        return f"{row.name} ({row.n_runs} of {table.n_runs} runs)"
    return f"{row.name} ({row.n_points} of {table.n_points} points)" if row.n_points < table.n_points else row.name


def difference(found: Difference | None) -> str:
    """A difference of r, with a star where its interval excludes 0."""
    if found is None or found.difference is None:
        return "–"
    return f"{signed(found.difference)}{'*' * excludes_zero(found.interval)}"


def _rank(row: Row) -> str:
    return str(row.rank) if row.rank else {"ranked": "–", "history": "history", "oracle": "oracle"}[row.standing]


def _of(part: Known | None, cell: Callable[[Known], str]) -> str:
    """The cell of a part that not every predictor has."""
    return "–" if part is None else cell(part)


def _short(cell: str) -> str:
    """What fits a terminal: correlations without the zero before the point, a standing's first letter for its name."""
    return {"history": "H", "oracle": "O"}.get(cell, cell.replace("+0.", "+.").replace("-0.", "-."))
