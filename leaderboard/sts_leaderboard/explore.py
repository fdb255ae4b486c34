"""Predicted against actual, over seeds or for one, and maps of all runs."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pandas as pd

from sts_leaderboard import downloads
from sts_leaderboard.badges import ORIGINS, heading
from sts_leaderboard.clicking import FIGURE
from sts_leaderboard.links import State
from sts_leaderboard.page import Page, hidden_address, save_buttons
from sts_leaderboard.shelf import Shelf
from sts_leaderboard.views import exploring, maps
from sts_leaderboard.views.exploring import Dials
from sts_leaderboard.views.look import EMPTY_STORE, empty

SIGNED, SIZE = "signed change", "size of the change"

ALL, PAPER = "all domains", "the paper's 4+4"

ALL_SEEDS = "all seeds (mean)"

TO_RUN = "Click a point for its run."

NEWEST = (
    "**These are the newest {count:,} of {there:,} runs.** Choose models, training sets or domains for others; the "
    "files below have all of them."
)

DEFAULTS: State = {
    "view": exploring.VIEWS[0],
    "origin": "measured",
    "predictor": "sts_icl",
    "model": (),
    "training_set": (),
    "domain": (),
    "benchmark": (),
    "seed": ALL_SEEDS,
    "measure": "accuracy",
    "sign": SIGNED,
    "protocol": ALL,
    "colour": "domain",
}


def build(shelf: Shelf) -> Page:
    """The page, inside the tabs that are open."""
    with gr.Tab("Explore", id="explore") as tab:
        controls = _controls()
        badge = gr.HTML()
        words = gr.Markdown(latex_delimiters=[])
        figure = gr.Plot(show_label=False, elem_id=FIGURE)
        with gr.Accordion("The same points as a table (select one to see its run)", open=False):
            table = gr.Dataframe(show_label=False, interactive=False, max_height=420, elem_id="points-table")
        address = hidden_address()

        def fitting(state: State) -> pd.DataFrame:
            models, sets, benchmarks = (_several(state, name) for name in ("model", "training_set", "benchmark"))
            return exploring.fitting(
                shelf.board().runs,
                origin=str(state["origin"]),
                models=models,
                training_sets=sets,
                benchmarks=benchmarks,
            )

        def points(state: State, runs: pd.DataFrame) -> pd.DataFrame:
            board, alone = shelf.board(), seed_of(state)
            kept = exploring.points_of(runs, board.points, _several(state, "domain"))
            return kept if alone is None else exploring.of_seed(kept, board.seed_changes, alone)

        def show(state: State) -> tuple[Any, ...]:
            fit = fitting(state)
            runs = exploring.newest(fit, _several(state, "domain"))
            kept, dials = points(state, runs), _dials(state)
            if state["view"] == exploring.VIEWS[1]:
                drawn = maps.changes_map(kept, dials)
                said = f"What happened in every run and domain. Hover for figures; blue is up, red is down. {TO_RUN}"
            elif state["view"] == exploring.VIEWS[2]:
                drawn = maps.errors_map(kept, dials)
                said = (
                    "Predicted minus actual. The line from score to points is fitted on the other models' runs (with "
                    "one model, on its other runs), so no run judges itself. Blue: more was predicted than came. "
                    + TO_RUN
                )
            else:
                drawn, said = exploring.scatter(kept, dials), f"{exploring.words(kept, dials)} {TO_RUN}"
            if kept.empty:
                said = exploring.words(kept, dials)
            if not len(shelf.board()):
                drawn, said = empty("The store is empty."), EMPTY_STORE
            if len(runs) < len(fit):
                said += f" {NEWEST.format(count=len(runs), there=len(fit))}"
            count = int(kept["sha256"].nunique())
            return heading(str(state["origin"]), count), said, drawn, exploring.as_table(kept, dials)

        def saved(kind: str, *values: Any) -> tuple[bytes, str]:
            state = page.state(values)
            return (downloads.csv if kind == "csv" else downloads.parquet)(
                points(state, fitting(state))
            ), f"points.{kind}"

        def offered() -> dict[str, list[str]]:
            board = shelf.board()
            return {
                "view": list(exploring.VIEWS),
                "origin": list(ORIGINS),
                "predictor": list(map(str, board.predictors.index)) or ["sts_icl"],
                "model": sorted(map(str, board.runs["model"].unique())),
                "training_set": sorted(map(str, board.runs["training_set"].unique())),
                "domain": sorted(map(str, board.points["domain"].unique())),
                "benchmark": sorted(map(str, board.runs["benchmark"].unique())),
                "seed": [ALL_SEEDS, *map(str, sorted(map(int, board.seed_changes["seed"].unique())))],
                "measure": list(exploring.MEASURES),
                "sign": [SIGNED, SIZE],
                "protocol": [ALL, PAPER],
                "colour": list(exploring.COLOURED),
            }

        page = Page("explore", tab, controls, DEFAULTS, show, [badge, words, figure, table], address, offered)
        save_buttons(saved, page.inputs, {"csv": "CSV", "parquet": "Parquet"})
    return page


def _controls() -> dict[str, gr.components.Component]:
    """What can be chosen, by its name in addresses."""
    with gr.Column(elem_classes="controls"):
        with gr.Row():
            view = gr.Dropdown(list(exploring.VIEWS), value=exploring.VIEWS[0], label="View")
            predictor = gr.Dropdown(["sts_icl"], value="sts_icl", label="Predictor")
            origin = gr.Radio(list(ORIGINS), value="measured", label="Origin (never mixed)")
        with gr.Row():
            model = gr.Dropdown([], multiselect=True, label="Models (all if empty)")
            training_set = gr.Dropdown([], multiselect=True, label="Training sets (all if empty)")
            domain = gr.Dropdown([], multiselect=True, label="Domains (one: that domain over all runs)")
        with gr.Row():
            benchmark = gr.Dropdown([], multiselect=True, label="Benchmarks (all if empty)")
            seed = gr.Dropdown([ALL_SEEDS], value=ALL_SEEDS, label="Tuning seed", elem_id="explore-seed")
            measure = gr.Radio(list(exploring.MEASURES), value="accuracy", label="Measured by")
        with gr.Row():
            sign = gr.Radio([SIGNED, SIZE], value=SIGNED, label="Change")
            protocol = gr.Radio([ALL, PAPER], value=ALL, label="Domains")
            colour = gr.Radio(list(exploring.COLOURED), value="domain", label="Colour")
    return {
        "view": view,
        "origin": origin,
        "predictor": predictor,
        "model": model,
        "training_set": training_set,
        "domain": domain,
        "benchmark": benchmark,
        "seed": seed,
        "measure": measure,
        "sign": sign,
        "protocol": protocol,
        "colour": colour,
    }


def _dials(state: State) -> Dials:
    return Dials(
        predictor=str(state["predictor"]),
        measure=str(state["measure"]),
        absolute=state["sign"] == SIZE,
        paper=state["protocol"] == PAPER,
        coloured=str(state["colour"]),
        seed=seed_of(state),
    )


def _several(state: State, name: str) -> tuple[str, ...]:
    value = state[name]
    return tuple(map(str, value)) if isinstance(value, tuple) else ()


def seed_of(state: State) -> int | None:
    """The tuning seed that is chosen; None for all."""
    word = str(state["seed"])
    return int(word) if word.removeprefix("-").isdecimal() else None
