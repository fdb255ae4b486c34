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

from sts_eval.store.reading import MOST_BYTES
from sts_eval.store.store import Store
from sts_leaderboard import about, api, explore, predictors, queue, run_page, runs, submit
from sts_leaderboard.page import READING, addressed, hidden_address, opened_tab
from sts_leaderboard.shelf import Shelf

SEEDS = Path(__file__).parent / "seeds"
"""The seeded store, and comparisons made of it."""

TITLE = "STS leaderboard"

# A run has an address of its own, so that "back" returns to the table with its filters.
VISIT = "(run) => { if (/^[0-9a-f]{12}$/.test(run)) { location.search = '?tab=run&run=' + run; } }"

CSS = """
.gradio-container { width: 100% !important; max-width: 1280px !important; margin: auto; }
.gradio-container .main, .gradio-container .wrap, .gradio-container .column { min-width: 0 !important; }
.badge { display: inline-block; padding: 1px 10px; border-radius: 999px; color: #fff; font-weight: 600; }
.badge-measured { background: #23648f; }
.badge-imported { background: #9a5614; }
.badge-published { background: #5f4d94; }
.origin { margin: 2px 0; }
.small, .small p, .small li { font-size: 0.86em; opacity: 0.85; }
.lead p { font-size: 1.08em; }
.saving { justify-content: flex-start; gap: 8px; }
.saving button { flex: 0 0 auto !important; }
.pager { align-items: end; }
#send, #clear { max-width: 260px; }
@media (max-width: 640px) {
  .gradio-container { padding: 6px !important; }
  h1 { font-size: 1.3em !important; }
}
"""

THEME = gr.themes.Soft(
    primary_hue="sky",
    neutral_hue="slate",
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
).set(
    block_title_background_fill="transparent",
    block_title_background_fill_dark="transparent",
    block_title_text_color="*neutral_600",
    block_title_text_color_dark="*neutral_300",
    block_title_padding="0",
    block_label_background_fill="transparent",
    block_label_background_fill_dark="transparent",
    block_label_text_color="*neutral_600",
    block_label_text_color_dark="*neutral_300",
)


def build(store: Store, *, allow_writes: bool = False) -> gr.Blocks:
    """The pages over a store.

    Args:
        store: Where submissions are.
        allow_writes: Whether the form takes submissions.
    """
    made_before = SEEDS / "comparisons"
    shelf = Shelf(store, comparisons=made_before if made_before.is_dir() else None)
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=(3600, 3600)) as opened:
        blocks: gr.Blocks = opened
        gr.Markdown(
            "# STS leaderboard\nPredicted before training, measured after: what fine-tuning does to every domain."
        )
        with gr.Tabs() as tabs:
            pages = {
                "predictors": predictors.build(shelf),
                "runs": runs.build(shelf),
                "explore": explore.build(shelf),
                "run": run_page.build(shelf),
            }
            submitting = submit.build(shelf, allow_writes=allow_writes)
            pages["queue"] = queue.build(shelf)
            telling = about.build()
        for page in pages.values():
            page.wire(blocks)
        addressed(submitting, "submit")
        addressed(telling, "about")
        blocks.load(opened_tab, None, tabs, **READING)
        chosen = hidden_address()
        for table in (pages["runs"].outputs[3], pages["explore"].outputs[3]):
            clicked = table.select(runs.first_cell, None, chosen, **READING)
            clicked.then(None, [chosen], None, js=VISIT)
        api.build(shelf)
    return blocks


def launch(store: Store, *, allow_writes: bool = False, port: int | None = None, **options: Any) -> Any:
    """Serve the pages until stopped.

    Args:
        store: Where submissions are.
        allow_writes: Whether the form takes submissions.
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
            css=CSS,
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
