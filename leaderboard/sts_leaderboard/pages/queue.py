"""Runs that somebody asked for, and how far they are; and the ledger of submissions."""

import functools
from collections.abc import Callable, Mapping, Sequence

import gradio as gr
import pandas as pd

from sts_eval.analysis import wording
from sts_eval.queue.queue import Queue, QueueEntry
from sts_eval.queue.request import request_for
from sts_eval.store.store import Store
from sts_leaderboard.board_cache import BEGINNING, BoardCache
from sts_leaderboard.escaping import markdown, plain, text_table
from sts_leaderboard.page import WRITING, Contents, Page, open_run_on_click
from sts_leaderboard.url_state import State
from sts_leaderboard.write_access import Quota, as_visitor, on_space

LATEST = 100  # Entries of the ledger that are shown.

# Label and hint of what is asked.
FIELDS = (
    ("Model", "owner/name on the hub, or lab"),
    ("Training set", "owner/name on the hub, or lab:math"),
    ("SAE release", "the model's default if empty"),
    ("SAE id", "id within the release"),
)

NOT_HERE = (
    "**This board takes no requests.** Ask with `sts-eval store request --store STORE --model MODEL --sft SET`, on a "
    "store that you may write to."
)

# The cell of each column of the requests.
REQUEST: Mapping[str, Callable[[QueueEntry], object]] = {
    "request": lambda one: one.key[:BEGINNING],
    "state": lambda one: one.state,
    "run": lambda one: plain(one.submission)[:BEGINNING],
    "model": lambda one: one.request.model,
    "training set": lambda one: one.request.training_set,
    "SAE": lambda one: plain(one.request.sae_release) or "the model's default",
    "asked by": lambda one: one.request.by,
    "when": lambda one: one.request.created,
    "attempts": lambda one: one.attempts,
    "worker": lambda one: one.worker,
    "lease until": lambda one: one.until,
    "last failure": lambda one: one.log,
}
LEDGER = {"action": "what", "submission": "run", "when": "when", "by": "by", "why": "why"}  # Columns, and their heads.

REQUESTS = "Requests (select one that is done to see its run)"
ASKED, ASKED_BEFORE = "Asked for", "Somebody asked for it before"


def build(cache: BoardCache, *, allow_writes: bool, quota: Quota) -> Page:
    """The page, inside the tabs that are open. Requests are taken where writes are allowed."""
    with gr.Tab("Queue", id="queue") as tab:
        words = gr.Markdown(latex_delimiters=[])
        table = gr.Dataframe(
            label="Requests (select one that is done to see its run)", interactive=False, max_height=420, visible=False
        )
        # The form is not even in the page where nothing may be written.
        after = []
        if allow_writes:
            with gr.Accordion("Ask for a run", open=True):
                if on_space():
                    gr.Markdown("Sign in to ask for a run.")
                    gr.LoginButton()
                with gr.Row():
                    inputs = [gr.Textbox(label=what, placeholder=hint, max_length=128) for what, hint in FIELDS]
                send = gr.Button("Ask for this run", variant="primary", elem_id="ask")
                outcome = gr.Markdown(latex_delimiters=[], elem_id="asked")
            asked = as_visitor(functools.partial(ask, cache.store, quota))
            after.append(send.click(asked, inputs, outcome, **WRITING))
        else:
            gr.Markdown(NOT_HERE)
        ledger = gr.Dataframe(label="Ledger of submissions", interactive=False, max_height=420, visible=False)
        open_run_on_click(table, list(REQUEST).index("run"))
        open_run_on_click(ledger, list(LEDGER).index("submission"))

        def show(_: State) -> Contents:
            entries = Queue(cache.store.files).entries()
            waiting = sum(one.submission is None for one in entries)
            board = cache.tables()
            state = f"**{wording.counted(waiting, 'open request')}, {wording.counted(len(board), 'submission')}.**"
            state += "" if entries else " Nobody has asked for a run."
            past = ledger_table(board.ledger)
            broken = "".join(f"⚠ **The ledger was changed**: {markdown(one)}.\n\n" for one in board.chain_problems)
            return {
                words: f"{broken}{state} A machine with `sts-eval store worker "
                "--store STORE` takes requests, runs them and submits the results.",
                table: gr.update(value=requests_table(entries), visible=bool(entries)),
                ledger: gr.update(value=past, visible=not past.empty),
            }

        return Page("queue", tab, {}, {}, cache.tables, show, [words, table, ledger], after=after)


def requests_table(entries: Sequence[QueueEntry]) -> pd.DataFrame:
    """Requests as text, newest first."""
    return text_table(reversed(entries), REQUEST)


def ledger_table(ledger: pd.DataFrame) -> pd.DataFrame:
    """The latest entries of the ledger as text, newest first."""
    latest = ledger.tail(LATEST).iloc[::-1].map(plain)
    latest = latest.assign(submission=latest["submission"].str[:BEGINNING])
    return latest[list(LEDGER)].rename(columns=LEDGER)


def ask(store: Store, quota: Quota, by: str, model: str, training_set: str, sae_release: str, sae_id: str) -> str:
    """Add a request, as `sts-eval store request` does; tell whether it is new, and its key.

    Raises:
        UserError: No worker could run it, its author's quota is used up, or the store cannot be written.
    """
    request = request_for(
        model=model.strip(),
        training_set=training_set.strip(),
        sae_release=sae_release.strip() or None,
        sae_id=sae_id.strip() or None,
        by=by or "anonymous",  # as on the command line
    )
    quota.take(by)
    key, new = Queue(store.files).add(request)
    return f"{ASKED if new else ASKED_BEFORE}: `{key[:BEGINNING]}`"
