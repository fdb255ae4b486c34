"""All runs: searched, filtered, a page of a hundred at a time."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

import gradio as gr

from sts_leaderboard import downloads
from sts_leaderboard.badges import ORIGINS, heading
from sts_leaderboard.links import State
from sts_leaderboard.page import READING, Page, hidden_address, save_buttons
from sts_leaderboard.shelf import Shelf
from sts_leaderboard.views import run_table
from sts_leaderboard.views.run_table import Filters

DEFAULTS: State = {
    **asdict(Filters()),
    "columns": run_table.USUAL,
    "order": "newest first",
    "page": 1,
}


def build(shelf: Shelf) -> Page:
    """The page, inside the tabs that are open."""
    with gr.Tab("Runs", id="runs") as tab:
        with gr.Row():
            search = gr.Textbox(
                label="Search", placeholder="model, training set, SAE, submitter, hash", scale=3, elem_id="search"
            )
            origin = gr.Radio(list(ORIGINS), value="measured", label="Origin (never mixed)", scale=2)
            order = gr.Dropdown(list(run_table.ORDERS), value="newest first", label="Order")
        with gr.Accordion("Filters and columns", open=False, elem_id="filters"):
            with gr.Row():
                family = gr.Dropdown([], multiselect=True, label="Family", elem_id="family")
                size = gr.Dropdown([], multiselect=True, label="Size")
                training_set = gr.Dropdown([], multiselect=True, label="Training set")
                tier = gr.Dropdown([], multiselect=True, label="Tier")
            with gr.Row():
                sae = gr.Dropdown([], multiselect=True, label="SAE release")
                width = gr.Dropdown([], multiselect=True, label="SAE width")
                layer = gr.Dropdown([], multiselect=True, label="Layer")
            with gr.Row():
                complete = gr.Checkbox(label="Only with all evidence")
                withdrawn = gr.Checkbox(label="Also those taken down")
            columns = gr.Dropdown(
                list(run_table.COLUMNS), value=list(run_table.USUAL), multiselect=True, label="Columns"
            )
        badge = gr.HTML()
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
            page_number = gr.Number(1, minimum=1, precision=0, label="Go to page", scale=0, min_width=110)
            position = gr.Markdown()
        address = hidden_address()
        controls = {
            "search": search,
            "origin": origin,
            "order": order,
            "family": family,
            "size": size,
            "training_set": training_set,
            "tier": tier,
            "sae": sae,
            "width": width,
            "layer": layer,
            "complete": complete,
            "withdrawn": withdrawn,
            "columns": columns,
            "page": page_number,
        }

        def show(state: State) -> tuple[Any, ...]:
            runs = shelf.board().runs
            wanted = _filters(state)
            found = run_table.ordered(run_table.matching(runs, wanted), str(state["order"]))
            number = state["page"] if isinstance(state["page"], int) else 1
            rows, number, pages = run_table.page_of(found, number)
            none = found.empty
            chosen = state["columns"] if isinstance(state["columns"], tuple) else run_table.USUAL
            return (
                heading(wanted.origin, len(found)),
                gr.update(value=run_table.nothing_found(runs, wanted) if none else "", visible=none),
                gr.update(visible=none and not runs.empty),
                gr.update(value=run_table.table(rows, chosen), visible=not none),
                f"Page {number:,} of {pages:,}, {run_table.PAGE} runs a page",
            )

        def saved(kind: str, *values: Any) -> tuple[bytes, str]:
            found = run_table.matching(shelf.board().runs, _filters(page.state(values)))
            return (downloads.csv if kind == "csv" else downloads.parquet)(found.reset_index(drop=True)), f"runs.{kind}"

        def offered() -> dict[str, list[str]]:
            known = run_table.choices(shelf.board().runs)
            return {
                **known,
                "origin": list(ORIGINS),
                "order": list(run_table.ORDERS),
                "columns": list(run_table.COLUMNS),
            }

        def cleared() -> list[Any]:
            return [list(value) if isinstance(value, tuple) else value for value in DEFAULTS.values()]

        outputs = [badge, nothing, clear, table, position]
        page = Page("runs", tab, controls, DEFAULTS, show, outputs, address, offered)
        page.after.append(clear.click(cleared, None, page.inputs, **READING))
        save_buttons(saved, page.inputs, {"csv": "CSV", "parquet": "Parquet"})
    return page


def _filters(state: State) -> Filters:
    return Filters(**{one.name: state[one.name] for one in fields(Filters)})  # type: ignore[arg-type]  # a state has the types of its defaults
