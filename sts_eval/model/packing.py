"""Several questions in one row without padding, each with continuations that do not see one another.

A question is a stem and branches behind it: the branches of an answer, or the options of a multiple-choice
question. Positions restart for every question, every branch goes on from its stem, and an attention mask lets a
token see a shared prefix, its own stem and its own branch only.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

# Tokens of a row on a CPU. Of 135M parameters in bfloat16, 384 took 0.83 of the time of 1,024
# (benchmarks/row_lengths.py).
CPU_ROW_TOKENS = 384

SHARED = -1  # in place of a question's or a branch's number: every question, every branch of the question


@dataclass(frozen=True)
class PackedRow:
    """Where each token of a row belongs. All of shape (n_tokens,)."""

    positions: Tensor  # behind the prefix, from 0
    questions: Tensor  # number of the question
    branches: Tensor  # number of the branch, counted over the row; `SHARED` in the stems

    @classmethod
    def of(cls, shapes: Sequence[tuple[int, Sequence[int]]]) -> PackedRow:
        """Lay questions out, for each of which the length of its stem and those of its branches are given."""
        positions, questions, branches = [], [], []
        n_branches = 0
        for number, (stem, lengths) in enumerate(shapes):
            positions += [torch.arange(stem), *(torch.arange(stem, stem + length) for length in lengths)]
            questions.append(torch.full((stem + sum(lengths),), number))
            branches.append(torch.full((stem,), SHARED))
            for length in lengths:
                branches.append(torch.full((length,), n_branches))
                n_branches += 1
        return cls(torch.cat(positions), torch.cat(questions), torch.cat(branches))

    def visible(self, device: torch.device, before: int = 0, window: int | None = None) -> Tensor:
        """Which tokens each token sees: the prefix, and earlier tokens of its question and branch.

        The shared prefix of `before` tokens has keys and no queries. A token sees as far back as the window, its own
        place included; without limit if None. Booleans of shape (n_tokens, before + n_tokens), which for thousands of
        tokens take hundreds of megabytes.
        """
        positions, questions, branches = (part.to(device) for part in (self.positions, self.questions, self.branches))
        prefix = torch.full((before,), SHARED, device=device)
        key_questions, key_branches = torch.cat([prefix, questions]), torch.cat([prefix, branches])
        key_positions = torch.cat([torch.arange(before, device=device), before + positions])
        distance = (before + positions)[:, None] - key_positions[None, :]
        sees = (distance >= 0) & ((key_questions == SHARED)[None, :] | (key_questions[None, :] == questions[:, None]))
        sees &= (key_branches == SHARED)[None, :] | (key_branches[None, :] == branches[:, None])
        return sees if window is None else sees & (distance < window)


@dataclass(frozen=True)
class Attention:
    """What a model's layers attend to, as its configuration says."""

    kinds: frozenset[str]  # of its layers, where they are named
    window: int | None  # tokens back that a layer sees, those of the kind sliding_attention where kinds are named
    takes_masks: bool  # whether its implementation takes a 4-D mask

    @classmethod
    def of(cls, config: Any) -> Attention:
        """Read the configuration of a language model."""
        # Models that mix kinds of attention name the kind of each layer; others have one for all.
        kinds = frozenset(getattr(config, "layer_types", None) or ())
        windowed = not kinds or "sliding_attention" in kinds
        window = getattr(config, "sliding_window", None) if windowed else None
        return cls(kinds, window, getattr(config, "_attn_implementation", None) in ("sdpa", "eager"))

    @property
    def packs(self) -> bool:
        """Whether questions may share a row."""
        return self.takes_masks and self.kinds <= {"full_attention", "sliding_attention"}

    def masks(self, row: PackedRow, device: torch.device, dtype: torch.dtype, before: int = 0) -> Any:
        """The 4-D mask of a row behind `before` shared tokens, or one for each kind of attention."""
        full = attention_mask(row.visible(device, before), dtype)
        if self.window is None:
            return full
        sliding = attention_mask(row.visible(device, before, self.window), dtype)
        return {"full_attention": full, "sliding_attention": sliding} if self.kinds else sliding


def attention_mask(visible: Tensor, dtype: torch.dtype) -> Tensor:
    """Booleans as a 4-D mask that is added to attention scores. Returns shape (1, 1, n_tokens, n_keys)."""
    mask = torch.zeros(visible.shape, dtype=dtype, device=visible.device)
    return mask.masked_fill_(~visible, torch.finfo(dtype).min)[None, None]


def cut_rows(
    order: Sequence[int],
    lengths: Sequence[int],
    *,
    max_tokens: int,
    max_questions: int = sys.maxsize,
    groups: Sequence[int] | None = None,
) -> Iterator[list[int]]:
    """Cut questions into rows, each given by the indices of its questions.

    `order` holds indices in the order in which they fill rows. Tokens (`lengths`) are by index, and so are `groups`:
    only questions of one group share a row. A question longer than `max_tokens` makes a row of its own.
    """
    row: list[int] = []
    total = 0
    for index in order:
        full = total + lengths[index] > max_tokens or len(row) == max_questions
        apart = bool(row) and groups is not None and groups[index] != groups[row[-1]]
        if row and (full or apart):
            yield row
            row, total = [], 0
        row.append(index)
        total += lengths[index]
    if row:
        yield row
