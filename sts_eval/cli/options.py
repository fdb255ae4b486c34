"""Options that several commands have, and those that are made from the settings of a description."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import click

from sts_eval.settings import Setting

Command = TypeVar("Command", bound=Callable[..., Any])

PATH = click.Path(path_type=Path)

STANDARD_OUTPUT = Path("-")

POST_HOC = click.option(
    "--post-hoc",
    is_flag=True,
    help="Accept a prediction that was made after fine-tuning started, and say so in the result.",
)

UNRELATED = click.option(
    "--unrelated",
    is_flag=True,
    help="Accept a prediction and a measured change of different models, training sets or benchmarks, and say so in "
    "large letters in the result.",
)


def output(help_text: str) -> Callable[[Command], Command]:
    """The option -o, --output."""
    return click.option("-o", "--output", type=PATH, help=help_text)


PARTS = {
    "model": "Model",
    "sae": "SAE",
    "training_set": "Training set",
    "benchmark": "Benchmark",
    "settings": "Method",
    "tune": "Fine-tuning",
}
"""Headings of `--help` by the parts of a description."""

OTHERS = "Options"  # the heading of options that are no settings


class SettingOption(click.Option):
    """An option that is made from a setting, and its heading in the help."""

    def __init__(self, *names: Any, heading: str, **given: Any) -> None:
        super().__init__(*names, **given)
        self.heading = heading


class GroupedCommand(click.Command):
    """A command whose help lists its options under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, those of one heading together."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for option in self.get_params(ctx):
            if (record := option.get_help_record(ctx)) is not None:
                sections.setdefault(getattr(option, "heading", OTHERS), []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def settings_options(settings: Sequence[Setting]) -> Callable[[Command], Command]:
    """An option for each setting: its name, type, default and help are those of the field."""

    def decorate(command: Command) -> Command:
        for setting in reversed(settings):
            command = _option(setting)(command)
        return command

    return decorate


def _option(setting: Setting) -> Callable[[Command], Command]:
    default, flag, multiple = setting.info.default, setting.option, False
    annotation: Any = setting.info.annotation
    if get_origin(annotation) in (Union, UnionType):  # of a type and None; Union where the type is Annotated
        (annotation,) = (one for one in get_args(annotation) if one is not NoneType)
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if annotation is bool and default is not False:
        flag = f"{flag}/--no-{flag[2:]}"
    if get_origin(annotation) is Literal:
        annotation = click.Choice(get_args(annotation))
    elif get_origin(annotation) is tuple:
        annotation, multiple = get_args(annotation)[0], True
    return click.option(
        flag,
        setting.name,
        cls=SettingOption,
        heading=PARTS.get(setting.part, OTHERS),
        type=annotation,
        is_flag=annotation is bool,
        multiple=multiple,
        required=setting.info.is_required(),
        # A default of None would count as a value since click 8.3.
        **({} if setting.info.is_required() else {"default": default, "show_default": default is not False}),
        help=setting.sentence + (" May be repeated." if multiple else ""),
    )
