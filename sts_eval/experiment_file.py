"""An experiment as a YAML file: reading one, and writing one that explains itself."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from sts_eval.errors import UserError
from sts_eval.experiment import Run


def read_experiment(path: Path) -> Run:
    """Read an experiment file.

    Raises:
        UserError: The file is missing, is not YAML (with the line), or says something unknown.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})", "Write one with `sts-eval init`") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise UserError(f"{path} is not YAML{where}", "Mend that line; `sts-eval init` shows the form") from error
    if not isinstance(values, dict):
        raise UserError(f"{path} describes nothing", "Start from the file that `sts-eval init` writes")
    try:
        return Run.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            near = difflib.get_close_matches(str(first["loc"][-1]), _names(Run), n=1)
            raise UserError(
                f"{path}: there is no setting {key!r}",
                f"Did you mean {near[0]!r}" if near else "`sts-eval init` writes a file with all of them",
            ) from error
        raise UserError(f"{path}: {key}: {first['msg']}", "Correct that value") from error


def template(run: Run) -> str:
    """An experiment file with every setting, its meaning as a comment, and this run's values.

    Settings that stand at their default are commented out.
    """
    head = "# What to predict, how to tune, what to measure. Run it: sts-eval run THIS_FILE\n"
    return head + "".join(_section(name, getattr(run, name)) for name in type(run).model_fields)


def _section(name: str, part: BaseModel) -> str:
    lines = [f"\n# {(type(part).__doc__ or '').splitlines()[0]}", f"{name}:"]
    given = False
    for field, info in type(part).model_fields.items():
        value = getattr(part, field)
        default = not info.is_required() and value == info.get_default()
        given = given or not default
        lines.append(f"  # {info.description}")
        lines.append(f"  {'# ' if default else ''}{field}: {_inline(value)}")
    if not given:
        lines[1] = f"{name}: {{}}  # all at their defaults; to change some, write them below instead of the braces"
    return "\n".join(lines) + "\n"


def _inline(value: Any) -> str:
    plain = list(value) if isinstance(value, tuple) else value
    return yaml.safe_dump(plain, default_flow_style=True, width=10_000).removesuffix("\n...\n").strip()


def _names(model: type[BaseModel]) -> list[str]:
    names = []
    for field, info in model.model_fields.items():
        names.append(field)
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            names += _names(info.annotation)
    return names
