"""What fires a feature: the tokens of the data on which it is most active."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sts_eval.study.reading import Listener, Row

CONTEXT_TOKENS = 8
KEEP = 5  # firings of a feature that are shown


class Firing(NamedTuple):
    """A token of a domain's question on which a feature fires."""

    activation: float
    domain: str
    ids: tuple[int, ...]  # from a few tokens before up to the token, which is the last


class TopTokens(Listener):
    """Keeps the strongest firings of some features: by feature, strongest first.

    At most one firing per question is kept, so that one repetitive question cannot fill the list. `place` says by
    feature where it stands in the states of the rows that are heard.
    """

    def __init__(self, domain: str, place: Mapping[int, int], keep: int = KEEP) -> None:
        self._domain = domain
        self._place = place
        self._keep = keep
        self.firings: dict[int, list[Firing]] = {feature: [] for feature in place}

    def hear(self, row: Row) -> None:
        """Look at the questions of a row, alone."""
        for number, activations in row.by_question(row.alone).items():
            ids, span, _ = row.turns[number]
            for feature, kept in self.firings.items():
                value, at = activations[:, self._place[feature]].max(dim=0)
                if value > 0:
                    position = span[int(at)]
                    context = ids[max(0, position + 1 - CONTEXT_TOKENS) : position + 1]
                    self.firings[feature] = strongest([*kept, Firing(float(value), self._domain, context)], self._keep)


def strongest(firings: Iterable[Firing], keep: int = KEEP) -> list[Firing]:
    """The strongest firings, strongest first."""
    return sorted(firings, reverse=True)[:keep]
