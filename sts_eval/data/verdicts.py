"""Rows whose answer the data itself marks as bad: KTO's `label: false`, `is_correct: false`."""

from collections.abc import Sequence

from sts_eval.data.tables import Row
from sts_eval.errors import UserError

VERDICT_FIELDS = ("is_correct", "correct", "label")

_CLASSIFIED = ("answer", "target", "targets", "final_answer")
"""Solutions beside which `label` is more often the answer to a yes-or-no question."""


def rejected_rows(rows: Sequence[Row], solution: str | None, source: str) -> tuple[frozenset[int], tuple[str, ...]]:
    """Numbers, from 1, of the rows whose answer is marked as bad, and a line that counts them.

    Args:
        rows: All rows.
        solution: The field of the answers; None for conversations.
        source: Where the rows came from.

    Raises:
        UserError: All rows are marked as bad.
    """
    for name in VERDICT_FIELDS:
        told = [_verdict(row.get(name)) for row in rows]
        is_class = name == "label" and solution is not None and solution.strip().lower() in _CLASSIFIED
        if name == solution or is_class or False not in told:
            continue
        numbers = frozenset(number for number, good in enumerate(told, start=1) if good is False)
        if len(numbers) == len(rows):
            raise UserError(
                f"field {name!r} is false in all {len(rows)} rows of {source}, so that no answer is left to train on",
                "Remove the field if it does not judge the answers",
            )
        return numbers, (
            f"{source}: {len(numbers)} of {len(rows)} rows were left out, since field {name!r} marks their answers as "
            "bad; if it does not judge the answers, remove the field",
        )
    return frozenset(), ()


def _verdict(value: object) -> bool | None:
    """A truth value, also as text in a CSV file; None for anything else, such as the number of a class."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else None
