"""What each stage of a study costs: seconds, tokens, forward and backward passes, counted at the model itself."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass
from typing import Any

import torch
from torch import nn

from sts_eval.model.hook import unwrapped
from sts_eval.records.prediction import PredictorCost


@dataclass
class Cost:
    """What was spent: wall-clock time, tokens that went into the model, forward passes."""

    seconds: float = 0.0
    tokens: int = 0
    passes: int = 0
    backward_passes: int = 0  # forward passes that kept a graph, each of which is followed by a backward pass

    def __add__(self, other: Cost) -> Cost:
        return Cost(*(one + more for one, more in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: Cost) -> Cost:
        return Cost(*(one - less for one, less in zip(astuple(self), astuple(other), strict=True)))

    def record(self, seconds: float = 0.0) -> PredictorCost:
        """As a part of a record, with further seconds added."""
        return PredictorCost(**asdict(self) | {"seconds": round(self.seconds + seconds, 3)})


@contextmanager
def counting(*models: nn.Module) -> Iterator[Cost]:
    """Count what happens inside the block, by what enters the models' embeddings; complete when the block ends."""
    cost = Cost()

    def count(_module: nn.Module, args: tuple[Any, ...]) -> None:
        cost.passes += 1
        cost.tokens += args[0].numel()
        cost.backward_passes += torch.is_grad_enabled()

    handles = [unwrapped(model).get_input_embeddings().register_forward_pre_hook(count) for model in models]
    start = time.perf_counter()
    try:
        yield cost
    finally:
        for handle in handles:
            handle.remove()
        cost.seconds = time.perf_counter() - start


class CostMeter:
    """Costs by stage."""

    def __init__(self) -> None:
        self.models: list[nn.Module] = []  # whose passes are counted from now on
        self.by_stage: dict[str, Cost] = {}
        self._running: dict[str, Cost] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Add what happens inside the block to a stage."""
        with counting(*self.models) as cost:
            self._running[stage] = cost
            try:
                yield
            finally:
                del self._running[stage]
        self.by_stage[stage] = self.by_stage.get(stage, Cost()) + cost

    def share(self, stage: str, tokens: float) -> float:
        """How far a stage is, by the tokens that it reads in all: 0 before it begins, 1 once it has ended."""
        if stage in self._running:
            return min(1.0, self._running[stage].tokens / tokens)
        return float(stage in self.by_stage)

    def total(self, stages: Collection[str]) -> Cost:
        """The sum over stages; those that did not run cost nothing."""
        return sum((self.by_stage.get(stage, Cost()) for stage in stages), Cost())
