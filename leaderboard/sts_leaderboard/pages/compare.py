"""Two models, training sets, SAEs or predictors side by side, with the paired interval of the difference."""

from typing import Any

import gradio as gr
import pandas as pd

from sts_eval.analysis.answers import verdict_of
from sts_eval.analysis.contrast import Contrast, contrast_predictors, contrast_runs
from sts_eval.analysis.wording import counted, interval, signed
from sts_eval.errors import UserError
from sts_eval.store.scored import scored
from sts_leaderboard import asked as ask
from sts_leaderboard import page as ui
from sts_leaderboard import profiles
from sts_leaderboard.board_cache import RESAMPLES, BoardCache
from sts_leaderboard.cells import figure_table, number, r_cell
from sts_leaderboard.escaping import markdown
from sts_leaderboard.run_selection import chosen_of, usable_runs
from sts_leaderboard.url_state import State

FIRST, SECOND = "predictor: sts_icl", "predictor: tfidf_cosine"

CONTROLS = {
    "first": ui.Control(gr.Dropdown, "First", FIRST, lambda board: profiles.items(board) or [FIRST]),
    "second": ui.Control(
        gr.Dropdown, "Second, of the same kind", SECOND, lambda board: profiles.items(board) or [SECOND]
    ),
    "question": ask.QUESTION,
    "measure": ask.MEASURE,
    "predictor": ask.PREDICTOR,
    "origin": ask.ORIGIN,
    "evidence": ask.EVIDENCE,
}

PAIRED_ON = {
    "model": ["benchmark", "training_set"],
    "training_set": ["benchmark", "model"],
    "sae": ["benchmark", "model", "training_set"],
}
"""What the runs of two items have to share to be a pair."""

MEANING = (
    "Two predictors are compared over the same runs; two models over the training sets that both were tuned on, two "
    "sets over the models that were tuned on both, two SAEs over models and sets. Only pairs count, so r may differ "
    "from that of all runs. The interval is a bootstrap in which both sides see the same models, sets and domains."
)


def build(cache: BoardCache) -> ui.Page:
    """The page, inside the tabs that are open."""
    with gr.Tab("Compare", id="compare") as tab:
        headline = gr.Markdown(latex_delimiters=[], elem_id="compare-r")
        components = ui.make_row(CONTROLS, "first", "second")
        with gr.Accordion("Ask another question, choose runs", open=False):
            components |= ui.make_row(CONTROLS, "question", "measure", "predictor")
            components |= ui.make_row(CONTROLS, "origin", "evidence")
        table = gr.Dataframe(sides_table(None), label="Side by side", interactive=False, pinned_columns=1)
        gr.Markdown(MEANING, elem_classes="small", latex_delimiters=[])

        def show(state: State) -> ui.Contents:
            try:
                found = contrast(cache, state)
            except UserError as error:
                return {headline: markdown(str(error)), table: sides_table(None)}
            return {headline: contrast_text(found, state), table: sides_table(found)}

        return ui.Page("compare", tab, CONTROLS, components, cache.tables, cache.remembered(show), [headline, table])


def contrast(cache: BoardCache, state: State) -> Contrast:
    """Compare the two items of a state.

    Raises:
        UserError: They are of different kinds, or one of them is not there.
    """
    board = cache.tables()
    (kind, first), (other, second) = (profiles.kind_and_name(state[side]) for side in ("first", "second"))
    if not kind or kind != other:
        raise UserError("only two of a kind can be compared", "Choose two models, sets, SAEs or predictors")
    key = ask.asked(state)
    if kind == "predictor":
        shas = chosen_of(board, state).shas
        one, two = (scored(board, shas, name, *key) for name in (first, second))
        return contrast_predictors(one, two, (first, second), n_resamples=RESAMPLES)
    pairs = paired_runs(usable_runs(board, state), kind, first, second)
    left, right = list(pairs["sha256_x"]), list(pairs["sha256_y"])
    both = scored(board, list(dict.fromkeys([*left, *right])), state["predictor"], *key)
    place = {sha: row for row, sha in enumerate(dict.fromkeys([*left, *right]))}
    one, two = (both.at([place[sha] for sha in side]) for side in (left, right))
    return contrast_runs(one, two, (first, second), n_resamples=RESAMPLES)


def paired_runs(runs: pd.DataFrame, kind: str, first: str, second: str) -> pd.DataFrame:
    """Pairs of runs of two items, by the columns `sha256_x` and `sha256_y`; of several of one item the newest."""
    on = PAIRED_ON[kind]
    sides = (profiles.runs_of(runs, kind, name).drop_duplicates(on, keep="last") for name in (first, second))
    one, two = (side[["sha256", *on]].reset_index(drop=True) for side in sides)
    return one.merge(two, on=on)


def contrast_text(found: Contrast, state: State) -> str:
    """The answer, as Markdown."""
    names = [markdown(side.name) for side in (found.first, found.second)]
    what = f"{markdown(state['question'].lower())}, by {state['measure']}"
    if found.difference is None:
        return f"**{names[0]} and {names[1]} are not compared**: {markdown(found.undefined or 'no pairs')} ({what})."
    said = {
        "yes": "{} has a higher r than {}",
        "no": "{} has a lower r than {}",
        "cannot tell": "{} and {} cannot be told apart by r",
    }[verdict_of(found.difference, found.interval)]
    difference = f"{signed(found.difference)} {interval(found.interval)}".removesuffix(" –")
    return f"**{said.format(*names)}: difference {difference}** over {counted(found.n_pairs, 'pair')} of runs: {what}."


def sides_table(found: Contrast | None) -> dict[str, Any]:
    """Both sides and their difference."""
    rows = (
        []
        if found is None
        else [
            (found.first.name, found.first.r, found.first.interval, found.first.n_runs),
            (found.second.name, found.second.r, found.second.interval, found.second.n_runs),
            ("first − second", found.difference, found.interval, found.n_pairs),
        ]
    )
    columns = {
        "": lambda row: row[0],
        "r, 95%": lambda row: r_cell(row[1], row[2]),
        "runs": lambda row: number(row[3], str(row[3])),
    }
    return figure_table(rows, columns)
