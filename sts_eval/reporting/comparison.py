"""A comparison for people: the headline and the answers first, then the tables, on the terminal and as Markdown."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table as TextTable

from sts_eval.analysis.wording import MEASURES, QUESTIONS, UNITS, counted, interval, p_value, signed
from sts_eval.records.comparison import AddedRow, AddedTable, Comparison, Measure, Question, Table
from sts_eval.reporting import replication as replication_view
from sts_eval.reporting.markdown import inline, pipe_table
from sts_eval.reporting.question_columns import columns, pairs_cell, part, question_lines, title
from sts_eval.reporting.terminal import standard_output, text_table, warn

BEHIND: tuple[Question, ...] = ("which_way_away", "how_much_debiased")  # tables that only --all prints
HEADLINE: tuple[Question, ...] = ("which_way", "which_way_away", "which_set", "how_much")
LEADING = 2  # ranked predictors of the headline beside those in every one
# In every headline: similarity of words and of sentences, home domains, and STS.
ALWAYS = (
    *("tfidf_cosine", "embedding_cosine", "home_domain", "home_share"),
    *("sts_icl", "sts_icl_tuned", "sts_act", "sts_act_tuned"),
)
LINES = 6  # ranked predictors that a table shows unless all are asked for


def print_comparison(comparison: Comparison, console: Console | None = None, *, everything: bool = False) -> None:
    """Print the headline and the verdict, what predictors add to history, and a ranking per question.

    Only the leading rows of the tables by accuracy are printed unless everything is asked for.
    """
    console = console or standard_output()
    limit = None if everything else LINES
    for warning in comparison.warnings:
        warn(console, f"Warning: {warning}")
    header, rows = headline(comparison, "accuracy")
    short = [[_short(cell).replace(", ", ",") for cell in row] for row in rows]
    console.print(text_table("In short, by accuracy", header, short, left=("predictor",), fold=header, dense=True))
    for line in comparison.verdict:
        console.print(f"• {line}", markup=False, highlight=False)
    for added in comparison.added:
        if everything or (added.measure == "accuracy" and added.history == comparison.added[0].history):
            console.print(added_table(added, comparison.reference, limit))
    for table in comparison.tables:
        if everything or (table.measure == "accuracy" and table.question not in BEHIND):
            console.print(question_table(table, comparison.reference, limit))
            if everything:
                for note in table.notes:
                    console.print(note, style="dim", markup=False, highlight=False)
    two = ("question", "chosen (splits)")
    for name, replicated in replication_view.by_measure(comparison, everything=everything).items():
        header, rows = replication_view.cells(replicated)
        short = [[_short(cell) for cell in row] for row in rows]
        console.print(text_table(name, header, short, left=two, fold=two, dense=True))
    if comparison.replication:
        console.print(replication_view.footnote(comparison), style="dim", markup=False, highlight=False)
    console.print(footnote(comparison), style="dim", markup=False, highlight=False)
    if not everything:
        console.print("--all prints every row, by log-probability too.", style="dim", highlight=False)


def headline(comparison: Comparison, measure: Measure) -> tuple[list[str], list[list[str]]]:
    """Header and cells of the table that comes first: leading predictors, texts alone, home domains, STS, history.

    Which way with all domains, without home domains, over the same predictor made for other sets, and the size; a
    question that these runs cannot answer has no column.
    """
    tables = {question: table for question in HEADLINE if (table := comparison.table(question, measure)) is not None}
    first = tables["which_way"]
    leading = [row.name for row in first.standing("ranked") if row.name not in ALWAYS][:LEADING]
    names = [*leading, *(name for name in ALWAYS if any(row.name == name for row in first.rows))]
    names += [first.best_history] if first.best_history else []
    with_others = any(row.other_sets for row in first.rows)
    heads = {
        "which_way": "which way: r",
        "which_way_away": "home left out",
        "which_set": "better set found",
        "how_much": "size |Δ|: r",
    }
    header = ["predictor", *(heads[question] for question in tables if question != "which_set")]
    header += ["over other sets"] * with_others + [heads["which_set"]] * ("which_set" in tables)
    rows = []
    for name in names:
        by_question = {question: {row.name: row for row in table.rows}.get(name) for question, table in tables.items()}
        cells = [name]
        cells += [
            part(row, lambda one: f"{signed(one.r)} {interval(one.bootstrap)}")
            for question, row in by_question.items()
            if question != "which_set"
        ]
        own = by_question["which_way"]
        if with_others:
            cells.append(
                part(
                    own.other_sets if own else None,
                    lambda found: f"{signed(found.difference)} {interval(found.interval)}",
                )
            )
        if "which_set" in tables:
            set_row = by_question["which_set"]
            cells.append(part(set_row.pairs_right if set_row else None, pairs_cell))
        rows.append([cells[0], *(cell.replace(" –", "") for cell in cells[1:])])
    return header, rows


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


def markdown(comparison: Comparison) -> str:
    """Everything as Markdown: the verdict, then every row of every table."""
    lines = [f"# {counted(len(comparison.runs), 'run')} compared", ""]
    lines += [f"> **{inline(warning)}**\n" for warning in comparison.warnings]
    for measure in MEASURES:
        if comparison.table("which_way", measure) is not None:
            header, rows = headline(comparison, measure)
            lines += [f"In short, by {MEASURES[measure]}:", "", *pipe_table(header, rows), ""]
    lines += [f"- {inline(line)}" for line in comparison.verdict]
    for added in comparison.added:
        lines += ["", f"## {inline(added_title(added))}"]
        cells = [added_cells(row) for row in added.rows]
        lines += pipe_table(list(cells[0]), [list(one.values()) for one in cells])
    for table in comparison.tables:
        lines += ["", f"## {inline(title(table))}", *question_lines(table, comparison.reference, table.rows)]
        lines += [inline(note) for note in table.notes]
    for name, replicated in replication_view.by_measure(comparison).items():
        lines += ["", f"## {inline(name)}", *pipe_table(*replication_view.cells(replicated))]
    if comparison.replication:
        lines.append(inline(replication_view.footnote(comparison)))
    lines += ["", "## Runs", ""]
    lines += [
        f"- {inline(run.model)} on {inline(run.training_set)}{' (post hoc)' * run.post_hoc}" for run in comparison.runs
    ]
    return "\n".join([*lines, "", inline(footnote(comparison))]) + "\n"


def footnote(comparison: Comparison) -> str:
    """What the columns of the tables are."""
    alone = len(comparison.runs) == 1
    other = "Fisher's and BCa of each predictor alone" if alone else "HKSJ over runs"
    own = "Own p is of each predictor alone. "
    drawn = "domains" if alone else "models, training sets and domains"
    sets = (
        "Others: mean r of the same predictor, made for the model's other sets, with this set's changes; over other "
        "sets: r less that, which ranks predictors where sets are chosen. "
    )
    with_sets = any(row.other_sets for table in comparison.tables for row in table.rows)
    return (
        f"Intervals are {comparison.level:.0%}: bootstrap over {drawn} ({comparison.n_resamples} resamples, "
        f"seed {comparison.seed}); in files also {other}. p is that of the largest |r| of all ranked predictors (or of "
        f"all histories) in these runs. {own * alone}4+4: r over the paper's four largest and four smallest changes. "
        f"{sets * with_sets}Predictors that share a rank (#) cannot be told apart. * marks a difference whose interval "
        "excludes 0. Flags: L labels, G backward passes, P short training, O oracle (not ranked). Cost: seconds (s) "
        "and passes a run; its share is of the time of tuning one seed."
    )


def added_table(table: AddedTable, reference: str, limit: int | None = None) -> TextTable:
    """What predictors add to history, on a terminal: at most `limit` of them, beside STS and the reference."""
    header = list(added_cells(table.rows[0]))
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
        "error of history": part(row.rmse_plain, lambda error: f"{error:#.3g}".rstrip(".")),
        "line without": part(row.rmse_without, lambda error: f"{error:#.3g}".rstrip(".")),
        "line with": part(row.rmse_with, lambda error: f"{error:#.3g}".rstrip(".")),
    }


def added_title(table: AddedTable) -> str:
    """What a table of added value is about."""
    by = "" if table.history_measure in (None, table.measure) else f" by {MEASURES[table.history_measure]}"
    beside = "" if table.n_history is None else f" (mean of {counted(table.n_history, 'noisy run')}{by})"
    return (
        f"What predictors add to {table.history}{beside}: {QUESTIONS[table.question].lower()}, "
        f"{MEASURES[table.measure]} (errors in {UNITS[table.measure]}, {table.held_out} held out)"
    )


def _short(cell: str) -> str:
    """What fits a terminal: correlations without the zero before the point, a standing's first letter for its name."""
    return {"history": "H", "oracle": "O"}.get(cell, cell.replace("+0.", "+.").replace("-0.", "-."))
