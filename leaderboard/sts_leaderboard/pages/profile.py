"""A model, an SAE, a training set or a predictor: what it is, where else it is described, its r, and its runs."""

import gradio as gr

from sts_eval.analysis import breakdown
from sts_eval.errors import UserError
from sts_eval.store.scored import run_correlations, scored
from sts_leaderboard import asked as ask
from sts_leaderboard import page as ui
from sts_leaderboard import profiles
from sts_leaderboard.board_cache import RESAMPLES, BoardCache
from sts_leaderboard.escaping import markdown, text_table
from sts_leaderboard.pages.runs import ordered, page_of, runs_table
from sts_leaderboard.points import estimate
from sts_leaderboard.run_selection import usable_runs
from sts_leaderboard.style import EMPTY_STORE
from sts_leaderboard.url_state import State

CONTROLS = {
    "item": ui.Control(
        gr.Dropdown, "Model, SAE, training set or predictor", "", lambda board: ["", *profiles.items(board)]
    ),
    "predictor": ask.PREDICTOR,
    "question": ask.QUESTION,
    "measure": ask.MEASURE,
    "evidence": ask.EVIDENCE,
    "origin": ask.ORIGIN,
}

ASK = "Choose a model, an SAE, a training set or a predictor below."
COLUMNS = ("r", "model", "training set", "tier", "benchmark", "accepted, UTC")


def build(cache: BoardCache) -> ui.Page:
    """The page, inside the tabs that are open."""
    with gr.Tab("Profile", id="profile") as tab:
        headline = gr.Markdown(ASK, latex_delimiters=[], elem_id="profile-r")
        components = ui.make_row(CONTROLS, "item")
        with gr.Accordion("Ask another question, choose runs", open=False):
            components |= ui.make_row(CONTROLS, "predictor", "question", "measure")
            components |= ui.make_row(CONTROLS, "evidence", "origin")
        with gr.Column(visible=False) as whole:
            facts = gr.Dataframe(wrap=True, column_widths=["30%", "70%"], elem_classes="facts", **ui.UNLABELLED)
            runs = gr.Dataframe(label="Its runs, the newest first (select one to see its evidence)", interactive=False)

        def show(state: State) -> ui.Contents:
            board = cache.tables()
            kind, name = profiles.kind_and_name(state["item"])
            if not kind:
                return {headline: ASK if len(board) else EMPTY_STORE, whole: gr.update(visible=False)}
            known = profiles.runs_of(board.runs, kind, name)
            if known.empty or (kind == "predictor" and name not in board.predictors.index):
                return {headline: f"There is no {markdown(state['item'])} here.", whole: gr.update(visible=False)}
            predictor = name if kind == "predictor" else state["predictor"]
            r = run_correlations(board, predictor, *ask.asked(state))
            told = profiles.facts(board, known, kind, name).items()
            shown = known.join(r)
            shown = shown[~shown["withdrawn"]].dropna(subset=["r"] if kind == "predictor" else [])
            elsewhere = profiles.links(known, kind)
            return {
                headline: f"### {markdown(name)} · {profiles.KINDS[kind]}\n"
                + correlation_text(cache, state, kind, name)
                + (f"\n\nDescribed {elsewhere}." if elsewhere else ""),
                whole: gr.update(visible=True),
                facts: text_table(told, {"what": lambda fact: fact[0], "value": lambda fact: fact[1]}),
                runs: runs_table(page_of(ordered(shown, "newest first"), 1)[0], COLUMNS),
            }

        page = ui.Page("profile", tab, CONTROLS, components, cache.tables, show, [headline, whole, facts, runs])
        ui.open_run_on_click(runs, -1)
    return page


def correlation_text(cache: BoardCache, state: State, kind: str, name: str) -> str:
    """The correlation over an item's runs, as Markdown."""
    board = cache.tables()
    predictor = name if kind == "predictor" else state["predictor"]
    usable = profiles.runs_of(usable_runs(board, state), kind, name)
    if usable.empty:
        return f"None of its {state['origin']} runs counts as evidence here; choose other evidence below."
    try:
        found = scored(board, sorted(usable["sha256"]), predictor, *ask.asked(state))
    except UserError as error:
        return f"{markdown(str(error))}."
    whole = breakdown.overall(found, n_resamples=RESAMPLES)
    return (
        f"**{markdown(predictor)}: r {estimate(whole)}** over {whole.n_runs:,} runs: "
        f"{markdown(state['question'].lower())}."
    )
