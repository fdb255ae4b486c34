"""Predicted against actual, over seeds or for one, and maps of all runs."""

import gradio as gr
import pandas as pd

from sts_leaderboard.badges import heading
from sts_leaderboard.board_cache import BoardCache
from sts_leaderboard.downloads import TABLE_FILES, save_buttons, table_file
from sts_leaderboard.page import (
    MODELS,
    ORIGIN,
    PREDICTOR,
    TRAINING_SETS,
    Contents,
    Control,
    Page,
    defaults_of,
    distinct,
    make_row,
    open_run_on_click,
)
from sts_leaderboard.points import (
    ALL,
    ALL_SEEDS,
    EXTREMES,
    MEASURES,
    SIGNED,
    SIZE,
    changes_map,
    errors_map,
    of_seed,
    points_of,
    points_table,
    scatter,
    summary_text,
)
from sts_leaderboard.run_selection import matching_runs, newest_runs
from sts_leaderboard.style import EMPTY_STORE, empty_figure
from sts_leaderboard.url_state import State

SCATTER = "predicted against actual"
MAPS = {
    "map of changes": (
        changes_map,
        "What happened in every run and domain. Hover for figures; blue is up, red is down.",
    ),
    "map of prediction errors": (
        errors_map,
        "Predicted minus actual. The line from score to points is fitted on the other models' runs (with one model, on "
        "its other runs), so no run is predicted by itself. Blue: predicted above actual.",
    ),
}

NEWEST = (
    " **These are the newest {count:,} of {there:,} runs.** Choose models, training sets or domains for others; the "
    "files below have all of them."
)

CONTROLS = {
    "view": Control(gr.Dropdown, "View", SCATTER, (SCATTER, *MAPS)),
    "origin": ORIGIN,
    "predictor": PREDICTOR,
    "model": MODELS,
    "training_set": TRAINING_SETS,
    "domain": Control(
        gr.Dropdown,
        "Domains (one: that domain over all runs)",
        (),
        lambda board: sorted(map(str, board.points["domain"].unique())),
    ),
    "benchmark": Control(gr.Dropdown, "Benchmarks (all if empty)", (), distinct("benchmark")),
    "seed": Control(
        gr.Dropdown,
        "Tuning seed",
        ALL_SEEDS,
        lambda board: [ALL_SEEDS, *map(str, sorted(map(int, board.seed_changes["seed"].unique())))],
        {"elem_id": "explore-seed"},
    ),
    "measure": Control(gr.Radio, "Measured by", "accuracy", tuple(MEASURES)),
    "sign": Control(gr.Radio, "Change", SIGNED, (SIGNED, SIZE)),
    "protocol": Control(gr.Radio, "Domains", ALL, (ALL, EXTREMES)),
    "colour": Control(gr.Radio, "Colour", "domain", ("domain", "model", "training set")),
}

DEFAULTS = defaults_of(CONTROLS)


def build(cache: BoardCache) -> Page:
    """The page, inside the tabs that are open."""
    with gr.Tab("Explore", id="explore") as tab:
        with gr.Column(elem_classes="controls"):
            components = make_row(CONTROLS, "view", "predictor", "origin")
            components |= make_row(CONTROLS, "model", "training_set", "domain")
            components |= make_row(CONTROLS, "benchmark", "seed", "measure")
            components |= make_row(CONTROLS, "sign", "protocol", "colour")
        badge = gr.HTML()
        words = gr.Markdown(latex_delimiters=[])
        figure = gr.Plot(show_label=False, elem_id="explore-figure")
        with gr.Accordion("The same points as a table (select one to see its run)", open=False):
            table = gr.Dataframe(show_label=False, interactive=False, max_height=420, elem_id="points-table")

        def matching(state: State) -> pd.DataFrame:
            runs = matching_runs(cache.tables().runs, state)
            return runs[~runs["withdrawn"]]

        def points(runs: pd.DataFrame, state: State) -> pd.DataFrame:
            board = cache.tables()
            kept = points_of(runs, board.points, state["domain"])
            return kept if state["seed"] == ALL_SEEDS else of_seed(kept, board.seed_changes, int(state["seed"]))

        def show(state: State) -> Contents:
            fitting = matching(state)
            runs = newest_runs(fitting, state["domain"])
            kept = points(runs, state)
            draw, sentence = MAPS.get(state["view"], (scatter, ""))
            if kept.empty or not sentence:
                sentence = summary_text(kept, state)
            drawn = draw(kept, state)
            if not len(cache.tables()):
                drawn, sentence = empty_figure("The store is empty."), EMPTY_STORE
            elif not kept.empty:
                sentence += " Click a point for its run."
            if len(runs) < len(fitting):
                sentence += NEWEST.format(count=len(runs), there=len(fitting))
            return {
                badge: heading(state["origin"], kept["sha256"].nunique()),
                words: sentence,
                figure: drawn,
                table: points_table(kept, state),
            }

        def saved(kind: str, state: State) -> tuple[bytes, str]:
            return table_file(points(matching(state), state), "points", kind)

        outputs = [badge, words, figure, table]
        page = Page("explore", tab, CONTROLS, components, cache.tables, show, outputs)
        open_run_on_click(table)
        save_buttons(page, saved, TABLE_FILES)
    return page
