"""The front page: the answers, one short table, and behind "more" every predictor ranked over the chosen runs."""

import io
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import gradio as gr
import pandas as pd

from sts_eval.analysis import wording
from sts_eval.errors import UserError
from sts_eval.records.comparison import Comparison, Table
from sts_eval.reporting.comparison import added_title
from sts_eval.reporting.question_columns import title
from sts_leaderboard import asked as ask
from sts_leaderboard import front, ranking
from sts_leaderboard import page as ui
from sts_leaderboard.badges import heading
from sts_leaderboard.board_cache import BoardCache
from sts_leaderboard.downloads import TABLE_FILES, save_buttons, table_file
from sts_leaderboard.escaping import markdown
from sts_leaderboard.pages import explore
from sts_leaderboard.run_selection import MOST_SAVED, WORLDS, Chosen, chosen_of, worlds
from sts_leaderboard.style import empty_figure
from sts_leaderboard.url_state import State, to_query

MORE = "More: every predictor, what they add to history, all answers in words"  # Ten times what is sent without it.

CONTROLS = {
    "origin": ask.ORIGIN,
    "benchmark": ask.BENCHMARK,
    "question": ask.QUESTION,
    "measure": ask.MEASURE,
    "evidence": ask.EVIDENCE,
    "model": ask.MODELS,
    "training_set": ask.TRAINING_SETS,
    "more": ui.Control(gr.Checkbox, MORE, False),
}

DEFAULTS = ui.defaults_of(CONTROLS)

LEGEND = (
    "**r** compares what was predicted with what happened, domain by domain: 1 is perfect, 0 knows nothing; the bar is "
    "its 95% interval from -1 to +1. **Beats TF-IDF?** asks whether r is higher than that of a plain likeness of the "
    "texts, by the interval of the difference; *cannot tell* is not *no*. The **noise ceiling** is the r of a perfect "
    "prediction, given the noise in what was measured. Select a row to see its points."
)

FLAGS = (
    "Predictors that share a rank cannot be told apart. p is that of the largest |r| among all ranked predictors. "
    "Flags: **L** looks at right answers, **G** backward passes, **P** a short training, **O** oracle: it has seen the "
    "tuned model and never ranks. Seconds and passes are per run. **\\*** a difference whose interval excludes 0."
)

WAITING = "All predictors are being compared over {}: about {} more. The table comes by itself."
NO_RUN = (
    "No {} run can be compared here. Clear the choice of models and training sets, count **all runs** as evidence, or "
    "hand one in under **Submit**."
)
RANKING = "Every predictor (select one to see its points)"
NOT_ALLOWED = "These runs do not allow this question: see the first lines below."
NOTHING = {"headers": ["predictor", "r"], "data": [], "metadata": None}
NO_PLOT = empty_figure("")
TICK = 1.0  # Seconds between two looks at whether a comparison is there.
DONE = gr.update(active=False)  # There is nothing to wait for.


@dataclass(frozen=True)
class More:
    """What is behind "more": every predictor in a table and a figure, the verdict, and what is added to history."""

    badge: gr.HTML
    ranked: gr.Dataframe
    plot: gr.Plot
    answers: gr.Markdown
    added_headline: gr.Markdown
    added: gr.Dataframe

    @classmethod
    def make(cls) -> Self:
        """The components, inside the blocks that are open."""
        badge = gr.HTML()
        ranked = gr.Dataframe(NOTHING, label=RANKING, interactive=False, pinned_columns=1, max_height=620)
        gr.Markdown(FLAGS, elem_classes="small", latex_delimiters=[])
        plot = gr.Plot(show_label=False)
        answers, added_headline = gr.Markdown(latex_delimiters=[]), gr.Markdown(latex_delimiters=[])
        added = gr.Dataframe(label="Added to history", interactive=False, max_height=500)
        return cls(badge, ranked, plot, answers, added_headline, added)

    @property
    def blank(self) -> ui.Contents:
        """Where there is nothing to show."""
        nothing = {self.ranked: NOTHING, self.plot: NO_PLOT, self.answers: ""}
        return nothing | {self.added_headline: "", self.added: NOTHING}

    def contents(self, comparison: Comparison, found: Table | None) -> ui.Contents:
        """What they show of a comparison and its table of the question asked."""
        words: ui.Contents = {self.answers: ranking.answers_text(comparison)}
        if found is None:
            return words
        key = found.question, found.measure
        beyond = next((one for one in comparison.added if (one.question, one.measure) == key), None)
        if beyond is not None:
            words |= {
                self.added_headline: ranking.bold(added_title(beyond)),
                self.added: ranking.added_table(beyond),
            }
        return words | {
            self.ranked: ranking.ranking_table(found, comparison.reference),
            self.plot: ranking.forest(found, comparison.reference),
        }


def build(cache: BoardCache) -> ui.Page:
    """The page, inside the tabs that are open."""
    with gr.Tab("Predictors", id="predictors") as tab:
        answered = gr.Markdown("Reading the runs …", latex_delimiters=[], elem_id="answers")
        with gr.Accordion("Ask another question, choose runs", open=False):
            components = ui.make_row(CONTROLS, "question", "measure")
            components |= ui.make_row(CONTROLS, "origin", "evidence")
            components |= ui.make_row(CONTROLS, "benchmark", "model", "training_set")
        headline = gr.Markdown(latex_delimiters=[])
        short = {
            world: gr.Dataframe(
                NOTHING, label=world, elem_classes="short", interactive=False, visible=False, max_height=720
            )
            for world in WORLDS
        }
        gr.Markdown(LEGEND, elem_classes="small", latex_delimiters=[])
        components |= ui.make_row(CONTROLS, "more")
        with gr.Column(visible=False) as behind:
            more = More.make()
        notes = gr.Markdown(elem_classes="small", latex_delimiters=[])
        timer = gr.Timer(TICK, active=False)

        hidden = dict.fromkeys(short.values(), gr.update(visible=False))
        blank: ui.Contents = {answered: "", timer: DONE} | hidden

        def show(state: State) -> ui.Contents:
            board = cache.tables()
            each, chosen = worlds(board, state), chosen_of(board, state)
            shown = blank | {notes: "\n\n".join(chosen.notes), behind: gr.update(visible=state["more"])}
            if state["more"]:
                shown |= more.blank | {more.badge: heading(state["origin"], len(chosen.shas))}
            if not each:
                return shown | {headline: NO_RUN.format(state["origin"])}
            try:
                compared = {world: (runs, cache.comparisons.get(runs.shas)) for world, runs in each.items()}
            except UserError as error:
                return shown | {headline: f"Not compared: {markdown(str(error))}"}
            ready: dict[str, tuple[Chosen, Comparison]] = {}
            for world, (runs, found) in compared.items():
                if isinstance(found, float):
                    return shown | {headline: waiting_text(len(runs.shas), found), timer: gr.update(active=True)}
                ready[world] = runs, found
            return shown | contents(ready, state) | {answered: front.sentences(board, state, ready)}

        def contents(ready: dict[str, tuple[Chosen, Comparison]], state: State) -> ui.Contents:
            tables = {world: comparison.table(*ask.asked(state)) for world, (_, comparison) in ready.items()}
            shown: ui.Contents = {
                short[world]: gr.update(value=front.short_table(found), label=front.WORLD_LABELS[world], visible=True)
                for world, found in tables.items()
                if found is not None
            }
            leading = next(iter(tables))
            found = tables[leading]
            headed = ranking.bold(title(found)) if found else NOT_ALLOWED
            return shown | {headline: headed} | (more.contents(ready[leading][1], found) if state["more"] else {})

        def later(*values: Any) -> ui.Contents:
            """What the timer shows: only how long it takes, until everything is there."""
            try:
                shown = show(page.state(values))
            except OSError:  # a control that is used, or the page loaded anew, tells what is wrong
                return {timer: DONE}
            return shown if shown[timer] is DONE else {headline: shown[headline]}

        outputs = [headline, answered, *short.values(), *more.blank, notes, timer, more.badge, behind]
        page = ui.Page(
            "predictors",
            tab,
            CONTROLS,
            components,
            cache.tables,
            cache.remembered(show, lambda shown: shown[answered] != ""),
            outputs,
        )
        timer.tick(later, page.inputs, outputs, **{**ui.READING, "show_progress": "hidden"})
        for table in (*short.values(), more.ranked):
            ui.explore_on_click(table, page, partial(clicked_address, cache))
        with behind:
            save_buttons(page, partial(saved_file, cache), {**TABLE_FILES, "jsonl": "Runs (JSON lines)"})
    return page


def waiting_text(n_runs: int, seconds: float) -> str:
    """How long a comparison may still take."""
    return WAITING.format(wording.counted(n_runs, "run"), wording.counted(max(1, round(seconds)), "second"))


def clicked_address(cache: BoardCache, name: str, state: State) -> str:
    """The address of Explore for a predictor that was selected; a notice where it has no scores."""
    with ui.error_notices():
        found = explore_address(name, ask.predictor_names(cache.tables()), state)
    if not found:
        gr.Info("History is what happened to a domain in other runs: it has no scores of its own to explore.")
    return found


def explore_address(shown: str, known: list[str], state: State) -> str:
    """The address of Explore for a predictor and the runs of a ranking; empty where the predictor is not known.

    The ranking shows a predictor by its name, or by its name and what it lacks in brackets.
    """
    name = next((one for one in (shown, shown.rpartition(" (")[0]) if one in known), None)
    if name is None:
        return ""
    benchmarks = (state["benchmark"],) if state["benchmark"] else ()
    return to_query("explore", {**state, "predictor": name, "benchmark": benchmarks}, explore.DEFAULTS)


def saved_file(cache: BoardCache, kind: str, state: State) -> tuple[bytes, str]:
    """Content and name of a file: the runs for `sts-eval compare`, or every figure of the comparison.

    Raises:
        UserError: The comparison is not there yet.
    """
    chosen = chosen_of(cache.tables(), state)
    if kind == "jsonl":
        lines = (run.outcome.canonical() + "\n" for run in cache.store.read_all(chosen.allowed[-MOST_SAVED:]))
        return "".join(lines).encode(), "runs.jsonl"
    from sts_eval.reporting.files import tidy  # imports matplotlib, which no other page needs

    found = cache.comparisons.get(chosen.shas) if chosen.shas else None
    if not isinstance(found, Comparison):
        raise UserError("there is no comparison yet", "Wait until the table is there")
    return table_file(pd.read_csv(io.StringIO(tidy(found))), "predictors", kind)
