"""What fires a feature: the tokens of the data on which it is most active."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from torch import Tensor

from sts_eval.data.prompt import Turn

CONTEXT_TOKENS = 8


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


class Evidence:
    """Keeps the strongest firings of some features while activations stream by.

    At most one firing per question is kept, so that one repetitive question cannot fill the list.

    Args:
        features: Which features to watch.
        keep: Firings to keep per feature.
    """

    def __init__(self, features: Sequence[int], keep: int = 5) -> None:
        """Start with none."""
        self._keep = keep
        self._heaps: dict[int, list[Firing]] = {feature: [] for feature in features}

    def see(self, domain: str, turn: Turn, activations: Tensor, place: Mapping[int, int]) -> None:
        """Look at one question's activations, shape (len(turn.span), n_columns); `place` maps features to columns."""
        for feature, heap in self._heaps.items():
            value, at = activations[:, place[feature]].max(dim=0)
            if value <= 0:
                continue
            position = turn.span[int(at)]
            firing = Firing(float(value), domain, turn.ids[max(0, position + 1 - CONTEXT_TOKENS) : position + 1])
            if len(heap) < self._keep:
                heapq.heappush(heap, firing)
            else:
                heapq.heappushpop(heap, firing)

    def strongest(self, feature: int) -> list[Firing]:
        """The firings of a feature, strongest first."""
        return sorted(self._heaps[feature], reverse=True)
