"""Reading hidden states: questions alone and in further contexts, once for everything that is computed from them.

A `Reading` is a set of questions and the contexts in which they are read: alone, behind demonstrations, by a tuned
model. It yields rows: questions that share a forward pass, with their states in every context. Whatever reduces them
is a `Listener`, which hears row after row and keeps a result whose size does not depend on the number of tokens.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sts_eval.data.prompt import Demonstrations, Turn
from sts_eval.model.packing import CPU_ROW_TOKENS, cut_rows
from sts_eval.model.reader import Prefix, Reader
from sts_eval.model.sae import SparseAutoencoder
from sts_eval.study.cost import Cost, counting
from sts_eval.study.extractor import Extractor
from sts_eval.study.sinks import find_sinks

# Question tokens of a row where nothing is set. A token's attention is computed over its whole row, so long rows waste
# work, and short ones leave an accelerator idle.
_ROW_TOKENS = {"cpu": CPU_ROW_TOKENS, "cuda": 4096}


@dataclass
class Context:
    """One context in which questions are read, by the untuned model or another."""

    name: Hashable  # under which a row holds its states
    reader: Reader
    # What stands before a question with 0, 1, ... demonstrations, with keys and values of the reader's model.
    prefixes: tuple[Prefix, ...]
    counts: Mapping[int, int]  # by question, how many demonstrations it sees; others are not read
    cost: Cost = field(default_factory=Cost, init=False)  # of reading in this context so far

    @classmethod
    def of(cls, name: Hashable, extractor: Extractor, shown: Demonstrations, turns: Mapping[int, Turn]) -> Context:
        """A context of the untuned model, in which each question sees as many demonstrations as fit.

        Raises:
            UserError: A question does not fit even without demonstrations.
        """
        counts = {number: shown.fitting(turn, extractor.context) for number, turn in turns.items()}
        return cls(name, extractor.reader, tuple(Prefix(ids) for ids in shown.prefixes), counts)

    def alone(self, turns: Iterable[int]) -> Context:
        """The same reader's context without demonstrations, for the questions of these numbers."""
        return replace(self, name="alone", prefixes=self.prefixes[:1], counts=dict.fromkeys(turns, 0))

    def read_by(self, reader: Reader, name: Hashable) -> Context:
        """The same prompts, read by another reader."""
        return Context(name, reader, tuple(Prefix(prefix.ids) for prefix in self.prefixes), self.counts)

    @property
    def seen(self) -> tuple[int, ...]:
        """How many questions see 0, 1, ... demonstrations; not all see as many as there are if the context is full."""
        met = Counter(self.counts.values())
        return tuple(met[count] for count in range(len(self.prefixes)))

    @property
    def n_fewer(self) -> int:
        """How many questions see fewer demonstrations than there are, because of the model's context."""
        return sum(self.seen[:-1])

    def read(self, turns: Mapping[int, Turn]) -> Tensor:
        """Hidden states of the spans of some questions, in the order given, shape (sum of span lengths, d_model)."""
        read: dict[int, Tensor] = {}
        with counting(self.reader.model) as cost:
            for count in sorted({self.counts[number] for number in turns}):
                own = {number: turn for number, turn in turns.items() if self.counts[number] == count}
                hidden = self.reader.read(self.prefixes[count], list(own.values()))
                read |= zip(own, _split(hidden, own.values()), strict=True)
        self.cost += cost
        return torch.cat([read[number] for number in turns])


@dataclass(frozen=True)
class Tokens:
    """Tokens of questions, and their states (hidden states or SAE features) in several contexts."""

    weights: Tensor  # such that every question weighs one, shape (n_tokens,)
    alone: Tensor  # without demonstrations (or in the only context that is read), shape (n_tokens, d)
    others: Mapping[Hashable, Tensor]  # by name of a further context, the states of the same tokens there
    # Weights with which attention sinks count for nothing and every question still weighs one; None without sinks.
    clean_weights: Tensor | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Row(Tokens):
    """Questions that share a forward pass. A context in `others` may cover some of them only."""

    turns: Mapping[int, Turn]  # by number, in the order of their tokens
    covered: Mapping[Hashable, Sequence[int]]  # by name of a further context, the numbers of its questions
    # By context (None: without demonstrations) and question, where attention sinks stand in its span, if there are any.
    sinks: Mapping[Hashable, Mapping[int, Sequence[int]]] = field(default_factory=dict)

    def within(self, context: Hashable) -> Row | None:
        """The questions that one of the further contexts covers; None where it covers none."""
        numbers = self.covered[context]
        if not numbers:
            return None
        alone = self.alone
        if len(numbers) < len(self.turns):
            parts = self.by_question(self.alone)
            alone = torch.cat([parts[number] for number in numbers])
        turns = {number: self.turns[number] for number in numbers}
        others = {context: self.others[context]}
        return Row(question_weights(turns.values()), alone, others, turns, {context: numbers}, self.sinks)

    def sinks_of(self, number: int) -> list[int]:
        """Where tokens of a question's span are attention sinks, alone or in one of the row's further contexts."""
        found = (self.sinks.get(context, {}).get(number, ()) for context in (None, *self.others))
        return sorted({position for own in found for position in own})

    def _clean_weights(self) -> Tensor | None:
        parts = []
        for number, turn in self.turns.items():
            sinks = self.sinks_of(number)
            weights = torch.full((len(turn.span),), 1 / (len(turn.span) - len(sinks)))
            weights[sinks] = 0
            parts.append(weights)
        clean = torch.cat(parts)
        return clean if bool((clean == 0).any()) else None

    def without_sinks(self) -> Row:
        """The row without attention sinks; itself where it has none. Every context has to cover the whole row."""
        dropped = {number: set(self.sinks_of(number)) for number in self.turns}
        if not any(dropped.values()):
            return self
        kept = {
            number: [position for position in range(len(turn.span)) if position not in dropped[number]]
            for number, turn in self.turns.items()
        }
        turns = {
            number: turn._replace(span=tuple(turn.span[position] for position in kept[number]))
            for number, turn in self.turns.items()
        }

        def of(states: Tensor) -> Tensor:
            parts = self.by_question(states)
            return torch.cat([parts[number][own] for number, own in kept.items()])

        others = {context: of(states) for context, states in self.others.items()}
        return Row(question_weights(turns.values()), of(self.alone), others, turns, self.covered)

    def by_question(self, states: Tensor) -> dict[int, Tensor]:
        """States of all tokens of the row, cut by question. Each of shape (span length, d)."""
        return dict(zip(self.turns, _split(states, self.turns.values()), strict=True))

    def features(self, autoencoder: SparseAutoencoder) -> Iterator[Tokens]:
        """All features of the tokens, in blocks of tokens. Every context has to cover the whole row."""
        contexts = (self.alone, *self.others.values())
        clean = self._clean_weights()
        for encoded in zip(*(autoencoder.encode(states) for states in contexts), strict=True):
            alone, *others = (features for _, features in encoded)
            block = encoded[0][0]
            yield Tokens(
                self.weights[block],
                alone,
                dict(zip(self.others, others, strict=True)),
                clean_weights=None if clean is None else clean[block],
            )


class Listener:
    """Reduces what is read. A subclass overrides one of the two methods or both."""

    encodes = False  # whether it hears features

    def hear(self, row: Row) -> None:
        """Take the hidden states of a row."""

    def hear_features(self, tokens: Tokens) -> None:
        """Take all SAE features of some tokens of a row."""


class SinkTokens(Listener):
    """Counts attention sinks by token id, each token of a question once, whatever the number of contexts."""

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()

    def hear(self, row: Row) -> None:
        """Look at the questions of a row."""
        for number, turn in row.turns.items():
            self.counts.update(turn.ids[turn.span[position]] for position in row.sinks_of(number))


# Given the questions of a reading by number, makes the listeners that are to hear it.
Listen = Callable[[Mapping[int, Turn]], Sequence[Listener]]


def tell(row: Row, listeners: Sequence[Listener], autoencoder: SparseAutoencoder) -> None:
    """Let listeners hear a row; its features are computed once, and only where one of them hears features."""
    for listener in listeners:
        listener.hear(row)
    encoding = [listener for listener in listeners if listener.encodes]
    if encoding:
        for tokens in row.features(autoencoder):
            for listener in encoding:
                listener.hear_features(tokens)


@dataclass(frozen=True)
class Reading:
    """Questions, and the contexts in which they are read."""

    extractor: Extractor  # encodes features, and its settings give the size of a row
    turns: Mapping[int, Turn]  # by number
    alone: Context  # in which every question is read
    others: Sequence[Context] = ()  # which may cover some of the questions only
    grouped_by: Context | None = None  # its counts of demonstrations are alike within a row; of no context if None

    def cut(self) -> Iterator[list[int]]:
        """Numbers of the questions of each row. Alike lengths stand together, and the order is fixed."""
        settings, device = self.extractor.settings, self.alone.reader.device.type
        numbers, lengths = list(self.turns), [len(turn.ids) for turn in self.turns.values()]
        counts = [self.grouped_by.counts[number] if self.grouped_by else 0 for number in numbers]
        order = sorted(range(len(numbers)), key=lambda index: (-counts[index], lengths[index], index))
        most = settings.batch_tokens or _ROW_TOKENS.get(device, _ROW_TOKENS["cuda"])
        for row in cut_rows(order, lengths, max_tokens=most, max_questions=settings.batch_questions, groups=counts):
            yield [numbers[index] for index in row]

    def rows(self) -> Iterator[Row]:
        """Read.

        Raises:
            UserError: A hidden state is not finite.
        """
        for numbers in self.cut():
            turns = {number: self.turns[number] for number in numbers}
            covered = {one.name: [number for number in turns if number in one.counts] for one in self.others}
            alone, others = self.alone.read(turns), {}
            for context in self.others:
                if own := covered[context.name]:
                    others[context.name] = context.read({number: turns[number] for number in own})
            sinks = {
                name: _sinks(states, {number: turns[number] for number in covered.get(name, turns)})
                for name, states in ((None, alone), *others.items())
            }
            yield Row(question_weights(turns.values()), alone, others, turns, covered, sinks)

    def play(
        self, listeners: Sequence[Listener], progress: Callable[[int, int], None], clean: Sequence[Listener] = ()
    ) -> None:
        """Read, and let listeners hear every row, those in `clean` without attention sinks.

        `progress` is called with (questions read, questions).
        """
        done = 0
        for row in self.rows():
            cleaned = row.without_sinks() if clean else row
            if cleaned is row:
                tell(row, [*listeners, *clean], self.extractor.autoencoder)
            else:
                tell(row, listeners, self.extractor.autoencoder)
                tell(cleaned, clean, self.extractor.autoencoder)
            done += len(row.turns)
            progress(done, len(self.turns))


class RunningSums:
    """Weighted sums over tokens, in float64: memory does not grow with the number of tokens."""

    def __init__(self, *shape: int) -> None:  # (number of terms, dimensions), needed only where nothing may be added
        self._weight = 0.0
        self._sums = torch.zeros(shape, dtype=torch.float64)

    def add(self, weights: Tensor, terms: Iterable[Tensor]) -> None:
        """Add tokens with weights (n,) and the terms to be averaged, each of shape (n, d) or (n,)."""
        self._sums = self._sums + torch.stack([weights.to(term) @ term for term in terms]).double().cpu()
        self._weight += float(weights.sum())

    def copy(self) -> RunningSums:
        """The sums so far, to be gone on with in another way."""
        other = RunningSums()
        other._weight, other._sums = self._weight, self._sums
        return other

    def means(self, weight: float | None = None) -> NDArray[np.float64]:
        """The sums over the weight that was added, or over another. Shape (number of terms, d)."""
        return np.asarray((self._sums / (weight or self._weight)).numpy(), dtype=np.float64)


def question_weights(turns: Iterable[Turn]) -> Tensor:
    """Weight of each token of the turns' spans such that every question weighs one. Shape (n_tokens,)."""
    return torch.cat([torch.full((len(turn.span),), 1 / len(turn.span)) for turn in turns])


def _sinks(states: Tensor, turns: Mapping[int, Turn]) -> dict[int, tuple[int, ...]]:
    found = zip(turns, find_sinks(states, [len(turn.span) for turn in turns.values()]), strict=True)
    return {number: positions for number, positions in found if positions}


def _split(states: Tensor, turns: Iterable[Turn]) -> tuple[Tensor, ...]:
    parts: tuple[Tensor, ...] = torch.split(states, [len(turn.span) for turn in turns])
    return parts
