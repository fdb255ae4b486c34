"""Predicted against actual, over seeds or for one, and maps of all runs."""

import gradio as gr
import pandas as pd

from sts_leaderboard import page as ui
from sts_leaderboard import points
from sts_leaderboard.badges import heading
from sts_leaderboard.board_cache import BoardCache
from sts_leaderboard.downloads import TABLE_FILES, save_buttons, table_file
from sts_leaderboard.run_selection import matching_runs, newest_runs
from sts_leaderboard.style import EMPTY_STORE, empty_figure
from sts_leaderboard.url_state import State

SCATTER = "predicted against actual"
MAPS = {
    "map of changes": (
        points.changes_map,
        "What happened in every run and domain. Hover for figures; blue is up, red is down.",
    ),
    "map of prediction errors": (
        points.errors_map,
        "Predicted minus actual. The line from score to points is fitted on the other models' runs (with one model, on "
        "its other runs), so no run is predicted by itself. Blue: predicted above actual.",
    ),
}

NEWEST = (
    " **These are the newest {count:,} of {there:,} runs.** Choose models, training sets or domains for others; the "
    "files below have all of them."
)

CONTROLS = {
    "view": ui.Control(gr.Dropdown, "View", SCATTER, (SCATTER, *MAPS)),
    "origin": ui.ORIGIN,
    "predictor": ui.PREDICTOR,
    "model": ui.MODELS,
    "training_set": ui.TRAINING_SETS,
    "domain": ui.Control(
        gr.Dropdown,
        "Domains (one: that domain over all runs)",
        (),
        lambda board: sorted(map(str, board.points["domain"].unique())),
    ),
    "benchmark": ui.Control(gr.Dropdown, "Benchmarks (all if empty)", (), ui.distinct("benchmark")),
    "seed": ui.Control(
        gr.Dropdown,
        "Tuning seed",
        points.ALL_SEEDS,
        lambda board: [points.ALL_SEEDS, *map(str, sorted(map(int, board.seed_changes["seed"].unique())))],
        {"elem_id": "explore-seed"},
    ),
    "measure": ui.Control(gr.Radio, "Measured by", "accuracy", tuple(points.MEASURES)),
    "sign": ui.Control(gr.Radio, "Change", points.SIGNED, (points.SIGNED, points.SIZE)),
    "protocol": ui.Control(gr.Radio, "Domains", points.ALL, (points.ALL, points.EXTREMES)),
    "colour": ui.Control(gr.Radio, "Colour", "domain", ("domain", "model", "training set")),
}

DEFAULTS = ui.defaults_of(CONTROLS)


def build(cache: BoardCache) -> ui.Page:
    """The page, inside the tabs that are open."""
    with gr.Tab("Explore", id="explore") as tab:
        with gr.Column(elem_classes="controls"):
            components = ui.make_row(CONTROLS, "view", "predictor", "origin")
            components |= ui.make_row(CONTROLS, "model", "training_set", "domain")
            components |= ui.make_row(CONTROLS, "benchmark", "seed", "measure")
            components |= ui.make_row(CONTROLS, "sign", "protocol", "colour")
        badge = gr.HTML()
        words = gr.Markdown(latex_delimiters=[])
        figure = gr.Plot(show_label=False, elem_id="explore-figure")
        with gr.Accordion("The same points as a table (select one to see its run)", open=False):
            table = gr.Dataframe(max_height=420, elem_id="points-table", **ui.UNLABELLED)

        def matching(state: State) -> pd.DataFrame:
            runs = matching_runs(cache.tables().runs, state)
            return runs[~runs["withdrawn"]]

        def selected(runs: pd.DataFrame, state: State) -> pd.DataFrame:
            board = cache.tables()
            kept = points.points_of(runs, board.points, state["domain"])
            if state["seed"] != points.ALL_SEEDS:
                kept = points.of_seed(kept, board.seed_changes, int(state["seed"]))
            return kept

        def show(state: State) -> ui.Contents:
            fitting = matching(state)
            runs = newest_runs(fitting, state["domain"])
            kept = selected(runs, state)
            draw, sentence = MAPS.get(state["view"], (points.scatter, ""))
            if kept.empty or not sentence:
                sentence = points.summary_text(kept, state)
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
                table: points.points_table(kept, state),
            }

        def saved(kind: str, state: State) -> tuple[bytes, str]:
            return table_file(selected(matching(state), state), "points", kind)

        outputs = [badge, words, figure, table]
        page = ui.Page("explore", tab, CONTROLS, components, cache.tables, cache.remembered(show), outputs)
        ui.open_run_on_click(table)
        save_buttons(page, saved, TABLE_FILES)
    return page
