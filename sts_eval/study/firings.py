"""Where the SAE's features fire: the strongest samples of every feature over several sources, and the text around them.

A source is the training set, a domain or a neutral text. A sample is one of its questions or paragraphs, read without
demonstrations, and a feature's strength in it is its largest activation. Memory grows with features × samples that are
kept, not with the number of tokens. Only of the shifted features is the text around the strongest token kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sts_eval.data.prompt import Turn
from sts_eval.data.sampling import generator, within_budget
from sts_eval.data.training_set import TrainingSet
from sts_eval.progress import Progress, silent
from sts_eval.records.meaning import NEUTRAL, TRAINING
from sts_eval.study.draws import draw_training_rows
from sts_eval.study.extractor import Extractor
from sts_eval.study.reading import Context, Listen, Listener, Reading, Row, RunningSums, Tokens
from sts_eval.study.shifted_features import Shift

LABELLED = 10  # strongest samples that name a feature
BACKGROUND = 3  # excerpts of each source that are drawn at random


class Window(NamedTuple):
    """Tokens of a sample, and a feature's activation on each."""

    ids: tuple[int, ...]
    activations: tuple[float, ...]


class Background(NamedTuple):
    """Tokens of a sample drawn at random, and which shifted features fire on any of them."""

    source: str
    ids: tuple[int, ...]
    fires: tuple[int, ...]


class Strongest(NamedTuple):
    """One of the strongest samples of a feature."""

    source: str
    strength: float
    window: Window


@dataclass(frozen=True)
class Activity:
    """How active every feature is in one source: means over samples, each of which counts once. Shape (d_sae,)."""

    mean: NDArray[np.float64]
    square: NDArray[np.float64]
    frequency: NDArray[np.float64]  # share of the tokens on which it fires


class Firings:
    """What is collected over all sources; a listener hears one of them.

    `shifted` are the features whose text is kept. `keep` is how many samples are kept of a feature, and `window` how
    many tokens around the strongest one.
    """

    def __init__(self, d_sae: int, shifted: Sequence[int], *, keep: int, window: int) -> None:
        self.shifted = tuple(shifted)
        self.n_samples: dict[str, int] = {}  # by source
        self.n_tokens: dict[str, int] = {}
        self.background: list[Background] = []
        self._keep, self._window = keep, window
        self._strength, self._sample = torch.zeros(keep, d_sae), torch.full((keep, d_sae), -1)
        self._source_of: list[int] = []  # by number of a sample, in the order heard
        self._sums: dict[str, RunningSums] = {}
        self._windows: dict[tuple[int, int], Window] = {}  # by place in `shifted` and number of the sample

    def listen(self, source: str) -> Listen:
        """Makes the listener that hears the samples of a source, without demonstrations."""

        def listening(turns: Mapping[int, Turn]) -> list[Listener]:
            self.n_samples[source], self.n_tokens[source] = len(turns), sum(len(turn.span) for turn in turns.values())
            self._sums[source] = RunningSums(3, self._strength.shape[1])
            return [_OfSource(self, source, turns)]

        return listening

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources, in the order in which their listeners were made."""
        return tuple(self.n_samples)

    def activity(self) -> dict[str, Activity]:
        """How active every feature is, by source."""
        return {source: Activity(*sums.means(max(1, self.n_samples[source]))) for source, sums in self._sums.items()}

    def counts(self, n: int) -> NDArray[np.int64]:
        """How many of the n strongest samples of each feature are of each source, shape (n_sources, d_sae).

        Samples in which a feature does not fire are none of its strongest.
        """
        fires = (self._strength[:n] > 0).cpu().numpy()
        source = np.array([*self._source_of, -1])[self._sample[:n].cpu().numpy()]
        return np.array([((source == place) & fires).sum(axis=0) for place in range(len(self.sources))])

    def strongest(self, place: int) -> list[Strongest]:
        """The strongest samples of the shifted feature at a place in `shifted`, strongest first."""
        feature, names, found = self.shifted[place], self.sources, []
        for strength, sample in zip(
            self._strength[:, feature].tolist(), self._sample[:, feature].tolist(), strict=True
        ):
            if strength > 0:
                found.append(Strongest(names[self._source_of[sample]], strength, self._windows[place, sample]))
        return found

    def add_tokens(self, source: str, tokens: Tokens) -> None:
        """Add to the means of a source."""
        features = tokens.alone
        self._sums[source].add(tokens.weights, (features, features.square(), (features > 0).to(features.dtype)))

    def add_samples(self, source: str, strengths: Tensor, turns: Sequence[Turn], shifted: Sequence[Tensor]) -> None:
        """Rank samples among the strongest.

        `strengths` have shape (n_samples, d_sae); `shifted` are by sample the activations of the shifted features on
        its tokens, shape (n_tokens, n_shifted).
        """
        first = len(self._source_of)
        self._source_of += [self.sources.index(source)] * len(turns)
        numbers = torch.arange(first, first + len(turns), device=strengths.device)[:, None].expand_as(strengths)
        strengths = torch.cat([self._strength.to(strengths), strengths])
        samples = torch.cat([self._sample.to(numbers), numbers])
        self._strength, order = strengths.topk(self._keep, dim=0)
        self._sample = samples.gather(0, order)
        index = torch.tensor(self.shifted, device=strengths.device)
        entered = (self._sample[:, index] >= first) & (self._strength[:, index] > 0)
        for rank, place in entered.nonzero().tolist():
            sample = int(self._sample[rank, self.shifted[place]])
            own = shifted[sample - first][:, place]
            self._windows[place, sample] = around(turns[sample - first], own, int(own.argmax()), self._window)
        kept = set(self._sample[:, index].flatten().tolist())
        self._windows = {key: window for key, window in self._windows.items() if key[1] in kept}

    def add_background(self, source: str, turn: Turn, shifted: Tensor, at: int) -> None:
        """Keep the text around a token, and which of the shifted features, shape (n_tokens, n_shifted), fire on it."""
        low, high = _bounds(len(turn.span), at, self._window)
        fires = (shifted[low:high] > 0).any(dim=0).nonzero()[:, 0].tolist()
        ids = turn.ids[turn.span[low] : turn.span[high - 1] + 1]
        self.background.append(Background(source, ids, tuple(self.shifted[place] for place in fires)))


def read_firings(
    extractor: Extractor,
    training_set: TrainingSet,
    neutral: Sequence[str],
    shift: Shift,
    progress: Progress = silent,
) -> Firings:
    """Read the training set's questions that step 1 compared, and a neutral text, both up to a domain's tokens.

    The domains are still to be heard. Paragraphs that exceed the context are left out.
    """
    settings, prompter = extractor.settings, extractor.prompter
    keep = max(LABELLED, settings.excerpts)
    firings = Firings(extractor.autoencoder.d_sae, shift.features, keep=keep, window=settings.excerpt_tokens)
    drawn = draw_training_rows(extractor, training_set, shift.seed).turns
    numbers, budget = list(drawn), settings.domain_tokens
    first = within_budget(numbers, range(len(numbers)), budget, lambda number: len(drawn[number].span))
    opening = prompter.demonstrations([])
    room = extractor.context - len(opening.prefixes[0])
    paragraphs: dict[int, Turn] = {}
    for number, text in enumerate(neutral):
        if sum(len(turn.span) for turn in paragraphs.values()) >= budget:
            break
        turn = prompter.turn(text)
        if len(turn.ids) <= room:
            paragraphs[number] = turn
    for source, turns in (
        (TRAINING, {numbers[place]: drawn[numbers[place]] for place in first}),
        (NEUTRAL, paragraphs),
    ):
        alone = Context.of("alone", extractor, opening, turns)
        listeners = firings.listen(source)(turns)
        hearing = (listeners, []) if settings.sink_tokens == "keep" else ([], listeners)
        reading = Reading(extractor, turns, alone)
        reading.play(hearing[0], partial(progress, f"what the features mean: {source}"), clean=hearing[1])
    return firings


class _OfSource(Listener):
    """Hears the samples of one source, row after row."""

    encodes = True

    def __init__(self, firings: Firings, source: str, turns: Mapping[int, Turn]) -> None:
        self._firings, self._source = firings, source
        self._index = torch.tensor(firings.shifted)
        drawn = generator(0, "background", source)
        numbers = drawn.choice(len(turns), size=min(BACKGROUND, len(turns)), replace=False)
        self._drawn = {list(turns)[number]: float(drawn.random()) for number in numbers}  # where in its span

    def hear(self, row: Row) -> None:
        """Begin a row; its features follow in blocks of tokens, which may cut a sample in two."""
        self._turns = row.turns
        self._bounds = list(pairwise(accumulate((len(turn.span) for turn in row.turns.values()), initial=0)))
        self._heard = 0
        self._strengths: list[Tensor] = []  # by sample that has begun, its largest activations so far
        self._shifted: list[Tensor] = []  # of the blocks

    def hear_features(self, tokens: Tokens) -> None:
        """Take a block of the row, and rank its samples when it is the last."""
        features = tokens.alone
        self._firings.add_tokens(self._source, tokens)
        self._shifted.append(features[:, self._index.to(features.device)].float().cpu())
        for place, (start, stop) in enumerate(self._bounds):
            own = features[max(0, start - self._heard) : max(0, stop - self._heard)]
            if len(own) and place < len(self._strengths):  # begun in the block before
                self._strengths[place] = torch.maximum(self._strengths[place], own.amax(dim=0))
            elif len(own):
                self._strengths.append(own.amax(dim=0))
        self._heard += len(features)
        if self._heard == self._bounds[-1][1]:
            whole = torch.cat(self._shifted)
            shifted = [whole[start:stop] for start, stop in self._bounds]
            for (number, turn), own in zip(self._turns.items(), shifted, strict=True):
                if number in self._drawn:
                    at = int(self._drawn[number] * len(turn.span))
                    self._firings.add_background(self._source, turn, own, at)
            self._firings.add_samples(self._source, torch.stack(self._strengths), list(self._turns.values()), shifted)


def around(turn: Turn, activations: Tensor, at: int, n: int) -> Window:
    """About n tokens of a sample around the token at a place of its span, two thirds of them before it.

    `activations` are those of the span's tokens; a token between them that is not read has none.
    """
    low, high = _bounds(len(turn.span), at, n)
    by_position = dict(zip(turn.span[low:high], activations[low:high].tolist(), strict=True))
    positions = range(turn.span[low], turn.span[high - 1] + 1)
    return Window(
        tuple(turn.ids[position] for position in positions),
        tuple(by_position.get(position, 0.0) for position in positions),
    )


def _bounds(length: int, at: int, n: int) -> tuple[int, int]:
    """Where a window of n tokens begins and ends in a span of some length; at an edge it is moved, not cut."""
    low = max(0, min(at - (2 * n) // 3, length - n))
    return low, min(length, low + n)
