"""What can be set on a page, and how its controls, its address and its contents hang together."""

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import gradio as gr
from gradio.components import Component

from sts_eval.errors import UserError
from sts_eval.store.board import Board
from sts_leaderboard.escaping import markdown
from sts_leaderboard.url_state import TAB, State, Value, as_value, from_query, parse_query, to_query

SHARED = ("question", "measure", "predictor", "origin", "evidence")
"""Controls that are one on all tabs: what is set on one tab is what the next one shows."""

TABS = ("predictors", "where", "compare", "runs", "explore", "run", "profile", "submit", "queue", "about")
FIRST = TABS[0]  # The tab that is open where an address names none.
NOWHERE = " "  # An address that is not empty and leads nowhere.
NO_TROUBLE = gr.update(visible=False)

# Handlers that only read may run side by side; the named endpoints stand apart in `api`.
READING: Mapping[str, Any] = {"api_visibility": "private", "concurrency_limit": None, "show_progress": "minimal"}
WRITING: Mapping[str, Any] = {"api_visibility": "private", "concurrency_limit": 4}

UNLABELLED: Mapping[str, Any] = {"show_label": False, "interactive": False}  # Something to read only.

Contents = dict[Any, Any]  # What components are to show; those that are left out stay as they are.


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
            # Until the choices are there. A visitor whose session the server has forgotten is back at this point, and
            # what he chose must not be refused.
            options["allow_custom_value"] = True
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


def cell(event: gr.SelectData, place: int) -> str:
    """A cell of the row that was selected, counted from 0; nothing where there is none."""
    row = event.row_value
    return str(row[place]) if isinstance(row, list) and len(row) > place else ""


def open_run_on_click(table: gr.Dataframe, place: int = 0) -> None:
    """A row of a table opens the run whose name is in the cell at a place, counted from 0, or -1 for the last."""

    def clicked_run(event: gr.SelectData) -> str:
        return cell(event, place)

    chosen = hidden_address()
    table.select(clicked_run, None, chosen, **READING).then(None, [chosen], None, js="visitRun")


def explore_on_click(table: gr.Dataframe, page: "Page", address_of: Callable[[str, State], str]) -> None:
    """A row of a table opens the address that `address_of` makes of its first cell and the page's state."""

    def clicked(event: gr.SelectData, *values: Any) -> str:
        return address_of(cell(event, 0), page.state(values))

    chosen = hidden_address()
    table.select(clicked, page.inputs, chosen, **READING).then(None, [chosen], None, js="visitExplore")


def hidden_address() -> gr.Textbox:
    """The carrier of an address: in the page, but not to be seen."""
    return gr.Textbox(visible="hidden", show_label=False)


@dataclass
class Page:
    """A page. It is made inside its tab."""

    name: str  # In addresses.
    tab: gr.Tab
    controls: Mapping[str, Control]  # By the names in addresses, in the order of addresses.
    components: Mapping[str, Component]  # The same as components.
    tables: Callable[[], Board]
    show: Callable[[State], Contents]  # From a state to what the outputs show.
    outputs: list[Any]
    after: list[Any] = field(default_factory=list)  # Events after which everything is shown anew.
    # Carries the address to the browser; empty until the page was restored from the browser's.
    address: gr.Textbox = field(default_factory=hidden_address)
    trouble: gr.Markdown = field(init=False)  # Where a line tells that the store cannot be read.
    shared: gr.Textbox = field(init=False)  # Carries the values of `SHARED` from tab to tab.

    @property
    def inputs(self) -> list[Component]:
        """The components of the controls, in the order of addresses."""
        return [self.components[name] for name in self.controls]

    @property
    def defaults(self) -> dict[str, Value]:
        """The state where an address says nothing."""
        return defaults_of(self.controls)

    def state(self, values: tuple[Any, ...]) -> dict[str, Any]:
        """The values of the components as a state; what is empty is the default."""
        state = self.defaults
        for (name, default), value in zip(self.defaults.items(), values, strict=True):
            if value is not None:
                state[name] = as_value(value, default)
        return state

    def offered(self) -> dict[str, list[str]]:
        """The choices of the controls that have some, by name."""
        found = {name: control.choices for name, control in self.controls.items() if control.choices is not None}
        return {name: list(some(self.tables()) if callable(some) else some) for name, some in found.items()}

    def wire(self, blocks: gr.Blocks, trouble: gr.Markdown, shared: gr.Textbox) -> None:
        """Show anew when a control is used or the tab is opened, and as the address says when the page is loaded."""
        self.trouble, self.shared = trouble, shared
        shown = [self.address, *self.outputs, trouble, shared]
        everything = [*shown, *self.inputs]
        options = {"show_progress_on": self.outputs, **READING}
        inputs = [shared, *self.inputs]
        events = [event.then(self._used, inputs, shown, **READING) for event in self.after]
        for component in self.components.values():
            # Of a text, `input` hears letters that are typed, but neither what is pasted nor that it was cleared.
            used = component.change if isinstance(component, gr.Textbox) else component.input  # type: ignore[attr-defined]  # events are added to components at run time
            events.append(used(self._used, inputs, shown, trigger_mode="always_last", **options))
        events.append(self.tab.select(self._opened, [self.address, *inputs], everything, **options))
        for event in events:
            event.then(None, [self.address], None, js="replaceAddress")
        if self.name == FIRST:
            # It is in the page from the start. Other tabs come into being, and take values, when they are opened.
            blocks.load(self._loaded, [shared], everything, **options)

    def _used(self, shared: str, *values: Any) -> Contents:
        return self._contents(self.state(values), shared)

    def _opened(self, address: str, shared: str, request: gr.Request, *_: Any) -> Any:
        if address:
            # Its last address, not its controls: a tab that opens twice in a row sends controls that are not set yet.
            state = from_query(parse_query(address), self.defaults)
            return self._contents(from_query(parse_query(shared), state), shared, restore=True)
        # The first tab opens by itself before its controls say what the address asks for.
        return gr.skip() if self.name == FIRST else self._loaded(shared, request)

    def _loaded(self, shared: str, request: gr.Request) -> Contents:
        pairs = request.query_params.multi_items()
        meant = tab_of(pairs) == self.name
        state = from_query(pairs if meant else [], self.defaults)
        state = from_query(parse_query(shared), state)
        return self._contents(state, shared, restore=True, show=meant or self.name != FIRST)

    def _contents(self, state: dict[str, Value], shared: str, *, restore: bool = False, show: bool = True) -> Contents:
        """What the page shows of a state; its controls are set to the state, too, where it is restored."""
        with error_notices():
            try:
                updates = self._updates(state) if restore else {}
                # Where nothing is shown, the address must not replace that of the tab which is about to open.
                contents = self.show(state) if show else {self.address: NOWHERE}
            except OSError as error:
                return {self.trouble: trouble_of(error)}
        address = to_query(self.name, state, self.defaults)
        if show:
            here = {name: state[name] for name in SHARED if name in state}
            contents = {self.shared: urlencode(dict(parse_query(shared)) | here), **contents}
        return {self.address: address, self.trouble: NO_TROUBLE, **updates, **contents}

    def _updates(self, state: dict[str, Value]) -> Contents:
        """What sets the components to a state, in which a value that is not on offer becomes one that is.

        Otherwise it would make every later use of the control an error.
        """
        options: dict[str, dict[str, Any]] = {name: {} for name in state}
        for name, choices in self.offered().items():
            given, default = state[name], self.defaults[name]
            if isinstance(given, tuple):
                state[name] = tuple(one for one in given if one in choices)
            elif given not in choices:
                state[name] = default if default in choices or not choices else choices[0]
            options[name] = {"choices": choices}
            if callable(self.controls[name].choices):
                options[name]["allow_custom_value"] = False
        values = {name: component_value(value) for name, value in state.items()}
        return {self.components[name]: gr.update(value=values[name], **options[name]) for name in state}


def trouble_of(error: OSError) -> Any:
    """The line that says that the store cannot be read. It names no place: an address may hold a secret."""
    why = markdown(error.strerror or type(error).__name__)
    return gr.update(
        value=f"**The store cannot be read ({why}).** What stands here may be old or missing. Try again in a minute; "
        "if it is your board, look at the address that `--store` was given.",
        visible=True,
    )


@contextmanager
def error_notices() -> Iterator[None]:
    """Tell the visitor what is wrong instead of failing. Notices are HTML, so text is escaped."""
    try:
        yield
    except (UserError, OSError) as error:
        why = str(error)
        if isinstance(error, OSError):
            known = error.strerror or type(error).__name__
            why = f"the store cannot be read or written ({known}). Try again in a minute."
        raise gr.Error(html.escape(why), duration=12, title="That did not work", print_exception=False) from error


def tab_of(pairs: list[tuple[str, str]]) -> str:
    """The page that an address names; the first where it names none that there is."""
    return next((value for name, value in pairs if name == TAB and value in TABS), FIRST)


def opened_tab(request: gr.Request) -> Any:
    """Open the tab that the address names."""
    name = tab_of(request.query_params.multi_items())
    return gr.skip() if name == FIRST else gr.update(selected=name)


def set_address(tab: gr.Tab, name: str) -> None:
    """Give a tab without a state an address."""
    tab.select(None, None, None, js=f"() => history.replaceState(null, '', '?{TAB}={name}')")
