"""One run and all its evidence."""

from __future__ import annotations

from typing import Any

import gradio as gr

from sts_eval.errors import UserError
from sts_leaderboard.badges import heading
from sts_leaderboard.links import State
from sts_leaderboard.page import Page, hidden_address, save_buttons
from sts_leaderboard.shelf import BEGINNING, Shelf
from sts_leaderboard.views import evidence, exploring, reproducing
from sts_leaderboard.views.exploring import Dials
from sts_leaderboard.views.look import EMPTY_STORE

DEFAULTS: State = {"run": "", "predictor": "sts_icl"}

ASK = "Select a run in the table under **Runs**, or give the first digits of its name above."

OUTPUTS = 13
"""What `show` gives."""


def build(shelf: Shelf) -> Page:
    """The page, inside the tabs that are open."""
    with gr.Tab("Run", id="run") as tab:
        with gr.Row():
            name = gr.Textbox(label="Run", placeholder="first digits of its hash", elem_id="run-name", max_length=64)
            predictor = gr.Dropdown(["sts_icl"], value="sts_icl", label="Predictor")
        ask = gr.Markdown(ASK)
        with gr.Column(visible=False) as whole:
            badge = gr.HTML()
            title = gr.Markdown(latex_delimiters=[], elem_id="run-title")
            warnings = gr.Markdown(latex_delimiters=[])
            words = gr.Markdown(latex_delimiters=[])
            figure = gr.Plot(show_label=False)
            points = gr.Dataframe(label="Domains", interactive=False, pinned_columns=1, max_height=560)
            gr.Markdown("#### What reproduces it")
            command = gr.Code(language="shell", interactive=False, show_label=False, lines=1, elem_id="run-command")
            with gr.Accordion("The experiment file", open=False, elem_id="run-file") as file:
                experiment = gr.Code(language="yaml", interactive=False, show_label=False, lines=3, max_lines=24)
            with gr.Accordion("Shifted features", open=False):
                features = gr.Dataframe(
                    show_label=False,
                    interactive=False,
                    datatype=["str", "str", "str", "str", "markdown"],
                    max_height=420,
                )
            with gr.Accordion("Settings and hashes", open=True):
                facts = gr.Dataframe(
                    show_label=False,
                    interactive=False,
                    wrap=True,
                    max_height=1200,
                    column_widths=["220px", "auto"],
                    elem_id="run-facts",
                )
        address = hidden_address()

        def show(state: State) -> tuple[Any, ...]:
            board = shelf.board()
            if not state["run"]:
                ask = gr.update(value=ASK if len(board) else EMPTY_STORE, visible=True)
                return (ask, gr.update(visible=False), *(gr.skip() for _ in range(OUTPUTS - 2)))
            sha256 = shelf.find(str(state["run"]))
            run = shelf.submission(sha256)
            row = {str(name): cell for name, cell in board.runs.loc[sha256].to_dict().items()}
            kept = exploring.points_of(board.runs.loc[[sha256]], board.points)
            dials = Dials(predictor=str(state["predictor"]))
            return (
                gr.update(visible=False),
                gr.update(visible=True),
                heading(run.origin, len(run.outcome.domains), "domain"),
                evidence.title(row),
                evidence.warnings(row),
                exploring.words(kept, dials),
                exploring.scatter(kept, dials),
                evidence.points(run),
                reproducing.command(run, sha256),
                gr.update(visible=run.origin == "measured"),
                reproducing.experiment_file(run, sha256) if run.origin == "measured" else "",
                evidence.features(run),
                evidence.facts(run, row),
            )

        def saved(kind: str, *values: Any) -> tuple[bytes, str]:
            sha256 = shelf.find(str(page.state(values)["run"]))
            if kind == "yaml":
                run = shelf.submission(sha256)
                if run.origin != "measured":
                    raise UserError("this run was not made by an experiment file", "Save its raw file")
                return reproducing.experiment_file(run, sha256).encode(), reproducing.file_name(sha256)
            return shelf.submission(sha256).canonical().encode(), f"{sha256[:BEGINNING]}.json"

        def offered() -> dict[str, list[str]]:
            return {"predictor": list(map(str, shelf.board().predictors.index)) or ["sts_icl"]}

        outputs = [ask, whole, badge, title, warnings, words, figure, points, command]
        outputs += [file, experiment, features, facts]
        controls = {"run": name, "predictor": predictor}
        page = Page("run", tab, controls, DEFAULTS, show, outputs, address, offered)
        save_buttons(saved, page.inputs, {"json": "Raw file (JSON)", "yaml": "Experiment file (YAML)"})
    return page
