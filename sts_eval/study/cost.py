"""What each part of a study costs: seconds, tokens, forward and backward passes, counted at the model itself."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from sts_eval.model.hook import unwrapped
from sts_eval.predictors.predictor import Need


@dataclass
class Spent:
    """What was spent.

    Attributes:
        seconds: Wall-clock.
        tokens: Tokens that went into the model.
        passes: Forward passes.
        backward_passes: Those of them that kept a graph, each of which is followed by a backward pass.
    """

    seconds: float = 0.0
    tokens: int = 0
    passes: int = 0
    backward_passes: int = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.seconds + other.seconds,
            self.tokens + other.tokens,
            self.passes + other.passes,
            self.backward_passes + other.backward_passes,
        )


class Ledger:
    """Books what is spent on each part of a study.

    Args:
        model: Whose passes are counted, by what enters its embedding.
    """

    def __init__(self, model: nn.Module) -> None:
        """Nothing is spent yet."""
        self._embedding = unwrapped(model).get_input_embeddings()
        self.by_need: dict[Need, Spent] = {}

    @contextmanager
    def __call__(self, need: Need) -> Iterator[None]:
        """Book what happens inside on a need."""
        spent = Spent()

        def count(_module: nn.Module, args: tuple[Any, ...]) -> None:
            spent.passes += 1
            spent.tokens += args[0].numel()
            spent.backward_passes += torch.is_grad_enabled()

        handle = self._embedding.register_forward_pre_hook(count)
        start = time.perf_counter()
        try:
            yield
        finally:
            handle.remove()
            spent.seconds = time.perf_counter() - start
            self.by_need[need] = self.by_need.get(need, Spent()) + spent

    def of(self, needs: Collection[Need]) -> Spent:
        """What a predictor with these needs would have cost alone."""
        return sum((self.by_need.get(need, Spent()) for need in needs), Spent())
