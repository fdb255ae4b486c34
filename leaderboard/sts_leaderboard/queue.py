"""Runs that somebody asked for, and how far they are; and what became of submissions."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pandas as pd

from sts_eval.store.queue import Queue, QueueEntry
from sts_leaderboard.inert import plain
from sts_leaderboard.links import State
from sts_leaderboard.page import Page, hidden_address
from sts_leaderboard.shelf import BEGINNING, Shelf

LATEST = 100
"""Entries of the ledger that are shown."""

HOW = (
    "Ask for a run with `sts-eval request --store STORE --model MODEL --sft SET`; a machine with "
    "`sts-eval worker --store STORE` takes it."
)


def requests(entries: tuple[QueueEntry, ...]) -> pd.DataFrame:
    """Requests as text, newest first."""
    rows = [
        {
            "request": one.key[:BEGINNING],
            "state": plain(one.state),
            "model": plain(one.request.model),
            "training set": plain(one.request.training_set),
            "SAE": plain(one.request.sae_release) or "the model's default",
            "asked by": plain(one.request.by),
            "when": plain(one.request.created),
            "attempts": str(one.attempts),
            "worker": plain(one.worker),
            "lease until": plain(one.until),
            "run": plain(one.submission)[:BEGINNING],
            "last failure": plain(one.log),
        }
        for one in reversed(entries)
    ]
    return pd.DataFrame(rows, columns=list(rows[0]) if rows else ["request", "state", "model"], dtype=object)


def history(ledger: pd.DataFrame) -> pd.DataFrame:
    """The latest entries of the ledger as text, newest first."""
    latest = ledger.tail(LATEST).iloc[::-1]
    return pd.DataFrame(
        {
            "when": [plain(one) for one in latest["when"]],
            "what": [plain(one) for one in latest["action"]],
            "run": [plain(one)[:BEGINNING] for one in latest["submission"]],
            "by": [plain(one) for one in latest["by"]],
            "why": [plain(one) for one in latest["why"]],
        },
        dtype=object,
    )


def build(shelf: Shelf) -> Page:
    """The page, inside the tabs that are open."""
    with gr.Tab("Queue", id="queue") as tab:
        words = gr.Markdown()
        table = gr.Dataframe(label="Requests", interactive=False, max_height=420)
        ledger = gr.Dataframe(label="What became of submissions", interactive=False, max_height=420)

        def show(_: State) -> tuple[Any, ...]:
            entries = Queue(shelf.store.files).entries()
            waiting = sum(one.submission is None for one in entries)
            said = f"{waiting} requests are open. {HOW}" if entries else f"Nobody has asked for a run. {HOW}"
            return said, gr.update(value=requests(entries), visible=bool(entries)), history(shelf.board().ledger)

        page = Page("queue", tab, {}, {}, show, [words, table, ledger], hidden_address())
    return page
