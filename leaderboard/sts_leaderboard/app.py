"""The pages put together, and how they are served."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Before gradio is imported, which reads it: nobody is to be counted.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"

import gradio as gr

from sts_eval.errors import UserError
from sts_eval.store.store import Store
from sts_eval.submission.read_json import MOST_BYTES
from sts_leaderboard import about, api, explore, predictors, queue, run_page, runs, submit
from sts_leaderboard.clicking import EXPLORE, HEAD, VISIT, explored, first_cell, predictor_cell
from sts_leaderboard.page import READING, Page, addressed, answered, hidden_address, opened_tab
from sts_leaderboard.shelf import Shelf
from sts_leaderboard.styling import STYLE, THEME
from sts_leaderboard.views import ranking
from sts_leaderboard.views.look import EMPTY_STORE
from sts_leaderboard.writing import quota_of

SEEDS = Path(__file__).parent / "seeds"
"""The seeded store, and comparisons made of it."""

TITLE = "STS leaderboard"


def build(store: Store, *, allow_writes: bool = False) -> gr.Blocks:
    """The pages over a store.

    Args:
        store: Where submissions are.
        allow_writes: Whether submissions and requests are taken.
    """
    made_before = SEEDS / "comparisons"
    shelf = Shelf(store, comparisons=made_before if made_before.is_dir() else None)
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(3600, 3600)) as opened:
        blocks: gr.Blocks = opened
        gr.Markdown(
            "# STS leaderboard\nPredicted before training, measured after: what fine-tuning does to every domain."
        )
        trouble = gr.Markdown(visible=False, elem_id="trouble")
        nothing_yet = gr.Markdown(EMPTY_STORE, visible=False, elem_id="empty")
        quota = quota_of(store)
        with gr.Tabs() as tabs:
            pages = {
                "predictors": predictors.build(shelf),
                "runs": runs.build(shelf),
                "explore": explore.build(shelf),
                "run": run_page.build(shelf),
            }
            submitting = submit.build(shelf, allow_writes=allow_writes, quota=quota)
            pages["queue"] = queue.build(shelf, allow_writes=allow_writes, quota=quota)
            telling = about.build()
        for page in pages.values():
            page.wire(blocks, trouble)
        addressed(submitting, "submit")
        addressed(telling, "about")
        blocks.load(opened_tab, None, tabs, **READING)
        blocks.load(lambda: gr.update(visible=_is_empty(shelf)), None, nothing_yet, **READING)
        chosen = hidden_address()
        for table in (pages["runs"].outputs[3], pages["explore"].outputs[3]):
            clicked = table.select(first_cell, None, chosen, **READING)
            clicked.then(None, [chosen], None, js=VISIT)
        _ranking_leads_to_points(shelf, pages["predictors"], chosen)
        api.build(shelf)
    return blocks


def _is_empty(shelf: Shelf) -> bool:
    """Whether the store holds nothing; not if it cannot be read, which is told elsewhere."""
    try:
        return not len(shelf.board())
    except (OSError, UserError):
        return False


def _ranking_leads_to_points(shelf: Shelf, page: Page, chosen: gr.Textbox) -> None:
    """A row of the ranking opens Explore with its predictor and the same runs."""

    def address(event: gr.SelectData, *values: Any) -> str:
        known = list(map(str, answered(shelf.board).predictors.index))
        state = page.state(values)
        size = ranking.QUESTIONS.get(str(state["question"])) == "how_much"
        sign = explore.SIZE if size else explore.SIGNED
        found = explored(predictor_cell(event), known, state, sign, explore.DEFAULTS)
        if not found:
            gr.Info("History is what happened to a domain in other runs: it has no scores of its own to explore.")
        return found

    table = page.outputs[2]
    table.select(address, page.inputs, chosen, **READING).then(None, [chosen], None, js=EXPLORE)


def launch(store: Store, *, allow_writes: bool = False, port: int | None = None, **options: Any) -> Any:
    """Serve the pages until stopped.

    Args:
        store: Where submissions are.
        allow_writes: Whether submissions and requests are taken.
        port: To listen on; a free one if None.
        options: What gradio's `launch` takes beside.

    Returns:
        What `launch` returns.
    """
    blocks = build(store, allow_writes=allow_writes)
    with _empty_folder():
        return blocks.launch(
            server_port=port,
            theme=THEME,
            head=STYLE + HEAD,
            allowed_paths=[],
            max_file_size=MOST_BYTES,
            enable_monitoring=False,
            ssr_mode=False,
            mcp_server=importlib.util.find_spec("mcp") is not None,
            footer_links=["api", "settings"],
            **options,
        )


def seeded_store() -> Store:
    """The store that the page comes with; an empty one of this process where there is none."""
    shipped = SEEDS / "store"
    return Store(str(shipped) if shipped.is_dir() else tempfile.mkdtemp(prefix="sts-empty-store-"))


@contextlib.contextmanager
def _empty_folder() -> Iterator[None]:
    """Run from an empty folder: gradio would serve files of the working directory if a handler named them."""
    with tempfile.TemporaryDirectory(prefix="sts-board-", ignore_cleanup_errors=True) as folder:
        before = Path.cwd()
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)
