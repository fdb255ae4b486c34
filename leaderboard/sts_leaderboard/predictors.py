"""The table that matters: which predictor foretells what happened, over runs of one origin."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pandas as pd

from sts_eval.errors import UserError
from sts_eval.records.comparison import Comparison
from sts_leaderboard import downloads
from sts_leaderboard.badges import ORIGINS, heading
from sts_leaderboard.comparing import Waiting
from sts_leaderboard.inert import markdown
from sts_leaderboard.links import State
from sts_leaderboard.page import READING, Page, hidden_address, save_buttons
from sts_leaderboard.shelf import Shelf
from sts_leaderboard.views import ranking
from sts_leaderboard.views.look import empty

DEFAULTS: State = {
    "origin": "measured",
    "benchmark": "",
    "question": next(iter(ranking.QUESTIONS)),
    "measure": "accuracy",
    "model": (),
    "training_set": (),
}

FLAGS = (
    "Predictors that share a rank cannot be told apart. p is that of the largest |r| among all ranked columns. "
    "Flags: **L** looks at right answers, **G** backward passes, **P** a short training, **O** oracle: it has seen the "
    "tuned model and never ranks. Seconds and passes are per run. **\\*** a difference whose interval excludes 0."
)

NOBODY = (
    "No {origin} run can be compared here. Clear the choice of models and training sets, or hand in a run under "
    "**Submit**."
)


BLANK = pd.DataFrame(columns=["rank", "predictor", "r"])

NOTHING_ADDED = pd.DataFrame(columns=["predictor", "partial r"])

TICK = 1.0
"""Seconds between two looks at whether a comparison is there."""

DONE = gr.update(active=False)
"""There is nothing to wait for."""


def build(shelf: Shelf) -> Page:
    """The page, inside the tabs that are open."""
    with gr.Tab("Predictors", id="predictors") as tab:
        gr.Markdown(
            "Which predictor knows, before any training, what fine-tuning will do to a domain?", elem_classes="lead"
        )
        with gr.Row():
            question = gr.Dropdown(list(ranking.QUESTIONS), value=DEFAULTS["question"], label="Question", scale=2)
            measure = gr.Radio(list(ranking.MEASURES), value="accuracy", label="Measured by")
            origin = gr.Radio(list(ORIGINS), value="measured", label="Origin (never mixed)")
        with gr.Accordion("Choose runs", open=False), gr.Row():
            benchmark = gr.Dropdown([""], value="", label="Benchmark")
            model = gr.Dropdown([], multiselect=True, label="Models (all if empty)")
            training_set = gr.Dropdown([], multiselect=True, label="Training sets (all if empty)")
        badge = gr.HTML()
        headline = gr.Markdown(latex_delimiters=[])
        table = gr.Dataframe(
            BLANK,
            label="Ranking (select a predictor to see its points)",
            interactive=False,
            wrap=False,
            pinned_columns=2,
            max_height=620,
            show_search="none",
        )
        gr.Markdown(FLAGS, elem_classes="small", latex_delimiters=[])
        figure = gr.Plot(show_label=False)
        with gr.Accordion("In words", open=True):
            answers = gr.Markdown(latex_delimiters=[])
        with gr.Accordion("What predictors add to a domain's history", open=False):
            added_headline = gr.Markdown(latex_delimiters=[])
            added = gr.Dataframe(label="Added to history", interactive=False, max_height=500)
        notes = gr.Markdown(elem_classes="small", latex_delimiters=[])
        timer = gr.Timer(TICK, active=False)
        address = hidden_address()
        controls = {
            "origin": origin,
            "benchmark": benchmark,
            "question": question,
            "measure": measure,
            "model": model,
            "training_set": training_set,
        }

        def show(state: State) -> tuple[Any, ...]:
            chosen = _chosen(shelf, state)
            badge_now, notes_now = heading(str(state["origin"]), len(chosen.shas)), "\n\n".join(chosen.notes)
            if not chosen.shas:
                return (badge_now, *_nothing(NOBODY.format(origin=state["origin"])), notes_now, DONE)
            try:
                found = shelf.comparison_or_wait(chosen.shas)
            except UserError as error:
                return (badge_now, *_nothing(f"Not compared: {markdown(str(error))}"), notes_now, DONE)
            if isinstance(found, Waiting):
                return (badge_now, *_nothing(_comparing(found, len(chosen.shas))), notes_now, gr.update(active=True))
            return (badge_now, *_contents(found, state), notes_now, DONE)

        def later(*values: Any) -> tuple[Any, ...]:
            """What the timer shows: only how long it takes, until everything is there."""
            try:
                shown = show(page.state(values))
            except OSError:  # a control that is used, or the page loaded anew, tells what is wrong
                return (*(gr.skip() for _ in outputs[:-1]), DONE)
            if shown[-1] is DONE:
                return shown
            return (gr.skip(), shown[1], *(gr.skip() for _ in outputs[2:]))

        def saved(kind: str, *values: Any) -> tuple[bytes, str]:
            return _saved(shelf, page.state(values), kind)

        def offered() -> dict[str, list[str]]:
            runs = shelf.board().runs
            named = {name: sorted(runs[name].dropna().unique()) for name in ("benchmark", "model", "training_set")}
            # Where no benchmark is chosen, the one that most runs are of is taken.
            return {
                **{name: list(map(str, some)) for name, some in named.items()},
                "benchmark": ["", *named["benchmark"]],
                "origin": list(ORIGINS),
                "question": list(ranking.QUESTIONS),
                "measure": list(ranking.MEASURES),
            }

        outputs = [badge, headline, table, figure, answers, added_headline, added, notes, timer]
        page = Page("predictors", tab, controls, DEFAULTS, show, outputs, address, offered)
        timer.tick(later, page.inputs, outputs, **{**READING, "show_progress": "hidden"})
        save_buttons(saved, page.inputs, {"csv": "CSV", "parquet": "Parquet", "jsonl": "Runs (JSON lines)"})
    return page


def figures(comparison: Comparison) -> pd.DataFrame:
    """Every figure of a comparison, a row per question, measure and predictor."""
    import io

    from sts_eval.report.files import tidy

    return pd.read_csv(io.StringIO(tidy(comparison)))


def _saved(shelf: Shelf, state: State, kind: str) -> tuple[bytes, str]:
    chosen = _chosen(shelf, state)
    if kind == "jsonl":
        lines = (run.outcome.canonical() + "\n" for run in shelf.store.read_all(chosen.allowed[-ranking.MOST_SAVED :]))
        return "".join(lines).encode(), "runs.jsonl"
    found = shelf.comparison_or_wait(chosen.shas) if chosen.shas else None
    if not isinstance(found, Comparison):
        raise UserError("there is no comparison yet", "Wait until the table is there")
    return (downloads.csv if kind == "csv" else downloads.parquet)(figures(found)), f"predictors.{kind}"


def _comparing(waiting: Waiting, count: int) -> str:
    """What is said until the comparison is there."""
    about = max(1, round(waiting.seconds))
    what = f"All predictors are being compared over {count} run{'s' * (count > 1)}"
    return f"{what}: about {about} second{'s' * (about > 1)} more. The table comes by itself."


def _nothing(sentence: str) -> tuple[Any, ...]:
    """The outputs between the badge and the notes where there is no table."""
    return sentence, BLANK, empty(""), "", "", NOTHING_ADDED


def _contents(comparison: Comparison, state: State) -> tuple[Any, ...]:
    """The outputs between the badge and the notes."""
    key = ranking.QUESTIONS[str(state["question"])], ranking.MEASURES[str(state["measure"])]
    found = comparison.table(*key)
    if found is None:
        sentence, blank, figure, *_ = _nothing("These runs do not allow this question: see the first lines below.")
        return sentence, blank, figure, ranking.answers(comparison), "", NOTHING_ADDED
    beyond = next((one for one in comparison.added if (one.question, one.measure) == key), None)
    return (
        ranking.heading(found),
        ranking.table(found, comparison.reference),
        ranking.forest(found, comparison.reference),
        ranking.answers(comparison),
        ranking.added_heading(beyond) if beyond else "These runs do not allow the question.",
        ranking.added(beyond) if beyond else NOTHING_ADDED,
    )


def _chosen(shelf: Shelf, state: State) -> ranking.Chosen:
    runs = shelf.board().runs
    origin = str(state["origin"])
    return ranking.choose(
        runs,
        origin=origin,
        benchmark=str(state["benchmark"]) or ranking.leading_benchmark(runs, origin),
        models=tuple(map(str, state["model"])) if isinstance(state["model"], tuple) else (),
        training_sets=tuple(map(str, state["training_set"])) if isinstance(state["training_set"], tuple) else (),
    )
