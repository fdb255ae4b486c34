"""Predicted against actual, and maps of all runs."""

from __future__ import annotations

from typing import Any

import gradio as gr

from sts_leaderboard import downloads
from sts_leaderboard.badges import ORIGINS, heading
from sts_leaderboard.links import State
from sts_leaderboard.page import Page, hidden_address, save_buttons
from sts_leaderboard.shelf import Shelf
from sts_leaderboard.views import exploring
from sts_leaderboard.views.exploring import Dials

SIGNED, SIZE = "signed change", "size of the change"

ALL, PAPER = "all domains", "the paper's 4+4"

DEFAULTS: State = {
    "view": exploring.VIEWS[0],
    "origin": "measured",
    "predictor": "sts_icl",
    "model": (),
    "training_set": (),
    "domain": (),
    "measure": "accuracy",
    "sign": SIGNED,
    "protocol": ALL,
    "colour": "domain",
}


def build(shelf: Shelf) -> Page:
    """The page, inside the tabs that are open."""
    with gr.Tab("Explore", id="explore") as tab:
        with gr.Row():
            view = gr.Dropdown(list(exploring.VIEWS), value=exploring.VIEWS[0], label="View")
            predictor = gr.Dropdown(["sts_icl"], value="sts_icl", label="Predictor")
            origin = gr.Radio(list(ORIGINS), value="measured", label="Origin (never mixed)")
        with gr.Row():
            model = gr.Dropdown([], multiselect=True, label="Models (all if empty)")
            training_set = gr.Dropdown([], multiselect=True, label="Training sets (all if empty)")
            domain = gr.Dropdown([], multiselect=True, label="Domains (one: that domain over all runs)")
        with gr.Row():
            measure = gr.Radio(list(exploring.MEASURES), value="accuracy", label="Measured by")
            sign = gr.Radio([SIGNED, SIZE], value=SIGNED, label="Change")
            protocol = gr.Radio([ALL, PAPER], value=ALL, label="Domains")
            colour = gr.Radio(list(exploring.COLOURED), value="domain", label="Colour")
        badge = gr.HTML()
        words = gr.Markdown(latex_delimiters=[])
        figure = gr.Plot(show_label=False, elem_id="explore-figure")
        with gr.Accordion("The same points as a table (select one to see its run)", open=False):
            table = gr.Dataframe(show_label=False, interactive=False, max_height=420, elem_id="points-table")
        address = hidden_address()
        controls = {
            "view": view,
            "origin": origin,
            "predictor": predictor,
            "model": model,
            "training_set": training_set,
            "domain": domain,
            "measure": measure,
            "sign": sign,
            "protocol": protocol,
            "colour": colour,
        }

        def points(state: State) -> Any:
            board = shelf.board()
            models, sets, domains = (
                value if isinstance(value := state[name], tuple) else () for name in ("model", "training_set", "domain")
            )
            return exploring.selected(
                board.runs,
                board.points,
                origin=str(state["origin"]),
                models=models,
                training_sets=sets,
                domains=domains,
            )

        def show(state: State) -> tuple[Any, ...]:
            kept, dials = points(state), _dials(state)
            if state["view"] == exploring.VIEWS[1]:
                drawn = exploring.changes_map(kept, dials)
                said = "What happened in every run and domain. Hover for figures; blue is up, red is down."
            elif state["view"] == exploring.VIEWS[2]:
                drawn = exploring.errors_map(kept, dials)
                said = (
                    "Predicted minus actual. The line from score to points is fitted on the other models' runs (with "
                    "one model, on its other runs), so no run judges itself. Blue: more was predicted than came."
                )
            else:
                drawn, said = exploring.scatter(kept, dials), exploring.words(kept, dials)
            count = int(kept["sha256"].nunique())
            return heading(str(state["origin"]), count), said, drawn, exploring.as_table(kept, dials)

        def saved(kind: str, *values: Any) -> tuple[bytes, str]:
            return (downloads.csv if kind == "csv" else downloads.parquet)(points(page.state(values))), f"points.{kind}"

        def offered() -> dict[str, list[str]]:
            board = shelf.board()
            return {
                "view": list(exploring.VIEWS),
                "origin": list(ORIGINS),
                "predictor": list(map(str, board.columns.index)) or ["sts_icl"],
                "model": sorted(map(str, board.runs["model"].unique())),
                "training_set": sorted(map(str, board.runs["training_set"].unique())),
                "domain": sorted(map(str, board.points["domain"].unique())),
                "measure": list(exploring.MEASURES),
                "sign": [SIGNED, SIZE],
                "protocol": [ALL, PAPER],
                "colour": list(exploring.COLOURED),
            }

        page = Page("explore", tab, controls, DEFAULTS, show, [badge, words, figure, table], address, offered)
        save_buttons(saved, page.inputs, {"csv": "CSV", "parquet": "Parquet"})
    return page


def _dials(state: State) -> Dials:
    return Dials(
        predictor=str(state["predictor"]),
        measure=str(state["measure"]),
        absolute=state["sign"] == SIZE,
        paper=state["protocol"] == PAPER,
        coloured=str(state["colour"]),
    )
