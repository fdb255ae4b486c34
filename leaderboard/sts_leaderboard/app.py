"""The pages put together, and how they are served."""

import contextlib
import importlib.util
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

# Before gradio is imported, which reads them: nobody is to be counted, and no table of past calls is to be made anew
# after every call.
os.environ |= {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(10**9),
}

import gradio as gr
from starlette.middleware import Middleware

import sts_eval
from sts_eval.errors import UserError
from sts_eval.store.store import Store
from sts_eval.submission.read_json import MOST_BYTES
from sts_leaderboard import api
from sts_leaderboard.board_cache import BoardCache
from sts_leaderboard.endpoint_blocks import REFUSALS, EndpointBlocks
from sts_leaderboard.page import READING, opened_tab
from sts_leaderboard.page_cache import PageCache
from sts_leaderboard.pages import about, compare, explore, predictors, profile, queue, run, runs, submit, where
from sts_leaderboard.request_limits import RequestLimits
from sts_leaderboard.style import EMPTY_STORE, THEME
from sts_leaderboard.write_access import Quota

SEEDS = Path(__file__).parent / "seeds"  # The seeded store, and comparisons made of it.

# Of visitors, some 0.8 MB each. Whose was forgotten goes on as before: see `Control.make`.
MOST_SESSIONS = 64

HEAD = Path(__file__).with_name("head.html")  # Style and scripts of the page.


WHAT = "What fine-tuning does to every domain: predicted before it, measured after"
PAPER = "[arXiv 2603.02908](https://arxiv.org/abs/2603.02908)"
SHARE = "Copy link"
SHARE_SCRIPT = "async () => await copyText(location.href) ? 'Copied' : 'Copy the address above'"


def build(store: Store, *, allow_writes: bool = False) -> gr.Blocks:
    """The pages over a store; submissions and requests are taken where writes are allowed."""
    cache, quota = BoardCache(store, shipped=SEEDS), Quota(store)

    def told_if_empty() -> Any:
        with contextlib.suppress(OSError, UserError):  # a store that cannot be read is told elsewhere
            return gr.update(visible=not len(cache.tables()))
        return gr.update(visible=False)

    def last_updated() -> str:
        with contextlib.suppress(OSError, UserError):
            board = cache.tables()
            newest = board.ledger["when"].iloc[-1] if len(board.ledger) else ""
            at = f"{newest[:10]} {newest[11:16]} UTC"
            updated = f"last updated {at}" if newest else "nothing handed in yet"
            return f"{WHAT} · {PAPER} · sts-eval {sts_eval.__version__} · {updated}"
        return ""

    with EndpointBlocks(title="STS leaderboard", analytics_enabled=False, delete_cache=(3600, 3600)) as opened:
        blocks: gr.Blocks = opened
        with gr.Row(elem_classes="top"):
            gr.Markdown("# STS leaderboard")
            share = gr.Button(SHARE, size="sm", min_width=90, scale=0, elem_id="share")
        updated = gr.Markdown(elem_classes="small", latex_delimiters=[], elem_id="updated")
        shared = gr.Textbox(visible="hidden", show_label=False)
        trouble = gr.Markdown(visible=False, elem_id="trouble")
        nothing_yet = gr.Markdown(EMPTY_STORE, visible=False, elem_id="empty")
        with gr.Tabs() as tabs:
            wired = [one.build(cache) for one in (predictors, where, compare, runs, explore, run, profile)]
            submit.build(cache, allow_writes=allow_writes, quota=quota)
            wired.append(queue.build(cache, allow_writes=allow_writes, quota=quota))
            about.build()
        for page in wired:
            page.wire(blocks, trouble, shared)
        copied = share.click(None, None, share, js=SHARE_SCRIPT, api_visibility="private")
        copied.then(None, None, share, js=f"() => later(2500, () => '{SHARE}')", api_visibility="private")
        blocks.load(opened_tab, None, tabs, **READING)
        blocks.load(last_updated, None, updated, **READING)
        blocks.load(told_if_empty, None, nothing_yet, **READING)
        api.build(cache)
    return blocks


def launch(store: Store, *, allow_writes: bool = False, port: int | None = None, **options: Any) -> Any:
    """Serve the pages until stopped, on a free port if none is given; takes and returns what gradio's `launch` does."""
    blocks = build(store, allow_writes=allow_writes)
    # gradio looks for it anew for every figure of every session, which is half of what a session costs. It is not used.
    sys.modules.setdefault("bokeh", None)  # type: ignore[arg-type]  # Python's own sign that there is no such package
    # From an empty folder: gradio would serve files of the working directory if a handler named them.
    with (
        tempfile.TemporaryDirectory(prefix="sts-board-", ignore_cleanup_errors=True) as folder,
        contextlib.chdir(folder),
    ):
        return blocks.launch(
            server_port=port,
            theme=THEME,
            head_paths=HEAD,
            allowed_paths=[],
            max_file_size=MOST_BYTES,
            enable_monitoring=False,
            ssr_mode=False,
            state_session_capacity=MOST_SESSIONS,
            app_kwargs={
                "exception_handlers": REFUSALS,
                "middleware": [Middleware(RequestLimits), Middleware(PageCache)],
            },
            mcp_server=importlib.util.find_spec("mcp") is not None,
            footer_links=["api", "settings"],
            **options,
        )


def seeded_store() -> Store:
    """The store that the page comes with; an empty one of this process where there is none."""
    shipped = SEEDS / "store"
    return Store(str(shipped) if shipped.is_dir() else tempfile.mkdtemp(prefix="sts-empty-store-"))
