"""The order in which a trainer reads rows: an optimiser step's rows by length, so that little of a batch is padding."""

from collections.abc import Iterator, Sequence

from accelerate.data_loader import SeedableRandomSampler
from torch.utils.data import Sampler


class StepsByLength(Sampler[int]):
    """The Trainer's random order, in which the rows of each optimiser step are sorted, the longest first.

    A step sees the same rows as without the sorting, and its loss is a mean over all its tokens. So gradients are the
    same but for rounding. A step that does not fit into memory fails in its first pass.
    """

    def __init__(self, lengths: Sequence[int], *, rows_per_step: int, seed: int) -> None:
        self._lengths, self._rows_per_step = lengths, rows_per_step
        self._order = SeedableRandomSampler(lengths, data_seed=seed)

    def __iter__(self) -> Iterator[int]:
        order = list(self._order)
        for start in range(0, len(order), self._rows_per_step):
            yield from sorted(order[start : start + self._rows_per_step], key=self._lengths.__getitem__, reverse=True)

    def __len__(self) -> int:
        return len(self._lengths)

    def set_epoch(self, epoch: int) -> None:
        """Start the order of an epoch. accelerate calls it."""
        self._order.set_epoch(epoch)
