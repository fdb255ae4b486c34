"""What fires a feature: the tokens of the data on which it is most active."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sts_eval.study.reading import Listener, Row

CONTEXT_TOKENS = 8

KEEP = 5
"""Firings of a feature that are shown."""


class Firing(NamedTuple):
    """A token that a feature fires on.

    Attributes:
        activation: The feature's activation there.
        domain: Where the question comes from.
        ids: Token ids from a few before the token up to it; the token is the last.
    """

    activation: float
    domain: str
    ids: tuple[int, ...]


class TopTokens(Listener):
    """Keeps the strongest firings of some features.

    At most one firing per question is kept, so that one repetitive question cannot fill the list.

    Args:
        domain: Where the questions come from.
        place: By feature, where it stands in the states of the rows that are heard.
        keep: Firings to keep per feature.
    """

    def __init__(self, domain: str, place: Mapping[int, int], keep: int = KEEP) -> None:
        self._domain = domain
        self._place = place
        self._keep = keep
        self._found: dict[int, list[Firing]] = {feature: [] for feature in place}

    def hear(self, row: Row) -> None:
        """Look at the questions of a row, alone."""
        for number, activations in row.by_question(row.alone).items():
            ids, span, _ = row.turns[number]
            for feature, kept in self._found.items():
                value, at = activations[:, self._place[feature]].max(dim=0)
                if value > 0:
                    position = span[int(at)]
                    context = ids[max(0, position + 1 - CONTEXT_TOKENS) : position + 1]
                    self._found[feature] = strongest([*kept, Firing(float(value), self._domain, context)], self._keep)

    @property
    def firings(self) -> Mapping[int, Sequence[Firing]]:
        """By feature, its firings, strongest first."""
        return self._found


def strongest(firings: Iterable[Firing], keep: int = KEEP) -> list[Firing]:
    """The strongest firings, strongest first."""
    return sorted(firings, reverse=True)[:keep]
