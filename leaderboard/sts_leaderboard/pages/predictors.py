"""Predictors ranked over chosen runs: which of them knows before training what fine-tuning will do to a domain."""

import io
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import gradio as gr
import pandas as pd
import plotly.graph_objects as go

from sts_eval.analysis import wording
from sts_eval.errors import UserError
from sts_eval.records.comparison import AddedTable, Comparison, Measure, Question, Row, Standing, Table
from sts_eval.reporting import comparison as text
from sts_eval.store.board import Board
from sts_leaderboard import page as ui
from sts_leaderboard.badges import heading
from sts_leaderboard.board_cache import BoardCache
from sts_leaderboard.downloads import TABLE_FILES, save_buttons, table_file
from sts_leaderboard.escaping import figure_text, markdown, plain, text_table
from sts_leaderboard.pages import explore
from sts_leaderboard.points import SIGNED, SIZE
from sts_leaderboard.run_selection import ALL, CHECKED, MOST_SAVED, Chosen, choose_runs
from sts_leaderboard.style import GREY, empty_figure, style_figure
from sts_leaderboard.url_state import State, to_query

# By what the page calls them.
QUESTIONS: dict[str, Question] = {name: key for key, name in wording.QUESTIONS.items() if not key.endswith("_away")}
QUESTIONS["Which way, home domains left out"] = "which_way_away"
QUESTIONS["… home domains left out"] = "which_set_away"
MEASURES: dict[str, Measure] = {name: key for key, name in wording.MEASURES.items()}

CONTROLS = {
    "origin": ui.ORIGIN,
    # Where no benchmark is chosen, the store's settings say which, or the one of most models and sets is taken.
    "benchmark": ui.Control(gr.Dropdown, "Benchmark", "", lambda board: ["", *ui.distinct("benchmark")(board)]),
    "question": ui.Control(gr.Dropdown, "Question", next(iter(QUESTIONS)), tuple(QUESTIONS), {"scale": 2}),
    "measure": ui.Control(gr.Radio, "Measured by", "accuracy", tuple(MEASURES)),
    "evidence": ui.Control(gr.Radio, "Evidence", CHECKED, (CHECKED, ALL)),
    "model": ui.MODELS,
    "training_set": ui.TRAINING_SETS,
}

DEFAULTS = ui.defaults_of(CONTROLS)

# Name and colour in the figure.
STANDINGS: dict[Standing, tuple[str, str]] = {
    "ranked": ("ranked", "#2f7fb8"),
    "history": ("history", "#c2752d"),
    "oracle": ("oracle, not ranked", "#8a8a8a"),
}

FLAGS = (
    "Predictors that share a rank cannot be told apart. p is that of the largest |r| among all ranked predictors. "
    "Flags: **L** looks at right answers, **G** backward passes, **P** a short training, **O** oracle: it has seen the "
    "tuned model and never ranks. Seconds and passes are per run. **\\*** a difference whose interval excludes 0."
)

WAITING = "All predictors are being compared over {}: about {} more. The table comes by itself."
NO_RUN = (
    "No {} run can be compared here. Clear the choice of models and training sets, count **all runs** under **Choose "
    "runs**, or hand one in under **Submit**."
)
RANKING = "Ranking (select a predictor to see its points)"
NOT_ALLOWED = "These runs do not allow this question: see the first lines below."
LONGEST = 3000  # Characters of a sentence of the verdict.
BLANK = pd.DataFrame(columns=["rank", "predictor", "r"])
NO_PLOT = empty_figure("")
NOTHING_ADDED = pd.DataFrame(columns=["predictor", "partial r"])
TICK = 1.0  # Seconds between two looks at whether a comparison is there.
DONE = gr.update(active=False)  # There is nothing to wait for.


def build(cache: BoardCache) -> ui.Page:
    """The page, inside the tabs that are open."""
    with gr.Tab("Predictors", id="predictors") as tab:
        gr.Markdown(
            "Which predictor knows, before any training, what fine-tuning will do to a domain?", elem_classes="lead"
        )
        components = ui.make_row(CONTROLS, "question", "measure", "origin")
        with gr.Accordion("Choose runs", open=False):
            components |= ui.make_row(CONTROLS, "benchmark", "evidence", "model", "training_set")
        badge = gr.HTML()
        headline = gr.Markdown(latex_delimiters=[])
        table = gr.Dataframe(BLANK, label=RANKING, interactive=False, pinned_columns=2, max_height=620)
        gr.Markdown(FLAGS, elem_classes="small", latex_delimiters=[])
        plot = gr.Plot(show_label=False)
        with gr.Accordion("In words", open=True):
            answers = gr.Markdown(latex_delimiters=[])
        with gr.Accordion("What predictors add to a domain's history", open=False):
            added_headline = gr.Markdown(latex_delimiters=[])
            added = gr.Dataframe(label="Added to history", interactive=False, max_height=500)
        notes = gr.Markdown(elem_classes="small", latex_delimiters=[])
        timer = gr.Timer(TICK, active=False)

        blank = {table: BLANK, plot: NO_PLOT, answers: "", added_headline: "", added: NOTHING_ADDED, timer: DONE}

        def show(state: State) -> ui.Contents:
            chosen = chosen_of(cache.tables(), state)
            shown = blank | {badge: heading(state["origin"], len(chosen.shas)), notes: "\n\n".join(chosen.notes)}
            if not chosen.shas:
                return shown | {headline: NO_RUN.format(state["origin"])}
            try:
                found = cache.comparisons.get(chosen.shas)
            except UserError as error:
                return shown | {headline: f"Not compared: {markdown(str(error))}"}
            if isinstance(found, float):
                counts = wording.counted(len(chosen.shas), "run"), wording.counted(max(1, round(found)), "second")
                return shown | {headline: WAITING.format(*counts), timer: gr.update(active=True)}
            return shown | compared(found, state)

        def compared(comparison: Comparison, state: State) -> ui.Contents:
            key = QUESTIONS[state["question"]], MEASURES[state["measure"]]
            found = comparison.table(*key)
            if found is None:
                return {headline: NOT_ALLOWED, answers: answers_text(comparison)}
            beyond = next((one for one in comparison.added if (one.question, one.measure) == key), None)
            return {
                headline: bold(text.title(found)),
                table: ranking_table(found, comparison.reference),
                plot: forest(found, comparison.reference),
                answers: answers_text(comparison),
                added_headline: bold(text.added_title(beyond)) if beyond else "These runs do not allow the question.",
                added: added_table(beyond) if beyond else NOTHING_ADDED,
            }

        def later(*values: Any) -> ui.Contents:
            """What the timer shows: only how long it takes, until everything is there."""
            try:
                shown = show(page.state(values))
            except OSError:  # a control that is used, or the page loaded anew, tells what is wrong
                return {timer: DONE}
            return shown if shown[timer] is DONE else {headline: shown[headline]}

        def explored(event: gr.SelectData, *values: Any) -> str:
            with ui.error_notices():
                known = ui.predictor_names(cache.tables())
            found = explore_address(ui.cell(event, 1), known, page.state(values))
            if not found:
                gr.Info("History is what happened to a domain in other runs: it has no scores of its own to explore.")
            return found

        outputs = [badge, headline, table, plot, answers, added_headline, added, notes, timer]
        page = ui.Page(
            "predictors",
            tab,
            CONTROLS,
            components,
            cache.tables,
            cache.remembered(show, lambda shown: shown[answers] != ""),
            outputs,
        )
        timer.tick(later, page.inputs, outputs, **{**ui.READING, "show_progress": "hidden"})
        address = ui.hidden_address()
        table.select(explored, page.inputs, address, **ui.READING).then(None, [address], None, js="visitExplore")
        save_buttons(page, partial(saved_file, cache), {**TABLE_FILES, "jsonl": "Runs (JSON lines)"})
    return page


def chosen_of(board: Board, state: State) -> Chosen:
    """The runs that are compared in a state."""
    return choose_runs(board.runs, state, board.pinned)


def explore_address(shown: str, known: list[str], state: State) -> str:
    """The address of Explore for a predictor and the runs of a ranking; empty where the predictor is not known.

    The ranking shows a predictor by its name, or by its name and what it lacks in brackets.
    """
    name = next((one for one in (shown, shown.rpartition(" (")[0]) if one in known), None)
    if name is None:
        return ""
    benchmarks = (state["benchmark"],) if state["benchmark"] else ()
    sign = SIZE if QUESTIONS[state["question"]].startswith("how_much") else SIGNED
    return to_query("explore", {**state, "predictor": name, "benchmark": benchmarks, "sign": sign}, explore.DEFAULTS)


def saved_file(cache: BoardCache, kind: str, state: State) -> tuple[bytes, str]:
    """Content and name of a file: the runs for `sts-eval compare`, or every figure of the comparison.

    Raises:
        UserError: The comparison is not there yet.
    """
    chosen = chosen_of(cache.tables(), state)
    if kind == "jsonl":
        lines = (run.outcome.canonical() + "\n" for run in cache.store.read_all(chosen.allowed[-MOST_SAVED:]))
        return "".join(lines).encode(), "runs.jsonl"
    from sts_eval.reporting.files import tidy  # imports matplotlib, which no other page needs

    found = cache.comparisons.get(chosen.shas) if chosen.shas else None
    if not isinstance(found, Comparison):
        raise UserError("there is no comparison yet", "Wait until the table is there")
    return table_file(pd.read_csv(io.StringIO(tidy(found))), "predictors", kind)


def ranking_table(found: Table, reference: str) -> pd.DataFrame:
    """Ranked predictors by rank and within it by r, then history, then oracles, as text."""
    columns: dict[str, Callable[[Row], object]] = {
        "rank": lambda row: row.rank or {"ranked": "–"}.get(row.standing, row.standing),
        "predictor": lambda row: text.name_cell(row, found),
        "r": lambda row: wording.signed(row.r),
        "95% bootstrap": lambda row: wording.interval(row.bootstrap),
        f"95% {text.by_runs(found)}": lambda row: wording.interval(row.hksj),
        "p": lambda row: wording.p_value(row.p_permutation),
        f"− {reference}": lambda row: text.difference(row.from_reference),
        "− history": lambda row: text.difference(row.from_history),
        "AUROC": lambda row: wording.unsigned(row.sign.auroc if row.sign else None),
        "runs": lambda row: row.n_runs,
        "seconds": lambda row: f"{row.cost.seconds:.1f}" if row.cost else "–",
        "passes": passes,
        "flags": lambda row: " ".join(row.flags),
        "what it is": lambda row: row.summary,
    }
    if found.question != "which_way":
        del columns["AUROC"]
    return text_table(by_rank(found.rows), columns)


def passes(row: Row) -> str:
    """Forward and backward passes of a run, short."""
    if row.cost is None:
        return "–"
    backward = f" + {row.cost.backward_passes:,.0f} back" if row.cost.backward_passes else ""
    return f"{row.cost.passes:,.0f}{backward}"


def by_rank(rows: Sequence[Row]) -> list[Row]:
    """Rows by rank, otherwise as they come: by r a predictor may stand between two that share a better rank."""
    return sorted(rows, key=lambda row: row.rank or len(rows) + 1)


def added_table(found: AddedTable) -> pd.DataFrame:
    """What predictors add to history, as text."""
    rows = [{head: plain(cell) for head, cell in text.added_cells(row).items()} for row in found.rows]
    return pd.DataFrame(rows, dtype=object)


def bold(sentence: str) -> str:
    """A title, as Markdown."""
    return f"**{markdown(sentence)}**"


def answers_text(comparison: Comparison) -> str:
    """Warnings and the verdict as Markdown."""
    lines = [f"- ⚠ {markdown(line, LONGEST)}" for line in comparison.warnings]
    return "\n".join([*lines, *(f"- {markdown(line, LONGEST)}" for line in comparison.verdict)])


def forest(found: Table, reference: str) -> go.Figure:
    """Every predictor's r: thick bars are the bootstrap over runs and domains, thin ones HKSJ (Fisher for one run)."""
    rows = [row for row in found.rows if row.r is not None][::-1]
    drawing = go.Figure()
    for standing, (label, colour) in STANDINGS.items():
        some = [row for row in rows if row.standing == standing]
        if not some:
            continue
        names = [figure_text(row.name) for row in some]
        for intervals, width, opacity in (
            ([row.hksj for row in some], 1.2, 1.0),
            ([row.bootstrap for row in some], 5, 0.4),
        ):
            known = [(name, ends) for name, ends in zip(names, intervals, strict=True) if ends]
            drawing.add_scatter(
                x=[x for _, ends in known for x in (*ends, None)],
                y=[y for name, _ in known for y in (name, name, None)],
                mode="lines",
                line={"color": colour, "width": width},
                opacity=opacity,
                hoverinfo="skip",
                showlegend=False,
            )
        drawing.add_scatter(
            x=[row.r for row in some],
            y=names,
            mode="markers",
            name=label,
            marker={
                "color": colour,
                "size": [13 if row.name == reference else 8 for row in some],
                "symbol": ["star" if row.name == reference else "circle" for row in some],
            },
            customdata=[[wording.interval(row.bootstrap), str(row.rank or "–"), row.n_points] for row in some],
            hovertemplate=(
                "%{y}<br>r %{x:+.2f} %{customdata[0]}<br>rank %{customdata[1]}, %{customdata[2]} points<extra></extra>"
            ),
        )
    if found.ceiling is not None and found.ceiling < 1:
        drawing.add_vrect(x0=found.ceiling, x1=1, fillcolor=GREY, opacity=0.18, line_width=0)
        drawing.add_annotation(
            x=1, y=1.0, yref="paper", yanchor="bottom", xanchor="right", showarrow=False, text="above the noise ceiling"
        )
    drawing.add_vline(x=0, line_color=GREY, line_width=1)
    drawing.update_xaxes(title="pooled r (95% intervals)", range=[-1, 1])
    drawing.update_yaxes(categoryorder="array", categoryarray=[figure_text(row.name) for row in rows])
    return style_figure(drawing, height=140 + 19 * len(rows))
