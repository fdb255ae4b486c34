"""Activations of texts, in files of some tens of thousands of tokens, so that a killed reading goes on where it was."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from sts_eval.data.prompt import Turn
from sts_eval.data.sampling import shuffled
from sts_eval.experiment import SAETrainSettings
from sts_eval.model.reader import Prefix, Reader
from sts_eval.progress import Progress
from sts_eval.records.record import write_atomically

SHARD_TOKENS = 65_536  # of one file
MIXED_SHARDS = 4  # files whose tokens are mixed when batches are drawn
LONGEST = 10.0
"""A token whose activation is this many times as long as the median is left out.

Such tokens (attention sinks; Sun et al. 2024, arXiv 2402.17762) stand for no content, and a reconstruction would spend
its capacity on them.
"""

_ROW_TOKENS = {"cpu": 1024, "cuda": 8192}  # tokens of a forward pass


@dataclass(frozen=True)
class Pieces:
    """Pieces of texts in the order in which they are read: those to train on, and those held out."""

    training: Sequence[Turn]
    held_out: Sequence[Turn]

    @property
    def n_tokens(self) -> int:
        """Tokens of all pieces to train on."""
        return sum(len(piece.span) for piece in self.training)


def cut_texts(texts: Sequence[str], tokenizer: object, prefix: Prefix, settings: SAETrainSettings) -> Pieces:
    """Draw texts by seed until they have the wanted tokens, and cut each into pieces of at most `context` tokens.

    What opens a piece is not read: the BOS, or where the tokenizer adds none, the first token. Special tokens are not
    read either.
    """
    order = shuffled(len(texts), settings.seed, "texts")
    n_held_out = max(1, round(settings.held_out * len(texts)))
    wanted = settings.n_tokens

    def pieces(indices: Sequence[int], budget: int) -> list[Turn]:
        found: list[Turn] = []
        n = 0
        for index in indices:
            if n >= budget:
                break
            for piece in _pieces(texts[index], tokenizer, prefix, settings.context):
                found.append(piece)
                n += len(piece.span)
        return found

    held_out = pieces(order[:n_held_out], min(SHARD_TOKENS, round(settings.held_out * wanted)))
    return Pieces(pieces(order[n_held_out:], wanted), held_out)


def _pieces(text: str, tokenizer: object, prefix: Prefix, context: int) -> Iterator[Turn]:
    ids: list[int] = tokenizer(text, add_special_tokens=False).input_ids  # type: ignore[operator]  # transformers is untyped
    special = set(tokenizer.all_special_ids)  # type: ignore[attr-defined]  # likewise
    first = 0 if prefix.ids else 1
    size = context - len(prefix.ids)
    for start in range(0, len(ids), size):
        piece = tuple(ids[start : start + size])
        span = tuple(place for place in range(first, len(piece)) if piece[place] not in special)
        if span:
            yield Turn(piece, span)


class Shards:
    """The activations of pieces at a reader's hook, read once and kept in a folder."""

    def __init__(self, folder: Path, pieces: Sequence[Turn]) -> None:
        self.folder = folder
        self.plan = list(_grouped(pieces, SHARD_TOKENS))

    def file(self, number: int) -> Path:
        """The file of one group of pieces."""
        return self.folder / f"activations-{number:05d}.safetensors"

    def read(self, reader: Reader, prefix: Prefix, progress: Progress, stage: str) -> int:
        """Read what is not there yet. Returns how many tokens were left out because their activations are too long."""
        total = sum(len(piece.span) for group in self.plan for piece in group)
        row_tokens = _ROW_TOKENS.get(reader.device.type, _ROW_TOKENS["cuda"])
        done = n_left_out = 0
        for number, group in enumerate(self.plan):
            if not self.file(number).is_file():
                parts = []
                for row in _grouped(group, row_tokens):
                    parts.append(reader.read(prefix, row).cpu())
                    done += len(parts[-1])
                    progress(stage, done, total)
                states = torch.cat(parts)
                norms = states.float().norm(dim=1)
                kept = states[norms <= LONGEST * norms.median()]
                n_left_out += len(states) - len(kept)
                left_out = {"left_out": str(len(states) - len(kept))}
                write_atomically(self.file(number), save({"activations": kept.contiguous()}, metadata=left_out))
            else:
                done += sum(len(piece.span) for piece in group)
                progress(stage, done, total)
                n_left_out += _left_out(self.file(number))
        return n_left_out

    def load(self, number: int) -> Tensor:
        """Activations of one file, shape (n_tokens, d_model), float32."""
        return load_file(self.file(number))["activations"].float()

    def all(self) -> Tensor:
        """All activations, shape (n_tokens, d_model), float32."""
        return torch.cat([self.load(number) for number in range(len(self.plan))])

    def batches(self, size: int, seed: int) -> Iterator[Tensor]:
        """Batches of shape (size, d_model) without end, the same ones for equal seeds.

        Tokens of `MIXED_SHARDS` files, drawn anew in each pass, are mixed; what does not fill a batch goes on into the
        next ones.
        """
        random = torch.Generator().manual_seed(seed)
        rest: Tensor | None = None
        while True:
            order = torch.randperm(len(self.plan), generator=random).tolist()
            for first in range(0, len(order), MIXED_SHARDS):
                mixed = torch.cat([self.load(number) for number in order[first : first + MIXED_SHARDS]])
                mixed = mixed[torch.randperm(len(mixed), generator=random)]
                mixed = mixed if rest is None else torch.cat([rest, mixed])
                whole = len(mixed) // size * size
                yield from (mixed[start : start + size] for start in range(0, whole, size))
                rest = mixed[whole:]


def _grouped(pieces: Sequence[Turn], most: int) -> Iterator[list[Turn]]:
    """Consecutive pieces in groups of about `most` tokens."""
    group: list[Turn] = []
    n = 0
    for piece in pieces:
        if group and n + len(piece.ids) > most:
            yield group
            group, n = [], 0
        group.append(piece)
        n += len(piece.ids)
    if group:
        yield group


def _left_out(file: Path) -> int:
    from safetensors import safe_open

    with safe_open(file, "pt") as opened:
        return int(opened.metadata()["left_out"])
