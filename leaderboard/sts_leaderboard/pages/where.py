"""Where a predictor works: its correlation by model, by training set and by domain, side by side."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import gradio as gr
import pandas as pd

from sts_eval.analysis import breakdown, wording
from sts_eval.analysis.breakdown import Part
from sts_eval.errors import UserError
from sts_eval.store.board import Board
from sts_eval.store.scored import scored
from sts_leaderboard import asked as ask
from sts_leaderboard import page as ui
from sts_leaderboard.board_cache import RESAMPLES, BoardCache
from sts_leaderboard.cells import figure_table, number, r_cell
from sts_leaderboard.downloads import TABLE_FILES, save_buttons, table_file
from sts_leaderboard.escaping import markdown
from sts_leaderboard.pages import explore
from sts_leaderboard.points import estimate
from sts_leaderboard.run_selection import chosen_of
from sts_leaderboard.url_state import State, to_query

CONTROLS = {
    "predictor": ask.PREDICTOR,
    "question": ask.QUESTION,
    "measure": ask.MEASURE,
    "origin": ask.ORIGIN,
    "benchmark": ask.BENCHMARK,
    "evidence": ask.EVIDENCE,
}

DEFAULTS = ui.defaults_of(CONTROLS)

PARTS = {
    "model": (breakdown.by_model, "By model"),
    "training_set": (breakdown.by_training_set, "By training set"),
    "domain": (breakdown.by_domain, "By domain"),
}

MEANING = (
    "By model and by training set, r asks which **domains** of a run change more, and runs are pooled. By domain it "
    "asks another question: in which **runs** this domain changes more, with each score in standard deviations of its "
    "run's domains. Runs that share a model or a set say less than so many independent ones. Bars: 95% intervals from "
    "-1 to +1; with three models or sets they are rough. Select a row to see its points."
)

NO_RUN = "No {} run can be compared here. Count **all runs** as evidence, or choose another origin."


def build(cache: BoardCache) -> ui.Page:
    """The page, inside the tabs that are open."""
    with gr.Tab("Where", id="where") as tab:
        headline = gr.Markdown(latex_delimiters=[], elem_id="where-r")
        components = ui.make_row(CONTROLS, "predictor", "question", "measure")
        with gr.Accordion("Choose runs", open=False):
            components |= ui.make_row(CONTROLS, "origin", "benchmark", "evidence")
        tables = {}
        with gr.Row(elem_classes="parts"):
            for kind, (_, label) in PARTS.items():
                with gr.Column(min_width=330):
                    tables[kind] = gr.Dataframe(
                        parts_table(kind, ()), label=label, interactive=False, max_height=760, elem_id=f"where-{kind}"
                    )
        gr.Markdown(MEANING, elem_classes="small", latex_delimiters=[])

        def show(state: State) -> ui.Contents:
            board = cache.tables()
            chosen = chosen_of(board, state)
            empty = {table: parts_table(kind, ()) for kind, table in tables.items()}
            if not chosen.shas:
                return empty | {headline: NO_RUN.format(state["origin"])}
            try:
                whole, each = parts_of(board, state)
            except UserError as error:
                return empty | {headline: f"{markdown(str(error))}."}
            world = "the lab" if board.runs.loc[chosen.shas[0], "lab"] else "real models"
            return {
                headline: f"**{markdown(state['predictor'])}: r {estimate(whole)}** over {whole.n_runs:,} runs of "
                f"{world}: {markdown(state['question'].lower())}.",
                **{table: parts_table(kind, each[kind]) for kind, table in tables.items()},
            }

        def saved(kind: str, state: State) -> tuple[bytes, str]:
            rows = [
                {"by": by, **one._asdict(), "interval": wording.interval(one.interval)}
                for by, found in parts_of(cache.tables(), state)[1].items()
                for one in found
            ]
            return table_file(pd.DataFrame(rows), "where", kind)

        page = ui.Page(
            "where", tab, CONTROLS, components, cache.tables, cache.remembered(show), [headline, *tables.values()]
        )
        for kind, table in tables.items():
            ui.explore_on_click(table, page, partial(explore_address, kind))
        save_buttons(page, saved, TABLE_FILES)
    return page


def parts_of(board: Board, state: State) -> tuple[Part, dict[str, tuple[Part, ...]]]:
    """The predictor's correlation over all runs that are compared, and by what is in the three tables.

    Raises:
        UserError: No run has the predictor.
    """
    found = scored(board, chosen_of(board, state).shas, state["predictor"], *ask.asked(state))
    each = {kind: make(found, n_resamples=RESAMPLES) for kind, (make, _) in PARTS.items()}
    return breakdown.overall(found, n_resamples=RESAMPLES), each


def explore_address(kind: str, name: str, state: State) -> str:
    """The address of Explore for one part of what is shown."""
    benchmarks = (state["benchmark"],) if state["benchmark"] else ()
    return to_query("explore", {**state, "benchmark": benchmarks, kind: (name,)}, explore.DEFAULTS)


def parts_table(kind: str, parts: Sequence[Part]) -> dict[str, Any]:
    """One of the tables: r with its interval, and over how many runs."""
    columns = {
        kind.replace("_", " "): lambda part: part.name,
        "r, 95%": lambda part: r_cell(part.r, part.interval),
        "runs": lambda part: number(part.n_runs, str(part.n_runs)),
    }
    if any(part.undefined for part in parts):
        columns["why not"] = lambda part: part.undefined
    return figure_table(parts, columns)
