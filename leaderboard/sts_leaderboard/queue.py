"""Runs that somebody asked for, and how far they are; and what became of submissions."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pandas as pd

from sts_eval.queue.queue import Queue, QueueEntry
from sts_eval.queue.request import request_for
from sts_eval.store.store import Store
from sts_leaderboard.inert import plain
from sts_leaderboard.links import State
from sts_leaderboard.page import Page, answered, hidden_address
from sts_leaderboard.shelf import BEGINNING, Shelf
from sts_leaderboard.writing import ANYBODY, Quota, on_space, signed_in

LATEST = 100
"""Entries of the ledger that are shown."""

HOW = "A machine with `sts-eval store worker --store STORE` takes requests, runs them and submits what comes of them."

NOT_HERE = (
    "**This board takes no requests.** Ask with `sts-eval store request --store STORE --model MODEL --sft SET`, on a "
    "store that you may write to."
)

SIGN_IN = "Requests are taken from who has signed in."

NOBODY = "Nobody has asked for a run."

ANONYMOUS = "anonymous"
"""Who asks where nobody signs in, as on the command line."""

ASKED, ASKED_BEFORE = "Asked for", "Somebody asked for it before"


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


def ask(store: Store, *, model: str, training_set: str, sae_release: str, sae_id: str, by: str, quota: Quota) -> str:
    """Add a request, as `sts-eval store request` does; what is left blank is not said.

    Returns:
        What became of it.

    Raises:
        UserError: It is no request that a worker could run, its author's quota is used up, or the store cannot be
            written.
    """
    request = request_for(
        model=model.strip(),
        training_set=training_set.strip(),
        sae_release=sae_release.strip() or None,
        sae_id=sae_id.strip() or None,
        by=by or ANONYMOUS,
    )
    quota.take(by or ANYBODY)
    key, new = Queue(store.files).add(request)
    return f"{ASKED if new else ASKED_BEFORE}: `{key[:BEGINNING]}`"


def build(shelf: Shelf, *, allow_writes: bool, quota: Quota) -> Page:
    """The page, inside the tabs that are open.

    Args:
        shelf: The store.
        allow_writes: Whether requests are taken. On a Space, from who has signed in.
        quota: What one person may write.
    """
    with gr.Tab("Queue", id="queue") as tab:
        words = gr.Markdown()
        table = gr.Dataframe(label="Requests", interactive=False, max_height=420, visible=False)
        after = _form(shelf, quota) if allow_writes else []
        if not allow_writes:
            gr.Markdown(NOT_HERE)
        ledger = gr.Dataframe(label="What became of submissions", interactive=False, max_height=420, visible=False)

        def show(_: State) -> tuple[Any, ...]:
            entries = Queue(shelf.store.files).entries()
            waiting = sum(one.submission is None for one in entries)
            said = f"{waiting} request{' is' if waiting == 1 else 's are'} open." if entries else NOBODY
            past = history(shelf.board().ledger)
            return (
                f"{said} {HOW}",
                gr.update(value=requests(entries), visible=bool(entries)),
                gr.update(value=past, visible=not past.empty),
            )

        page = Page("queue", tab, {}, {}, show, [words, table, ledger], hidden_address(), after=after)
    return page


def _form(shelf: Shelf, quota: Quota) -> list[Any]:
    """The form; what happens when it is sent. It is not even in the page where nothing may be written."""
    signing = on_space()
    with gr.Accordion("Ask for a run", open=True):
        if signing:
            gr.Markdown(SIGN_IN)
            gr.LoginButton()
        with gr.Row():
            model = gr.Textbox(label="Model", placeholder="owner/name on the hub, or lab", max_length=128, lines=1)
            training_set = gr.Textbox(
                label="Training set", placeholder="owner/name on the hub, or lab:math", max_length=128, lines=1
            )
            release = gr.Textbox(
                label="SAE release", placeholder="the model's default if empty", max_length=128, lines=1
            )
            sae = gr.Textbox(label="SAE id", placeholder="id within the release", max_length=128, lines=1)
        send = gr.Button("Ask for this run", variant="primary", elem_id="ask")
        outcome = gr.Markdown(latex_delimiters=[], elem_id="asked")
    inputs = [model, training_set, release, sae]

    def asked(model: str, training_set: str, release: str, sae: str, by: str) -> str:
        def add() -> str:
            return ask(
                shelf.store, model=model, training_set=training_set, sae_release=release, sae_id=sae, by=by, quota=quota
            )

        told: str = answered(add)
        return told

    def signed(model: str, training_set: str, release: str, sae: str, profile: gr.OAuthProfile | None) -> str:
        return asked(model, training_set, release, sae, signed_in(profile))

    def anonymous(model: str, training_set: str, release: str, sae: str) -> str:
        return asked(model, training_set, release, sae, "")

    handler = signed if signing else anonymous
    return [send.click(handler, inputs, outcome, api_visibility="private", concurrency_limit=4)]
