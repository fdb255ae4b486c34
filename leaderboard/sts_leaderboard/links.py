"""A page's state as a web address and back, so that every view can be sent to somebody.

An address holds what differs from the defaults. What is read back has the type and the bounds of its default; whatever
does not fit is dropped, since anybody can write an address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, urlencode

Value = str | int | bool | tuple[str, ...]

State = Mapping[str, Value]

TAB = "tab"

LONGEST = 200
"""Characters of one value."""

MOST = 50
"""Values of one name."""

LARGEST = 1_000_000


def to_query(tab: str, state: State, defaults: State) -> str:
    """The address behind the question mark.

    Args:
        tab: The page.
        state: Its state, by the names of `defaults`.
        defaults: What need not be said.
    """
    pairs = [(TAB, tab)]
    for name, default in defaults.items():
        value = state.get(name, default)
        if value == default:
            continue
        if isinstance(value, tuple):
            pairs += [(name, one) for one in value] or [(name, "")]
        else:
            pairs.append((name, str(int(value)) if isinstance(value, bool) else str(value)))
    return "?" + urlencode(pairs)


def from_query(pairs: Iterable[tuple[str, str]], defaults: State) -> dict[str, Value]:
    """The state that an address names.

    Args:
        pairs: Names and values in their order, as a web framework gives them.
        defaults: What stands for everything that is not named, or not well.
    """
    given: dict[str, list[str]] = {}
    for name, text in pairs:
        if name in defaults and len(text) <= LONGEST and len(given.setdefault(name, [])) < MOST:
            given[name].append(text)
    return {name: _value(given.get(name, []), default) for name, default in defaults.items()}


def parsed(query: str) -> list[tuple[str, str]]:
    """Names and values of an address."""
    return parse_qsl(query.removeprefix("?"), keep_blank_values=True, max_num_fields=500)


def _value(given: list[str], default: Value) -> Value:
    if not given:
        return default
    if isinstance(default, tuple):
        return tuple(text for text in given if text)
    if isinstance(default, bool):
        return {"0": False, "1": True}.get(given[-1], default)
    if isinstance(default, int):
        number = given[-1]
        return min(int(number), LARGEST) if number.isascii() and number.isdigit() and len(number) < 10 else default  # noqa: PLR2004 - digits that cannot exceed the limit by much
    return given[-1]
