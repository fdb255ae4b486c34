"""What is asked and of which runs: the same on every tab, since a control that is set on one is set on all."""

import gradio as gr

from sts_eval.analysis import wording
from sts_eval.records.comparison import Measure, Question
from sts_eval.store.board import Board
from sts_leaderboard import page as ui
from sts_leaderboard.badges import ORIGINS
from sts_leaderboard.run_selection import ALL, CHECKED
from sts_leaderboard.url_state import State

# By what the page calls them.
QUESTIONS: dict[str, Question] = {name: key for key, name in wording.QUESTIONS.items() if not key.endswith("_away")}
QUESTIONS["Which way, home domains left out"] = "which_way_away"
QUESTIONS["… home domains left out"] = "which_set_away"

MEASURES: dict[str, Measure] = {wording.MEASURES[key]: key for key in ("accuracy", "logprob")}
"""Those that the store's tables hold."""


def predictor_names(board: Board) -> list[str]:
    """Predictors that have scores in the store, those of most runs first."""
    return list(map(str, board.predictors.index)) or ["sts_icl"]


ORIGIN = ui.Control(gr.Radio, "Origin (never mixed)", ORIGINS[0], ORIGINS)
# Where no benchmark is chosen, that of real models is taken before the lab's; the store's settings may say which.
BENCHMARK = ui.Control(gr.Dropdown, "Benchmark", "", lambda board: ["", *ui.distinct("benchmark")(board)])
EVIDENCE = ui.Control(gr.Radio, "Evidence", CHECKED, (CHECKED, ALL))
QUESTION = ui.Control(gr.Dropdown, "Question", next(iter(QUESTIONS)), tuple(QUESTIONS))
MEASURE = ui.Control(gr.Radio, "Measured by", "accuracy", tuple(MEASURES))
PREDICTOR = ui.Control(gr.Dropdown, "Predictor", "sts_icl", predictor_names)
MODELS = ui.Control(gr.Dropdown, "Models (all if empty)", (), ui.distinct("model"))
TRAINING_SETS = ui.Control(gr.Dropdown, "Training sets (all if empty)", (), ui.distinct("training_set"))


def asked(state: State) -> tuple[Question, Measure]:
    """The question and the measure of a state."""
    return QUESTIONS[state["question"]], MEASURES[state["measure"]]
