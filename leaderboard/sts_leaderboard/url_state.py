"""A page's state as a web address and back, so that every view can be sent to somebody.

An address holds what differs from the defaults. What is read back has the type and the bounds of its default; whatever
does not fit is dropped, since anybody can write an address.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

Value = str | int | bool | tuple[str, ...]
State = Mapping[str, Any]  # A `Value` by name, each of the type of its default.

TAB = "tab"
LONGEST = 200  # Characters of one value.
MOST = 50  # Values of one name.
LARGEST = 1_000_000


def to_query(tab: str, state: State, defaults: State) -> str:
    """The address of a page, from the question mark on; values that are the default are left out."""
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
    """The state that an address names; the default for everything that is not named, or not well."""
    given: dict[str, list[str]] = {}
    for name, text in pairs:
        if name in defaults and len(text) <= LONGEST and len(given.setdefault(name, [])) < MOST:
            given[name].append(text)
    return {name: _value(given[name], default) if given.get(name) else default for name, default in defaults.items()}


def parse_query(query: str | None) -> list[tuple[str, str]]:
    """Names and values of an address; none where a client sent none."""
    return parse_qsl((query or "").removeprefix("?"), keep_blank_values=True, max_num_fields=500)


def as_value(given: Any, default: Value) -> Value:
    """What a control was set to, in the type and the bounds of its default, which stands for what does not fit.

    Programs may send anything in its place.
    """
    try:
        if isinstance(default, tuple):
            return tuple(str(one)[:LONGEST] for one in given[:MOST])
        if isinstance(default, bool):
            return bool(given)
        return min(int(given), LARGEST) if isinstance(default, int) else str(given)[:LONGEST]
    except (TypeError, ValueError, OverflowError, KeyError):
        return default


def _value(given: list[str], default: Value) -> Value:
    last = given[-1]
    if isinstance(default, tuple):
        return tuple(text for text in given if text)
    if isinstance(default, bool):
        return {"0": False, "1": True}.get(last, default)
    if isinstance(default, int):
        return min(int(last), LARGEST) if last.isascii() and last.isdigit() and len(last) < 10 else default  # noqa: PLR2004 - digits that cannot exceed the limit by much
    return last
