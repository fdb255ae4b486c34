"""Options that several commands have, and those that are made from the settings of a description."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, TypeVar, get_args, get_origin

import click

from sts_eval.settings import Setting

Command = TypeVar("Command", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)

EXPERIMENT = click.argument("experiment", type=PATH)

POST_HOC = click.option(
    "--post-hoc",
    is_flag=True,
    help="Accept a prediction that was made after fine-tuning started, and say so in the result.",
)

STORE = click.option(
    "--store", "--to", "url", required=True, metavar="STORE", help="The store: a folder, hf:// or s3:// address."
)


def output(help_text: str) -> Callable[[Command], Command]:
    """The option -o, --output."""
    return click.option("-o", "--output", type=PATH, help=help_text)


def folder_of_run(experiment: Path, folder: Path | None) -> Path:
    """The folder of an experiment's run: the one that is named, or runs/NAME."""
    return folder or Path("runs") / experiment.stem


RUN_FOLDER = click.option("--folder", type=PATH, help="The folder of the run.  [default: runs/NAME-OF-EXPERIMENT]")


def settings_options(settings: Sequence[Setting]) -> Callable[[Command], Command]:
    """An option for each setting: its name, type, default and help are those of the field."""

    def decorate(command: Command) -> Command:
        for setting in reversed(settings):
            info = setting.info
            declaration, given = _typed(setting.option, info.annotation)
            given["help"] = setting.sentence + (" May be repeated." if given.get("multiple") else "")
            if info.is_required():
                given["required"] = True
            elif info.default not in (None, (), False):
                given |= {"default": info.default, "show_default": True}
            command = click.option(declaration, setting.name, **given)(command)
        return command

    return decorate


def _typed(option: str, annotation: Any) -> tuple[str, dict[str, Any]]:
    """The declaration of an option that takes values of a type, and click's arguments for it."""
    optional = get_origin(annotation) is UnionType
    if optional:
        (annotation,) = (one for one in get_args(annotation) if one is not NoneType)
    if annotation is bool:
        return (f"{option}/--no-{option[2:]}", {"default": None}) if optional else (option, {"is_flag": True})
    if get_origin(annotation) is Literal:
        return option, {"type": click.Choice(get_args(annotation))}
    if get_origin(annotation) is tuple:
        return option, {"type": get_args(annotation)[0], "multiple": True}
    return option, {"type": annotation}
