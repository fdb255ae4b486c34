"""All runs: searched, filtered, a page of a hundred at a time."""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import gradio as gr
import pandas as pd

from sts_eval.store.board import Board
from sts_eval.store.scored import run_correlations
from sts_leaderboard import asked as ask
from sts_leaderboard import page as ui
from sts_leaderboard.badges import heading
from sts_leaderboard.board_cache import BEGINNING, BoardCache
from sts_leaderboard.cells import Figure, figure_table, number, r_cell
from sts_leaderboard.downloads import TABLE_FILES, save_buttons, table_file
from sts_leaderboard.escaping import markdown, plain
from sts_leaderboard.style import EMPTY_STORE
from sts_leaderboard.url_state import State

PAGE = 100  # Rows of a page.
UNKNOWN = "not stated"
UNITS = ((1_000_000_000, "B"), (1_000_000, "M"), (1000, "k"))

# From how many parameters.
SIZES = {"below 1B": 0, "1B to 3B": 1e9, "3B to 10B": 3e9, "10B to 40B": 10e9, "40B and more": 40e9}

# Column, and whether it rises.
ORDERS: Mapping[str, tuple[str, bool]] = {
    "newest first": ("accepted", False),
    "oldest first": ("accepted", True),
    "highest r": ("r", False),
    "lowest r": ("r", True),
    "model": ("model", True),
    "largest model": ("parameters", False),
}

SEARCH_HINT = "model, set, SAE, submitter, hash"
SEARCHED = ("model", "model_id", "training_set", "training_set_id", "sae_release", "submitter", "sha256")

Row = Mapping[Any, Any]  # A row of the table of runs.


def cell_text(cell: object) -> str:
    """A cell as text, `UNKNOWN` where it is missing."""
    return UNKNOWN if cell is None or pd.isna(cell) else plain(cell)  # type: ignore[call-overload]  # a cell is a scalar


def correlation(row: Row) -> Figure:
    """Pearson's r with its interval, in the columns `r`, `low` and `high`; a dash where it is not defined."""
    r, low, high = (row[name] for name in ("r", "low", "high"))
    return r_cell(None if pd.isna(r) else r, None if pd.isna(low) else (low, high))


def tier(row: Row) -> str:
    """How far a run was checked, and what else is known of it."""
    marks = {
        "pre-registered": row["pre_registered"],
        "post hoc": row["post_hoc"],
        "flagged": isinstance(row["flagged"], str),
        "withdrawn": row["withdrawn"],
        "duplicate": isinstance(row["duplicate_of"], str),
        "figures in doubt": bool(row["warnings"]),
        "not reproduced": isinstance(row["not_reproduced"], str),
    }
    return ", ".join([plain(row["tier"]).replace("_", "-"), *(name for name, holds in marks.items() if holds)])


def size(parameters: int | None) -> str:
    """Parameters, short."""
    if pd.isna(parameters):
        return UNKNOWN
    return next((f"{parameters / unit:.3g}{name}" for unit, name in UNITS if parameters >= unit), str(parameters))


# The cell of each column that can be shown.
COLUMNS: Mapping[str, Callable[[Row], object]] = {
    "model": lambda row: row["model"],
    "r": correlation,
    "training set": lambda row: row["training_set"],
    "tier": tier,
    "seeds": lambda row: number(row["n_seeds"], str(row["n_seeds"])),
    "domains": lambda row: number(row["n_domains"], str(row["n_domains"])),
    "SAE": lambda row: plain(row["sae_release"]) or UNKNOWN,
    "width": lambda row: UNKNOWN if pd.isna(row["d_sae"]) else number(row["d_sae"], f"{row['d_sae']:,}"),
    "layer": lambda row: UNKNOWN if pd.isna(row["layer"]) else number(row["layer"], str(row["layer"])),
    "family": lambda row: plain(row["family"]) or UNKNOWN,
    "size": lambda row: UNKNOWN if pd.isna(row["parameters"]) else number(row["parameters"], size(row["parameters"])),
    "benchmark": lambda row: row["benchmark"],
    "accepted, UTC": lambda row: plain(row["accepted"])[:16].replace("T", " "),
    "submitter": lambda row: row["submitter"],
}
USUAL = (*tuple(COLUMNS)[:3], "tier", "seeds", "domains", "SAE", "layer", "accepted, UTC")

# Column that each filter looks at; size and tier have filters of their own.
FILTERED = {
    "family": "family",
    "sae": "sae_release",
    "width": "d_sae",
    "layer": "layer",
    "training_set": "training_set",
}


def filter_by(name: str, label: str, **options: str) -> ui.Control:
    """A filter by the values of a column of the table of runs."""

    def choices(board: Board) -> list[str]:
        values = board.runs[FILTERED[name]]
        return [cell_text(one) for one in sorted(values.dropna().unique())] + [UNKNOWN] * bool(values.isna().any())

    return ui.Control(gr.Dropdown, label, (), choices, options)


CONTROLS = {
    "origin": dataclasses.replace(ask.ORIGIN, options={"scale": 2}),
    "search": ui.Control(gr.Textbox, "Search", "", None, {"placeholder": SEARCH_HINT, "scale": 3, "elem_id": "search"}),
    "predictor": ask.PREDICTOR,
    "question": ask.QUESTION,
    "measure": ask.MEASURE,
    "family": filter_by("family", "Family", elem_id="family"),
    "size": ui.Control(gr.Dropdown, "Size", (), (*SIZES, UNKNOWN)),
    "sae": filter_by("sae", "SAE release"),
    "width": filter_by("width", "SAE width"),
    "layer": filter_by("layer", "Layer"),
    "training_set": filter_by("training_set", "Training set"),
    "tier": ui.Control(gr.Dropdown, "Tier", (), ("self-reported", "recomputed", "rerun", "reproduced")),
    "complete": ui.Control(gr.Checkbox, "Only with all evidence", False),
    "withdrawn": ui.Control(gr.Checkbox, "Also those taken down", False),
    "columns": ui.Control(gr.Dropdown, "Columns", USUAL, tuple(COLUMNS)),
    "order": ui.Control(gr.Dropdown, "Order", "newest first", tuple(ORDERS)),
    "page": ui.Control(gr.Number, "Go to page", 1, None, {"minimum": 1, "precision": 0, "scale": 0, "min_width": 110}),
}

DEFAULTS = ui.defaults_of(CONTROLS)


def build(cache: BoardCache) -> ui.Page:
    """The page, inside the tabs that are open."""
    with gr.Tab("Runs", id="runs") as tab:
        badge = gr.HTML()
        asked = gr.Markdown(elem_classes="small", latex_delimiters=[])
        components = ui.make_row(CONTROLS, "search", "origin")
        with gr.Accordion("Tier, order, filters, what r is of", open=False, elem_id="filters"):
            components |= ui.make_row(CONTROLS, "tier", "order")
            components |= ui.make_row(CONTROLS, "predictor", "question", "measure")
            components |= ui.make_row(CONTROLS, "family", "size", "training_set")
            components |= ui.make_row(CONTROLS, "sae", "width", "layer")
            components |= ui.make_row(CONTROLS, "complete", "withdrawn")
            components["columns"] = CONTROLS["columns"].make()
        nothing = gr.Markdown(visible=False, elem_id="nothing")
        clear = gr.Button("Clear the filters", size="sm", visible=False, elem_id="clear")
        table = gr.Dataframe(
            label="Runs (select one to see its evidence)",
            interactive=False,
            pinned_columns=1,
            max_height=640,
            elem_id="runs-table",
            visible=False,
        )
        with gr.Row(elem_classes="pager"):
            components["page"] = CONTROLS["page"].make()
            position = gr.Markdown()

        def with_r(state: State) -> pd.DataFrame:
            board = cache.tables()
            return board.runs.join(run_correlations(board, state["predictor"], *ask.asked(state)))

        def show(state: State) -> ui.Contents:
            runs = with_r(state)
            found = matching(runs, state)
            rows, number, pages = page_of(ordered(found, state["order"]), state["page"])
            none = found.empty
            return {
                badge: heading(state["origin"], len(found)),
                nothing: gr.update(value=nothing_found(runs, state["origin"]) if none else "", visible=none),
                clear: gr.update(visible=none and not runs.empty),
                table: gr.update(value=runs_table(rows, state["columns"]), visible=not none),
                asked: f"r of **{markdown(state['predictor'])}**: {markdown(state['question'].lower())}, by "
                f"{state['measure']}.",
                position: f"Page {number:,} of {pages:,}, {PAGE} runs a page",
            }

        def saved(kind: str, state: State) -> tuple[bytes, str]:
            return table_file(matching(with_r(state), state).reset_index(drop=True), "runs", kind)

        outputs = [badge, asked, nothing, clear, table, position]
        page = ui.Page("runs", tab, CONTROLS, components, cache.tables, cache.remembered(show), outputs)
        cleared = [ui.component_value(value) for value in DEFAULTS.values()]
        page.after.append(clear.click(lambda: cleared, None, page.inputs, **ui.READING))
        ui.open_run_on_click(table, -1)
        save_buttons(page, saved, TABLE_FILES)
    return page


def matching(runs: pd.DataFrame, state: State) -> pd.DataFrame:
    """The runs of one origin that fit the filters of a state, in the order of the store; empty filters fit all.

    Words of `search` must all occur in names, submitter or hash. `complete` asks for prediction and transfer attached.
    """
    fits = runs["origin"] == state["origin"]
    if not state["withdrawn"]:
        fits &= ~runs["withdrawn"]
    if state["complete"]:
        fits &= runs["complete"]
    for name, column in FILTERED.items():
        if state[name]:
            fits &= runs[column].astype(object).map(cell_text).isin(state[name])
    if state["size"]:
        bounds = [*SIZES.values(), math.inf]
        sizes = pd.cut(runs["parameters"].astype("float64"), bounds, right=False, labels=list(SIZES))
        fits &= sizes.astype(object).fillna(UNKNOWN).isin(state["size"])
    if state["tier"]:
        fits &= runs["tier"].str.replace("_", "-").isin(state["tier"])
    found: pd.DataFrame = runs[fits]
    for word in state["search"].lower().split()[:8]:
        hit = pd.Series(False, index=found.index)
        for column in SEARCHED:
            hit |= found[column].astype(object).fillna("").str.lower().str.contains(word, regex=False)
        found = found[hit]
    return found


def ordered(runs: pd.DataFrame, order: str) -> pd.DataFrame:
    """Sorted; what has no value comes last."""
    column, rises = ORDERS[order]
    return runs.sort_values(column, ascending=rises, na_position="last", kind="stable")


def page_of(runs: pd.DataFrame, page: int) -> tuple[pd.DataFrame, int, int]:
    """One page, its number from 1, and how many there are; a page beyond the last is the last."""
    pages = max(1, math.ceil(len(runs) / PAGE))
    page = min(max(1, page), pages)
    return runs.iloc[(page - 1) * PAGE : page * PAGE], page, pages


def runs_table(runs: pd.DataFrame, columns: Sequence[str]) -> dict[str, Any]:
    """A page of runs, the run's short name last: at a glance a run is told by its model and set."""
    shown = {name: cell for name, cell in COLUMNS.items() if name in (columns or USUAL)}
    return figure_table(runs.to_dict("records"), {**shown, "run": lambda row: str(row["sha256"])[:BEGINNING]})


def nothing_found(runs: pd.DataFrame, origin: str) -> str:
    """What to do where no run matches."""
    here = int((runs["origin"] == origin).sum())
    if runs.empty:
        return EMPTY_STORE
    if here == 0:
        return f"There are no {origin} runs here. Choose another origin above."
    return f"No run matches. **Clear the filters** to see all {here:,} {origin} runs."
