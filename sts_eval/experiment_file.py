"""An experiment as a YAML file: reading one, and writing one that explains itself."""

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError

from sts_eval.errors import UserError
from sts_eval.experiment import Run, Spec

Read = TypeVar("Read", bound=Spec)

KINDS = {list: "list", int: "number", float: "number", bool: "yes or no"}
"""What a YAML file may hold in place of named settings, in words."""


class _SameKeyError(Exception):
    """A key that stands twice in one mapping."""


class _Loader(yaml.SafeLoader):
    """YAML's safe loader, but of two equal keys the last does not win without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        first: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and key.value in first:
                raise _SameKeyError(f"{key.value!r} stands twice, at line {first[key.value]} and line {line}")
            first[str(key.value)] = line
        return super().construct_mapping(node, deep=deep)


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
        values = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 -- a SafeLoader
    except IsADirectoryError as error:
        raise UserError(f"{path} is a folder", f"Give the YAML file, such as `{command}` writes") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})", f"Write one with `{command}`") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 (byte {error.start})", "Save it as UTF-8") from error
    except yaml.reader.ReaderError as error:
        raise UserError(
            f"{path} holds the character U+{error.character:04X}, which YAML does not allow", "Remove it"
        ) from error
    except _SameKeyError as error:
        raise UserError(f"{path}: {error}", "Keep one of the two") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # such as a date in month 13
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise UserError(f"{path} is not YAML{where}", f"Correct that line; `{command}` writes an example") from error
    if not isinstance(values, dict):
        held = "nothing" if values is None else f"a {KINDS.get(type(values), 'text')}"
        raise UserError(
            f"{path} has no settings: it holds {held}",
            f"Start from the file that `{command}` writes",
        )
    if wrong := next(_truth_values(kind, values), None):
        raise UserError(f"{path}: {wrong}: the value is yes or no, and a number is needed", "Correct that value")
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
        if first["type"] == "missing":
            raise UserError(
                f"{path} does not say {key!r}", f"Add it; `{command}` writes a file with all settings"
            ) from error
        raise UserError(f"{path}: {key}: {first['msg']}", "Correct that value") from error


def _truth_values(kind: Any, value: object) -> Iterator[str]:
    """Where YAML's yes, no, on, off, true or false stands for a number, which pydantic would take for 1 or 0."""
    if isinstance(value, dict) and isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, info in kind.model_fields.items():
            yield from (f"{name}.{inner}".rstrip(".") for inner in _truth_values(info.annotation, value.get(name)))
    elif isinstance(value, list):
        yield from (inner for one in value for part in get_args(kind) for inner in _truth_values(part, one))
    elif get_args(kind):
        if not (isinstance(value, bool) and bool in get_args(kind)):
            yield from (inner for part in get_args(kind) for inner in _truth_values(part, value))
    elif isinstance(value, bool) and kind in (int, float):
        yield ""


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
