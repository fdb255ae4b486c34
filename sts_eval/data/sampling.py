"""Which demonstrations and which questions a seed draws.

Every draw has a generator of its own, named by the seed and by what is drawn, so that the choice
for one domain does not depend on which other domains are asked for, nor on their order.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")


def generator(seed: int, *names: str) -> np.random.Generator:
    """The generator of one draw: equal seed and names give the same stream on any machine."""
    digest = hashlib.sha256("\x1f".join((str(seed), *names)).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype=np.uint32))


def shuffled(n: int, seed: int, *names: str) -> list[int]:
    """A permutation of range(n)."""
    return [int(index) for index in generator(seed, *names).permutation(n)]


def within_budget(items: Sequence[Item], order: Sequence[int], budget: int, length: Callable[[Item], int]) -> list[int]:
    """Indices taken in the given order until their lengths reach the budget.

    The last one is taken whole, so that the budget is reached and no item is cut; all are taken
    where they do not reach it.
    """
    chosen: list[int] = []
    total = 0
    for index in order:
        if total >= budget:
            break
        chosen.append(index)
        total += length(items[index])
    return chosen
