"""What every page is made of, and how its controls, its address and its contents hang together."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import gradio as gr

from sts_eval.errors import UserError
from sts_leaderboard.inert import markdown
from sts_leaderboard.links import TAB, State, Value, from_query, parsed, to_query

# Addresses are put in place of the last one, so that "back" leaves the board instead of undoing one filter.
# A slow answer for a tab that was left meanwhile does not take the address over.
REPLACE = """(query) => {
  const open = document.querySelector('[role=tab][aria-selected=true]');
  if (query.startsWith('?') && open
      && open.textContent.trim().toLowerCase() === new URLSearchParams(query).get('tab')) {
    history.replaceState(null, '', query);
  }
}"""

FIRST = "predictors"
"""The tab that is open where an address names none."""

NOWHERE = " "
"""An address that is not empty and leads nowhere."""

NO_TROUBLE = gr.update(visible=False)
"""The store could be read."""

READING: Mapping[str, Any] = {"api_visibility": "private", "concurrency_limit": None, "show_progress": "minimal"}
"""Handlers that only read may run side by side; the named endpoints stand apart in `api`."""


@dataclass
class Page:
    """A page.

    Attributes:
        name: In addresses.
        tab: Its tab.
        controls: What is set, by the names in addresses.
        defaults: Their values where an address says nothing.
        show: From a state to the values of `outputs`.
        outputs: What is shown.
        offered: Gives the choices of controls, by name.
        address: Carries the address to the browser; empty until the page was restored from the browser's.
        after: Events after which everything is shown anew.
    """

    name: str
    tab: gr.Tab
    controls: Mapping[str, gr.components.Component]
    defaults: State
    show: Callable[[State], tuple[Any, ...]]
    outputs: list[Any]
    address: gr.Textbox
    offered: Callable[[], Mapping[str, list[str]]] = field(default=dict)
    after: list[Any] = field(default_factory=list)

    @property
    def inputs(self) -> list[gr.components.Component]:
        """The controls, in the order of the defaults."""
        return [self.controls[name] for name in self.defaults]

    def state(self, values: tuple[Any, ...]) -> dict[str, Value]:
        """The values of the controls as a state; what is empty is the default."""
        pairs = zip(self.defaults.items(), values, strict=True)
        return {name: default if value is None else _like(value, default) for (name, default), value in pairs}

    def shown(self, *values: Any) -> tuple[Any, ...]:
        """The address and the contents for these values of the controls, and whether there was trouble."""
        state = self.state(values)
        try:
            return (to_query(self.name, state, self.defaults), *said(self.show, state), NO_TROUBLE)
        except OSError as error:
            return (*self._skipped(without=len(self.inputs)), trouble_of(error))

    def wire(self, blocks: gr.Blocks, trouble: gr.Markdown) -> None:
        """Show anew when a control is used or the tab is opened, and as the address says when the page is loaded.

        Args:
            blocks: The whole page.
            trouble: Where it is said that the store cannot be read.
        """
        shown = [self.address, *self.outputs, trouble]
        for control in self.controls.values():
            moved = control.input(  # type: ignore[attr-defined]  # events are added to components at run time
                self.shown, self.inputs, shown, trigger_mode="always_last", show_progress_on=self.outputs, **READING
            )
            moved.then(None, [self.address], None, js=REPLACE)
        for event in self.after:
            event.then(self.shown, self.inputs, shown, **READING).then(None, [self.address], None, js=REPLACE)
        opened = self.tab.select(
            self._opened,
            [self.address, *self.inputs],
            [self.address, *self.inputs, *self.outputs, trouble],
            show_progress_on=self.outputs,
            **READING,
        )
        opened.then(None, [self.address], None, js=REPLACE)
        if self.name == FIRST:
            # It is in the page from the start. Other tabs come into being, and take values, when they are opened.
            blocks.load(
                self._restored,
                None,
                [self.address, *self.inputs, *self.outputs, trouble],
                show_progress_on=self.outputs,
                **READING,
            )

    def _opened(self, address: str, request: gr.Request, *_: Any) -> tuple[Any, ...]:
        if address:
            # Its last address, not its controls: a tab that opens twice in a row sends controls that are not set yet.
            return self._restored_from(parsed(address))
        if self.name == FIRST:
            # It opens by itself before its controls say what the address asks for.
            return (*self._skipped(), gr.skip())
        return self._restored(request)

    def _restored(self, request: gr.Request) -> tuple[Any, ...]:
        pairs = _pairs(request)
        meant = tab_of(pairs) == self.name
        return self._restored_from(pairs if meant else [], show=meant or self.name != FIRST)

    def _restored_from(self, pairs: list[tuple[str, str]], *, show: bool = True) -> tuple[Any, ...]:
        state = from_query(pairs, self.defaults)
        try:
            offered = said(self.offered)
        except OSError as error:
            return (*self._skipped(), trouble_of(error))
        for name, choices in offered.items():
            # A value that is not on offer would make every later use of the control an error.
            given, default = state[name], self.defaults[name]
            if isinstance(given, tuple):
                state[name] = tuple(one for one in given if one in choices)
            elif given not in choices:
                state[name] = default if default in choices or not choices else choices[0]
        set_to = [_setting(state[name], offered.get(name)) for name in self.defaults]
        address = to_query(self.name, state, self.defaults)
        if not show:
            # Restored, but its address must not replace that of the tab which is about to open.
            return (NOWHERE, *set_to, *(gr.skip() for _ in self.outputs), NO_TROUBLE)
        try:
            return (address, *set_to, *said(self.show, state), NO_TROUBLE)
        except OSError as error:
            return (*self._skipped(), trouble_of(error))

    def _skipped(self, *, without: int = 0) -> tuple[Any, ...]:
        return tuple(gr.skip() for _ in range(1 + len(self.inputs) + len(self.outputs) - without))


def trouble_of(error: OSError) -> Any:
    """The line that says that the store cannot be read. It names no place: an address may hold a secret."""
    why = markdown(error.strerror or type(error).__name__)
    return gr.update(
        value=f"**The store cannot be read ({why}).** What stands here may be old or missing. Try again in a minute; "
        "if it is your board, look at the address that `--store` was given.",
        visible=True,
    )


def said(show: Callable[..., Any], *arguments: Any) -> Any:
    """Call a handler, and tell the visitor what is wrong instead of failing. Notices are HTML, so text is escaped."""
    try:
        return show(*arguments)
    except UserError as error:
        raise gr.Error(
            html.escape(str(error)), duration=12, title="That did not work", print_exception=False
        ) from error


def answered(handler: Callable[..., Any], *arguments: Any) -> Any:
    """As `said`, for a handler of a button: a store that cannot be read is told in a notice, too."""
    try:
        return said(handler, *arguments)
    except OSError as error:
        why = html.escape(error.strerror or type(error).__name__)
        raise gr.Error(
            f"the store cannot be read or written ({why}). Try again in a minute.",
            title="That did not work",
            print_exception=False,
        ) from error


def tab_of(pairs: list[tuple[str, str]]) -> str:
    """The page that an address names; the first by default."""
    return next((value for name, value in pairs if name == TAB), FIRST)


def opened_tab(request: gr.Request) -> Any:
    """Open the tab that the address names."""
    name = tab_of(_pairs(request))
    return gr.skip() if name == FIRST else gr.update(selected=name)


def addressed(tab: gr.Tab, name: str) -> None:
    """Give a tab without a state an address."""
    tab.select(None, None, None, js=f"() => history.replaceState(null, '', '?{TAB}={name}')")


def hidden_address() -> gr.Textbox:
    """The carrier of an address: in the page, but not to be seen."""
    return gr.Textbox(visible="hidden", show_label=False)


def _pairs(request: gr.Request) -> list[tuple[str, str]]:
    given = getattr(request, "query_params", None)
    return (
        list(given.multi_items())
        if given is not None and hasattr(given, "multi_items")
        else list(dict(given or {}).items())
    )


def _like(value: Any, default: Value) -> Value:
    if isinstance(default, tuple):
        return tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),)
    if isinstance(default, bool):
        return bool(value)
    return int(value) if isinstance(default, int) else str(value)


def _setting(value: Value, choices: list[str] | None) -> Any:
    plain = list(value) if isinstance(value, tuple) else value
    return gr.update(value=plain) if choices is None else gr.update(value=plain, choices=choices)


def save_buttons(made: Callable[..., tuple[bytes, str]], inputs: list[Any], kinds: Mapping[str, str]) -> None:
    """Buttons that save what is shown: the file is made when it is asked for.

    Args:
        made: From (kind, values of the inputs) to content and file name.
        inputs: What it depends on.
        kinds: Label of each button by kind.
    """
    from sts_leaderboard.downloads import as_file

    carrier = gr.DownloadButton("file", visible="hidden", elem_id=f"file-{abs(hash(made))}")
    press = (
        "() => new Promise((done) => setTimeout(() => { const found = document.getElementById('"
        f"{carrier.elem_id}'); (found.querySelector('a, button') || found).click(); done([]); }}, 400))"
    )
    with gr.Row(elem_classes="saving"):
        for kind, label in kinds.items():

            def save(*values: Any, kind: str = kind) -> str:
                content, name = answered(made, kind, *values)
                return as_file(content, name)

            button = gr.Button(label, size="sm", min_width=90)
            saved = button.click(save, inputs, carrier, **READING)
            saved.success(None, None, None, js=press)
