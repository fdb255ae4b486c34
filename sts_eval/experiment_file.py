"""An experiment as a YAML file: reading one, and writing one that explains itself."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from sts_eval.errors import UserError
from sts_eval.experiment import Run, Spec

Read = TypeVar("Read", bound=Spec)


def read_experiment(path: Path) -> Run:
    """Read an experiment file.

    Raises:
        UserError: The file is missing, is not YAML (with the line), or says something unknown.
    """
    return read_description(path, Run, "sts-eval init")


def read_description(path: Path, kind: type[Read], command: str) -> Read:
    """Read a YAML file that describes something. `command` is the one that writes such a file to start from.

    Raises:
        UserError: The file is missing, is not YAML (with the line), or says something unknown.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})", f"Write one with `{command}`") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise UserError(f"{path} is not YAML{where}", f"Correct that line; `{command}` writes an example") from error
    if not isinstance(values, dict):
        raise UserError(f"{path} describes nothing", f"Start from the file that `{command}` writes")
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        if first["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(first["loc"][-1]), _names(kind), n=1)
            raise UserError(
                f"{path}: there is no setting {key!r}",
                f"Did you mean {near[0]!r}?" if near else f"`{command}` writes a file with all of them",
            ) from error
        raise UserError(f"{path}: {key}: {first['msg']}", "Correct that value") from error


def template(run: Run) -> str:
    """An experiment file with every setting, its meaning as a comment, and this run's values.

    Settings at their default are commented out.
    """
    head = "# What to predict, how to tune, what to measure. Run it: sts-eval run THIS_FILE\n"
    return head + "".join(section(name, getattr(run, name)) for name in type(run).model_fields)


def section(name: str, part: BaseModel) -> str:
    """One part of a description as YAML: a line of comment before each setting, defaults commented out."""
    fields = type(part).model_fields
    default = {
        field for field, info in fields.items() if not info.is_required() and getattr(part, field) == info.default
    }
    lines = [f"\n# {(type(part).__doc__ or '').splitlines()[0]}", f"{name}:"]
    if len(default) == len(fields):
        lines[1] += " {}  # all at their defaults; to change some, write them below instead of the braces"
    for field, info in fields.items():
        lines.append(f"  # {info.description}")
        lines.append(f"  {'# ' if field in default else ''}{field}: {as_yaml(getattr(part, field))}")
    return "\n".join(lines) + "\n"


def section_of_list(name: str, title: str, parts: Sequence[BaseModel]) -> str:
    """A list of parts as YAML: what each setting means above it, and of each part what is not at its default."""
    fields = type(parts[0]).model_fields
    lines = [f"\n# {title}. Settings of each:", *(f"#   {field}: {fields[field].description}" for field in fields)]
    values = [part.model_dump(mode="json", exclude_defaults=True) for part in parts]
    return "\n".join(lines) + "\n" + yaml.safe_dump({name: values}, sort_keys=False, width=10_000)


def as_yaml(value: Any) -> str:
    """A value of a setting on one line of YAML."""
    plain = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    plain = list(plain) if isinstance(plain, tuple) else plain
    text = yaml.safe_dump(plain, default_flow_style=True, sort_keys=False, width=10_000)
    return text.removesuffix("\n...\n").strip()


def _names(kind: Any) -> list[str]:
    """Names of all settings of a description, of its parts, and of the parts in its lists."""
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return [name for one in get_args(kind) for name in _names(one)]
    return [name for field, info in kind.model_fields.items() for name in (field, *_names(info.annotation))]
