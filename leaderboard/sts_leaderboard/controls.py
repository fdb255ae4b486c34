"""What can be set on a page: each control described once, for its component, its address and its choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
from gradio.components import Component

from sts_eval.store.board import Board
from sts_leaderboard.badges import ORIGINS
from sts_leaderboard.url_state import Value


@dataclass(frozen=True)
class Control:
    """Something that can be set on a page."""

    kind: type[Component]
    label: str
    default: Value  # Where an address says nothing. A tuple stands for a choice of several.
    choices: Sequence[str] | Callable[[Board], Sequence[str]] | None = None  # None where anything can be given.
    options: Mapping[str, Any] = field(default_factory=dict)  # What the component takes beside.

    def make(self) -> Component:
        """The component, inside the blocks that are open. Choices that come from a store are set on loading."""
        options = {**self.options, "label": self.label, "value": component_value(self.default)}
        if isinstance(self.default, tuple):
            options["multiselect"] = True
        if callable(self.choices):
            options["choices"] = [self.default] if isinstance(self.default, str) else []
        elif self.choices is not None:
            options["choices"] = list(self.choices)
        return self.kind(**options)


def make_row(controls: Mapping[str, Control], *names: str) -> dict[str, Component]:
    """Some of the controls as components in a row, by name."""
    with gr.Row():
        return {name: controls[name].make() for name in names}


def defaults_of(controls: Mapping[str, Control]) -> dict[str, Value]:
    """The state of a page whose address says nothing."""
    return {name: control.default for name, control in controls.items()}


def component_value(value: Value) -> Any:
    """A value as components take it: several are a list."""
    return list(value) if isinstance(value, tuple) else value


def distinct(column: str) -> Callable[[Board], list[str]]:
    """The values of a column of the table of runs, as choices."""
    return lambda board: sorted(map(str, board.runs[column].dropna().unique()))


def predictor_names(board: Board) -> list[str]:
    """Predictors that have scores in the store, those of most runs first."""
    return list(map(str, board.predictors.index)) or ["sts_icl"]


ORIGIN = Control(gr.Radio, "Origin (never mixed)", ORIGINS[0], ORIGINS)
MODELS = Control(gr.Dropdown, "Models (all if empty)", (), distinct("model"))
TRAINING_SETS = Control(gr.Dropdown, "Training sets (all if empty)", (), distinct("training_set"))
PREDICTOR = Control(gr.Dropdown, "Predictor", "sts_icl", predictor_names)
