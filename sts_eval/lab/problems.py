"""One question of the lab with its answer, its workings and its wrong answers, and which split owns it.

A split is not drawn, it is computed: a hash of the question (template and operands, or wording
and fact) decides whether base training, fine-tuning, validation or test may use it. Every generator of
the lab asks the same function, so two of them cannot disagree and nothing is held out by bookkeeping.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

T = TypeVar("T")
Split = Literal["corpus", "sft", "validation", "test"]
N_OPTIONS = 10  # of a question, as in MMLU-Pro

_LAST_BUCKET: tuple[tuple[Split, int], ...] = (("test", 40), ("validation", 42), ("sft", 65), ("corpus", 100))
"""Of 100 equal buckets, the first that a split no longer owns."""


@dataclass(frozen=True)
class Problem:
    """A question whose answer is one short string."""

    question: str  # one line, no options
    answer: str  # as it stands among the options
    wrong: tuple[str, ...]  # at least nine different wrong answers, the tempting ones first
    steps: tuple[str, ...]  # sentences that lead from the question to the answer; the last one states it
    check: str  # a sentence that confirms the answer another way
    skill: str = ""  # what it takes to answer, such as ``multiply`` or ``facts/biology``; `World.ask` enters it
    # What the split is computed from: the question, unless several questions are one problem, such as those that
    # differ in the order of their premises.
    key: str = ""

    @property
    def split(self) -> Split:
        """The one split that may use this problem."""
        digest = hashlib.blake2b((self.key or self.question).encode(), digest_size=8).digest()
        bucket = int.from_bytes(digest, "big") % 100
        return next(split for split, last in _LAST_BUCKET if bucket < last)


def number(rng: np.random.Generator, low: int, high: int) -> int:
    """Draw a whole number from `low` to `high`, both included."""
    return int(rng.integers(low, high + 1))


def pick(rng: np.random.Generator, items: Sequence[T]) -> T:
    """Draw one item; `Generator.choice` would turn strings into numpy's own."""
    return items[int(rng.integers(len(items)))]


def pick_decaying(rng: np.random.Generator, items: Sequence[T], decay: float) -> T:
    """Draw one item, the first `e ** decay` times as often as the last; all alike if `decay` is 0."""
    position = float(rng.random())
    if decay:
        position = -math.log1p(position * math.expm1(-decay)) / decay
    return items[min(int(position * len(items)), len(items) - 1)]


def pick_distinct(rng: np.random.Generator, items: Sequence[T], n: int) -> list[T]:
    """Draw `n` different items in random order."""
    return [items[int(i)] for i in rng.permutation(len(items))[:n]]


def draw_weighted(rng: np.random.Generator, shares: Mapping[T, float]) -> T:
    """Draw a key with its share as probability; the shares sum to 1."""
    bounds = np.cumsum(list(shares.values()))
    # Rounding may leave the last bound a hair below 1.
    position = min(int(np.searchsorted(bounds, rng.random(), side="right")), len(bounds) - 1)
    return list(shares)[position]
