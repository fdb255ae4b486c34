"""Hand in a run: the same judgement as on the command line, all problems at once."""

import gradio as gr
import pandas as pd

from sts_eval.errors import UserError
from sts_eval.submission.owner import account, owner_of
from sts_eval.submission.read_json import MOST_BYTES
from sts_eval.submission.validate import Verdict, validate
from sts_leaderboard.board_cache import BEGINNING, BoardCache
from sts_leaderboard.escaping import markdown, text_table
from sts_leaderboard.page import READING, WRITING, Contents, error_notices, set_address
from sts_leaderboard.write_access import Quota, as_visitor, on_space

NOT_HERE = (
    "**This board takes no submissions.** You can check a file here; to hand it in, use "
    "`sts-eval store submit RUN --to STORE`, or open a pull request against the store's data set."
)


def problems_table(verdict: Verdict) -> pd.DataFrame:
    """All problems as text."""
    columns = {"where": lambda one: one.path, "what is wrong, and what to do": lambda one: one.message}
    return text_table(verdict.problems, columns, longest=600)


def verdict_text(verdict: Verdict) -> str:
    """The judgement as Markdown."""
    if not verdict.accepted:
        return f"✗ **Refused**: {len(verdict.problems)} problem{'s' * (len(verdict.problems) > 1)}. Nothing was stored."
    notes = "".join(f"\n- {markdown(note)}" for note in verdict.notes)
    notes += "".join(f"\n- ⚠ {markdown(warning, 1000)}" for warning in verdict.warnings)
    tier = markdown(" ".join([str(verdict.tier), *verdict.marks]).replace("_", "-"))
    return f"✓ **Valid** ({tier}), its name is `{str(verdict.sha256)[:BEGINNING]}`.{notes}"


def owner_from(secret: str | None, who: str) -> str | None:
    """Who hands something in: the owner of a secret, or else the account that somebody signed in with.

    Raises:
        UserError: It is no secret.
    """
    if secret and secret.strip():
        return owner_of(secret)
    return account(who) if who else None


def build(cache: BoardCache, *, allow_writes: bool, quota: Quota) -> None:
    """The page, inside the tabs that are open. Where writes are not allowed, files are only checked."""
    with gr.Tab("Submit", id="submit") as tab:
        gr.Markdown(
            "A submission is one JSON file, as `sts-eval store submit RUN` makes it from a run. It never changes, and "
            "its name is the hash of its content. Correlations are recomputed here, never believed.",
            elem_classes="lead",
        )
        if not allow_writes:
            gr.Markdown(NOT_HERE)
        elif on_space():
            gr.LoginButton()
        with gr.Row():
            upload = gr.File(label="A JSON file", file_types=[".json"], type="binary")
            pasted = gr.Textbox(
                label="… or its text",
                elem_id="pasted",
                placeholder="{ … }",
                lines=8,
                max_lines=14,
                max_length=MOST_BYTES,
            )
        secret = gr.Textbox(
            label="Your secret (only where the file names an owner)",
            elem_id="secret",
            placeholder="what `sts-eval store key --secret` prints",
            type="password",
            max_length=200,
            visible=allow_writes,
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

        def show(verdict: Verdict, more: str = "") -> Contents:
            return {
                outcome: verdict_text(verdict) + more,
                listed: gr.update(value=problems_table(verdict), visible=not verdict.accepted),
            }

        def checked(file: bytes | None, text: str | None, key: str | None) -> Contents:
            with error_notices():
                raw = content(file, text)
                alone = validate(raw)
                # Who only checks need not show that the file is theirs.
                owner = owner_from(key, "") or (alone.submission.owner if alone.submission else None)
                return show(validate(raw, known=cache.store.known(owner)))

        def submitted(who: str, file: bytes | None, text: str | None, key: str | None) -> Contents:
            raw, owner = content(file, text), owner_from(key, who)
            verdict = validate(raw)
            if not verdict.accepted:
                return show(verdict)
            quota.take(who)
            verdict = cache.submit(raw, who or None, owner)
            link = f"[its page](?tab=run&run={str(verdict.sha256)[:BEGINNING]})"
            added = f"**It is on the board now**: {link}." if verdict.added else f"The store had it already: {link}."
            return show(verdict, f"\n\n{added}" if verdict.accepted else "")

        # Some files take seconds; the rest of the page is not to wait for them.
        check.click(checked, [upload, pasted, secret], [outcome, listed], **{**READING, "concurrency_limit": 2})
        # The server asks again whether writing is allowed: a hidden button is no gate.
        if allow_writes:
            send.click(as_visitor(submitted), [upload, pasted, secret], [outcome, listed], **WRITING)
        set_address(tab, "submit")
