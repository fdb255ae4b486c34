"""Hand in a run: the same judgement as on the command line, all problems at once."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pandas as pd

from sts_eval.errors import UserError
from sts_eval.submission.read_json import MOST_BYTES
from sts_eval.submission.validate import Verdict, validate
from sts_leaderboard.inert import markdown, plain
from sts_leaderboard.page import READING, answered, said
from sts_leaderboard.shelf import BEGINNING, Shelf
from sts_leaderboard.writing import ANYBODY, Quota, on_space, signed_in

NOT_HERE = (
    "**This board takes no submissions.** You can check a file here; to hand it in, use "
    "`sts-eval store submit RUN --to STORE`, or open a pull request against the store's data set."
)


def problems(verdict: Verdict) -> pd.DataFrame:
    """All problems as text."""
    rows = [[plain(one.path), plain(one.message, 600)] for one in verdict.problems]
    return pd.DataFrame(rows, columns=["where", "what is wrong, and what to do"], dtype=object)


def judged(verdict: Verdict) -> str:
    """The judgement as Markdown."""
    if not verdict.accepted:
        return f"✗ **Refused**: {len(verdict.problems)} problem{'s' * (len(verdict.problems) > 1)}. Nothing was stored."
    notes = "".join(f"\n- {markdown(note)}" for note in verdict.notes)
    tier = markdown(" ".join([str(verdict.tier), *verdict.marks]).replace("_", "-"))
    return f"✓ **Valid** ({tier}), its name is `{str(verdict.sha256)[:BEGINNING]}`.{notes}"


def build(shelf: Shelf, *, allow_writes: bool, quota: Quota) -> gr.Tab:
    """The page, inside the tabs that are open.

    Args:
        shelf: The store.
        allow_writes: Whether files are taken; otherwise they are only judged. On a Space, from who has signed in.
        quota: What one person may write.
    """
    signing = on_space()
    with gr.Tab("Submit", id="submit") as opened:
        gr.Markdown(
            "A submission is one JSON file, as `sts-eval store submit RUN` makes it from a run. It never changes, and "
            "its name is the hash of its content. Correlations are recomputed here, never believed.",
            elem_classes="lead",
        )
        if not allow_writes:
            gr.Markdown(NOT_HERE)
        elif signing:
            gr.LoginButton()
        with gr.Row():
            upload = gr.File(label="A JSON file", file_types=[".json"], type="binary")
            pasted = gr.Textbox(
                label="… or its text",
                lines=8,
                max_lines=14,
                max_length=MOST_BYTES,
                elem_id="pasted",
                placeholder="{ … }",
            )
        with gr.Row():
            check = gr.Button("Check")
            send = gr.Button("Submit", variant="primary", visible=allow_writes, elem_id="send")
        outcome = gr.Markdown(latex_delimiters=[], elem_id="judged")
        listed = gr.Dataframe(visible=False, label="Problems", interactive=False, wrap=True, elem_id="problems")

        def content(file: bytes | None, text: str | None) -> bytes:
            if file is None and not (text or "").strip():
                raise UserError("there is no file", "Choose one, or paste its text")
            return file if file is not None else (text or "").encode("utf-8", "surrogatepass")

        def shown(verdict: Verdict, more: str = "") -> tuple[Any, ...]:
            wrong = not verdict.accepted
            return judged(verdict) + more, gr.update(value=problems(verdict), visible=wrong)

        def checked(file: bytes | None, text: str | None) -> tuple[Any, ...]:
            raw = said(content, file, text)
            return shown(answered(lambda: validate(raw, known=shelf.store.known())))

        def handed_in(file: bytes | None, text: str | None, who: str) -> tuple[Any, ...]:
            raw = said(content, file, text)
            verdict = validate(raw)
            if not verdict.accepted:
                return shown(verdict)
            said(quota.take, who or ANYBODY)
            receipt = answered(shelf.submit, raw, who or None)
            more = "\n\n**It is on the board now**, under Runs." if receipt.added else "\n\nThe store had it already."
            return shown(receipt.verdict, more if receipt.verdict.accepted else "")

        check.click(checked, [upload, pasted], [outcome, listed], **READING)
        # The server asks again whether writing is allowed: a hidden button is no gate.
        if allow_writes and signing:

            def signed(file: bytes | None, text: str | None, profile: gr.OAuthProfile | None) -> tuple[Any, ...]:
                return handed_in(file, text, signed_in(profile))

            send.click(signed, [upload, pasted], [outcome, listed], api_visibility="private", concurrency_limit=4)
        elif allow_writes:

            def anonymous(file: bytes | None, text: str | None) -> tuple[Any, ...]:
                return handed_in(file, text, "")

            send.click(anonymous, [upload, pasted], [outcome, listed], api_visibility="private", concurrency_limit=4)
    tab: gr.Tab = opened
    return tab
