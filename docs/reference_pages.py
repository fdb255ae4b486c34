"""The pages of the reference that come from the code: functions, commands from click, records from pydantic."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from typing import Any, get_type_hints

import click
from pydantic import BaseModel
from settings_tables import markdown

import sts_eval.api
import sts_eval.records
from sts_eval.cli import SECTIONS, cli
from sts_eval.records.record import Part, Record

WIDTH = 100  # of a help text, in characters


def api() -> str:
    """Every public function, then every class; mkdocstrings puts their docstrings there."""
    names = sorted(sts_eval.api.__all__, key=lambda name: (name[0].isupper(), name))
    return "\n\n".join(f"::: sts_eval.{name}" for name in names)


def commands() -> str:
    """The help of every command, by the sections of `sts-eval --help`."""
    parts = []
    for title, names in SECTIONS.items():
        parts.append(f"## {title}")
        for name in names:
            parts += _helps(cli, click.Context(cli, info_name="sts-eval"), name)
    return "\n\n".join(parts)


def _helps(group: click.Group, parent: click.Context, name: str) -> Iterator[str]:
    _, command, _ = group.resolve_command(parent, [name])
    if command is None:
        return
    context = click.Context(command, parent=parent, info_name=name, terminal_width=WIDTH, max_content_width=WIDTH)
    yield f"### {context.command_path}\n\n```text\n{command.get_help(context)}\n```"
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            yield from _helps(command, context, inner)


def records() -> str:
    """A table of fields for every record, and for every part of one."""
    for module in pkgutil.iter_modules(sts_eval.records.__path__):
        importlib.import_module(f"sts_eval.records.{module.name}")
    whole = sorted(Record.__subclasses__(), key=lambda one: one.__name__)
    parts = sorted(set(_kinds(Part)) - {Part, Record, *whole}, key=lambda one: one.__name__)
    known = {one.__name__ for one in (*whole, *parts)}
    tables = [_table(one, known) for one in whole]
    return "\n\n".join([*tables, "## Parts of records", *(_table(one, known, "###") for one in parts)])


def _kinds(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield kind
    for one in kind.__subclasses__():
        yield from _kinds(one)


def _table(kind: type[BaseModel], known: set[str], heading: str = "##") -> str:
    hints = get_type_hints(kind)  # without the constraints of `Annotated`
    rows = [
        (f"`{name}`", _type(hints[name], known), field.description or "") for name, field in kind.model_fields.items()
    ]
    return f"{heading} {kind.__name__}\n\n{inspect.getdoc(kind)}\n\n{markdown(('field', 'type', 'meaning'), rows)}"


def _type(annotation: Any, known: set[str]) -> str:
    """A type as it is written, without the modules of its names; records and parts are links."""
    written = re.sub(r"\b(?:\w+\.)+(?=\w)", "", inspect.formatannotation(annotation)).replace("NoneType", "None")
    return re.sub(r"\w+", lambda name: f"[{name[0]}](#{name[0].lower()})" if name[0] in known else name[0], written)


PAGES = {"api": api, "commands": commands, "records": records}
