"""Predicted against actual, over seeds or for one, and maps of all runs."""

import gradio as gr
import pandas as pd

from sts_leaderboard import asked as ask
from sts_leaderboard import maps, points
from sts_leaderboard import page as ui
from sts_leaderboard.badges import heading
from sts_leaderboard.board_cache import BoardCache
from sts_leaderboard.downloads import TABLE_FILES, save_buttons, table_file
from sts_leaderboard.run_selection import ALL, chosen_of, matching_runs, newest_runs
from sts_leaderboard.style import EMPTY_STORE, empty_figure
from sts_leaderboard.url_state import State

SCATTER = "predicted against actual"
MAPS = {
    "map of changes": (
        maps.changes_map,
        "What happened in every run and domain. Hover for figures; blue is up, red is down.",
    ),
    "map of prediction errors": (
        maps.errors_map,
        "Predicted minus actual. The line from score to points is fitted on the other models' runs (with one model, on "
        "its other runs), so no run is predicted by itself. Blue: predicted above actual.",
    ),
}

NEWEST = (
    " **These are the newest {count:,} of {there:,} runs.** Choose models, training sets or domains for others; the "
    "files below have all of them."
)

CONTROLS = {
    "predictor": ask.PREDICTOR,
    "question": ask.QUESTION,
    "measure": ask.MEASURE,
    "view": ui.Control(gr.Dropdown, "View", SCATTER, (SCATTER, *MAPS)),
    "origin": ask.ORIGIN,
    "evidence": ask.EVIDENCE,
    "model": ask.MODELS,
    "training_set": ask.TRAINING_SETS,
    "domain": ui.Control(
        gr.Dropdown,
        "Domains (one: that domain over all runs)",
        (),
        lambda board: sorted(map(str, board.points["domain"].unique())),
    ),
    "benchmark": ui.Control(gr.Dropdown, "Benchmarks", (), ui.distinct("benchmark")),
    "seed": ui.Control(
        gr.Dropdown,
        "Tuning seed",
        points.ALL_SEEDS,
        lambda board: [points.ALL_SEEDS, *map(str, sorted(map(int, board.seed_changes["seed"].unique())))],
        {"elem_id": "explore-seed"},
    ),
    "protocol": ui.Control(gr.Radio, "Domains", points.ALL, (points.ALL, points.EXTREMES)),
    "colour": ui.Control(gr.Radio, "Colour and symbol", "domain", ("domain", "model", "training set")),
}

DEFAULTS = ui.defaults_of(CONTROLS)


def build(cache: BoardCache) -> ui.Page:
    """The page, inside the tabs that are open."""
    with gr.Tab("Explore", id="explore") as tab:
        words = gr.Markdown(latex_delimiters=[])
        components = ui.make_row(CONTROLS, "predictor", "question", "measure")
        with gr.Accordion("Choose runs, domains, seeds; maps", open=False), gr.Column(elem_classes="controls"):
            components |= ui.make_row(CONTROLS, "view", "origin", "evidence")
            components |= ui.make_row(CONTROLS, "model", "training_set", "domain")
            components |= ui.make_row(CONTROLS, "benchmark", "seed")
            components |= ui.make_row(CONTROLS, "protocol", "colour")
        badge = gr.HTML()
        figure = gr.Plot(show_label=False, elem_id="explore-figure")
        with gr.Accordion("The same points as a table (select one to see its run)", open=False):
            table = gr.Dataframe(max_height=420, elem_id="points-table", **ui.UNLABELLED)

        def matching(state: State) -> pd.DataFrame:
            """The runs that are compared, or all that fit, where all evidence counts."""
            board = cache.tables()
            if state["evidence"] != ALL:
                return board.runs[board.runs["sha256"].isin(chosen_of(board, state).shas)]
            runs = matching_runs(board.runs, state)
            return runs[~runs["withdrawn"]]

        def selected(runs: pd.DataFrame, state: State) -> pd.DataFrame:
            board = cache.tables()
            kept = points.points_of(runs, board.points)
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
            saved = points.in_domains(selected(matching(state), state), state)
            return table_file(saved.drop(columns="home"), "points", kind)

        outputs = [badge, words, figure, table]
        page = ui.Page("explore", tab, CONTROLS, components, cache.tables, cache.remembered(show), outputs)
        ui.open_run_on_click(table)
        save_buttons(page, saved, TABLE_FILES)
    return page
