"""The first screen: three computed sentences, and one short table in plain words."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from sts_eval.analysis import breakdown
from sts_eval.analysis.answers import answers, beats, best_baseline
from sts_eval.analysis.table_rows import BASELINE
from sts_eval.records.comparison import Comparison, Row, Table
from sts_eval.store.board import Board
from sts_eval.store.scored import scored
from sts_leaderboard.asked import asked
from sts_leaderboard.board_cache import RESAMPLES
from sts_leaderboard.cells import Figure, figure_table, number, r_cell
from sts_leaderboard.escaping import markdown
from sts_leaderboard.run_selection import WORLDS, Chosen
from sts_leaderboard.url_state import State

LONGEST = 1500  # Characters of a sentence.
LAB = "The lab: a tiny made-up world in this tool, no real models"
WORLD_LABELS = {"real models": "Real models", "lab": LAB}
HEADS = {"works": "Does STS work?", "against": "By how much against the best baseline?", "models": "On which models?"}

NEEDS = {
    "L": "right answers",
    "G": "gradients",
    "P": "a short training",
    "O": "the tuned model",
}
GROUPS = {
    "lexical": "the texts only",
    "home": "what the set is made for",
    "history": "results of other runs",
    "null": "results of other runs",
    "sts": "the model and its SAE",
    "profile": "the model, mostly its SAE",
}
"""What a group of predictors needs."""

STS = "font-weight:700"  # Its rows are found at a glance.
MODEL = "the model"  # what any other group needs


def sentences(board: Board, state: State, compared: dict[str, tuple[Chosen, Comparison]]) -> str:
    """The three answers as Markdown, for real models first and the lab last."""
    question, measure = asked(state)
    lines: dict[str, list[str]] = {name: [] for name in HEADS}
    for world, (chosen, comparison) in compared.items():
        parts: tuple[breakdown.Part, ...] = ()
        if comparison.reference in board.predictors.index:
            found = scored(board, chosen.shas, comparison.reference, question, measure)
            parts = breakdown.by_model(found, n_resamples=RESAMPLES)
        name = "Lab" if WORLDS[world] else "Real models"
        for head, sentence in answers(comparison, measure, parts, question)._asdict().items():
            lines[head].append(f"*{name}*: {markdown(sentence, LONGEST)}")
    if not any(not WORLDS[world] for world in compared):
        lines["works"].insert(0, f"*Real models*: {no_real_models(board.runs, state)}")
    return "\n\n".join(f"**{HEADS[head]}** {' '.join(told)}" for head, told in lines.items())


def no_real_models(runs: pd.DataFrame, state: State) -> str:
    """Why nothing is said about real models."""
    real = runs[~runs["lab"] & ~runs["withdrawn"]]
    there = real[real["origin"] == state["origin"]]
    if len(there):
        return f"none of {len(there):,} {state['origin']} runs can be compared as chosen."
    others = ", ".join(f"{number:,} {origin}" for origin, number in real["origin"].value_counts().items())
    return f"not known yet: no {state['origin']} run of one is here" + (f" ({others})." if others else ".")


def short_table(found: Table) -> dict[str, Any]:
    """STS's rows, TF-IDF, the best other predictor and the best history: the best first."""
    columns: dict[str, Callable[[Row], object]] = {
        "predictor": lambda row: Figure(None, row.name, STS if row.group == "sts" else ""),
        "r, 95%": lambda row: r_cell(row.r, row.bootstrap),
        "beats TF-IDF?": lambda row: "–" if row.name == BASELINE else beats(row.from_baseline),
        "what it needs": needs,
        "cost of a run": cost,
    }
    return figure_table(sorted(short_rows(found), key=lambda row: -(row.r if row.r is not None else -2.0)), columns)


def short_rows(found: Table) -> list[Row]:
    """The rows that are always in sight."""
    best = best_baseline(found)
    wanted = {BASELINE, found.best_history, best.name if best else None}
    return [row for row in found.rows if row.group == "sts" or row.name in wanted]


def needs(row: Row) -> str:
    """What a predictor needs, in words."""
    return ", ".join([GROUPS.get(row.group, MODEL), *(NEEDS[flag] for flag in row.flags if flag in NEEDS)])


def cost(row: Row) -> object:
    """Seconds of a run and passes over the model, in words."""
    if row.cost is None:
        return number(None, "")
    seconds = f"{row.cost.seconds:.0f} s" if row.cost.seconds >= 1 else "under 1 s"
    total = row.cost.passes + row.cost.backward_passes
    return number(row.cost.seconds, f"{seconds}, {total:,.0f} passes" if total else f"{seconds}, no pass")
