"""The text of one cell, and what is done about rows that have none."""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from sts_eval.errors import UserError

LEFT_OUT_SHARE = 0.05
"""Largest share of rows that may be left out because they cannot be read: one row in twenty."""

LISTED = 3
"""Row numbers that a warning lists, and reasons that a message describes."""

NUMBERED = 50
"""Row numbers that a refusal lists at most."""


class UnreadableRowError(Exception):
    """One row cannot be used; its text follows "row 3 ..."."""


class BadRow(NamedTuple):
    """A row that cannot be used: its number from 1, and why, as it follows "row 3 ..."."""

    number: int
    reason: str


def is_missing(value: object) -> bool:
    """Whether a cell is empty: null, NaN, or blank text."""
    if isinstance(value, str):
        return not value.strip()
    return value is None or (isinstance(value, float) and math.isnan(value))


def text_of(value: Any, name: str) -> str:
    """A cell as text without blank edges, which many chat templates cut off, so that tokens would not pair up.

    Numbers and truth values are taken as Python writes them: 1.0 stays "1.0".

    Raises:
        UnreadableRowError: The cell is empty, of another type, or holds half of a surrogate pair.
    """
    if is_missing(value):
        raise UnreadableRowError(f"has no text in field {name!r}")
    if isinstance(value, float) and math.isinf(value):
        raise UnreadableRowError(f"has an infinite number in field {name!r}")
    if not isinstance(value, str | int | float | Decimal):  # bool is an int
        raise UnreadableRowError(f"has {kind_of(value)} in field {name!r}, not text")
    return checked(str(value).strip(), name)


def checked(text: str, name: str) -> str:
    """A text, if it can be written.

    Raises:
        UnreadableRowError: It holds half of a surrogate pair.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise UnreadableRowError(
            f"has half of a surrogate pair ({text[error.start]!a}) in field {name!r}, which is no character"
        ) from error
    return text


def kind_of(value: object) -> str:
    """What a cell holds, with its article."""
    name = {"dict": "an object", "list": "a list"}.get(type(value).__name__)
    return name or f"a {type(value).__name__}"


def check_left_out(bad: Sequence[BadRow], n: int, source: str, kind: str = "rows") -> tuple[str, ...]:
    """Accept few unreadable rows with a warning, and refuse many.

    Args:
        bad: The rows that cannot be used.
        n: All rows.
        source: Where they came from.
        kind: What the rows are called.

    Returns:
        One line that counts them, with the first three row numbers of a reason; nothing where there are none.

    Raises:
        UserError: More than one row in twenty cannot be used; the message counts and numbers them.
    """
    if not bad:
        return ()
    listed = LISTED if len(bad) <= LEFT_OUT_SHARE * n else NUMBERED
    described = _described(bad, listed)
    if len(bad) <= LEFT_OUT_SHARE * n:
        return (f"{source}: {len(bad)} of {n} {kind} were left out: {described}",)
    raise UserError(
        f"{len(bad)} of {n} {kind} of {source} cannot be used: {described}",
        f"Mend or remove these rows; up to {LEFT_OUT_SHARE:.0%} of the rows are left out with a warning",
    )


def _described(bad: Sequence[BadRow], listed: int) -> str:
    """Rows by reason, the commonest first: "row 6 has no text in field 'output' (also rows 10, 18)"."""
    by_reason: dict[str, list[int]] = {}
    for row in bad:
        by_reason.setdefault(row.reason, []).append(row.number)
    parts = []
    for reason, numbers in sorted(by_reason.items(), key=lambda item: -len(item[1]))[:LISTED]:
        more = ", ".join(map(str, numbers[1:listed])) + (", ..." if len(numbers) > listed else "")
        parts.append(f"row {numbers[0]} {reason}" + (f" (also rows {more})" if more else ""))
    return "; ".join(parts) + ("; ..." if len(by_reason) > LISTED else "")
