"""The settings of a description by the names under which a user asks for them.

The list is made from the fields of `sts_eval.experiment`. The options of `sts-eval predict`, the keys of the harness's
`--metadata` and the tables in the documentation are made from the list.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from sts_eval.errors import UserError
from sts_eval.experiment import Named, Spec

Description = TypeVar("Description", bound=Spec)


class Setting(NamedTuple):
    """A field of a part of a description."""

    part: str  # such as training_set
    field: str
    name: str  # how it is asked for outside an experiment file: `--NAME` (with dashes), `--metadata NAME=`
    older: tuple[str, ...]  # names that still work in `--metadata`
    info: FieldInfo  # its type, default and description

    @property
    def option(self) -> str:
        """The option of the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def sentence(self) -> str:
        """What it means."""
        text = self.info.description or ""
        return f"{text[:1].upper()}{text[1:]}."


def settings_of(kind: type[Spec]) -> tuple[Setting, ...]:
    """All settings of a description's parts, in order. A part that may be left out is not among them."""
    found = []
    for part, outer in kind.model_fields.items():
        if not (isinstance(outer.annotation, type) and issubclass(outer.annotation, Spec)):
            continue
        for field, info in outer.annotation.model_fields.items():
            given = next((mark for mark in info.metadata if isinstance(mark, Named)), Named(field))
            found.append(Setting(part, field, given.name, given.older, info))
    return tuple(found)


def describe(
    kind: type[Description], given: Mapping[str, Any], spell: Callable[[str, Any], str], **whole: Any
) -> Description:
    """Make a description from values by the names, or older names, of its settings.

    Of several names of one setting the last counts, None means the default, and names of no setting are ignored.
    `spell` writes a setting's name and value as the user does, for messages. `whole` are the fields of the description
    that are not parts with settings.

    Raises:
        UserError: A value is not what its setting takes.
    """
    settings = settings_of(kind)
    by_name = {name: one for one in settings for name in (one.name, *one.older)}
    parts: dict[str, dict[str, Any]] = {one.part: {} for one in settings}
    for name, value in given.items():
        if name in by_name and value is not None:
            one = by_name[name]
            wrap = get_origin(one.info.annotation) is tuple and not isinstance(value, list | tuple)
            parts[one.part][one.field] = (value,) if wrap else value
    try:
        return kind.model_validate(parts | whole)
    except ValidationError as error:
        first = error.errors()[0]
        place = first["loc"][:2]
        name = next((one.name for one in settings if (one.part, one.field) == place), str(place[-1]))
        raise UserError(f"{spell(name, first['input'])}: {first['msg']}", "Correct that value") from error
