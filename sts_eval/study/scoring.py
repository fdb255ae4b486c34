"""Scores of questions on the shifted features, and which tokens and features carry the largest of them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from sts_eval.data.prompt import Turn
from sts_eval.study.reading import Listener, Row, RunningSums

CONTEXT_TOKENS = 8  # of the text before a token that is shown
CARRIERS = 3  # most tokens and features that are named


class QuestionScore(NamedTuple):
    """The three scores of one question: means over its tokens."""

    sts_act: float
    sts_icl: float
    sts_notebook: float


ScoresBySeed = Mapping[int, Mapping[int, QuestionScore]]  # by seed, then by position in the domain's questions


class CarrierToken(NamedTuple):
    """A token's part of its question's score."""

    share: float
    ids: tuple[int, ...]  # from a few tokens before up to the token, which is the last
    sink: bool  # whether it is an attention sink


class Carrier(NamedTuple):
    """The question that carries most of a domain's score, by its mean over the seeds that drew it."""

    position: int  # in the domain's questions
    n_questions: int  # of the domain
    share: float  # of the sum over the domain's questions
    # Those that carry most of it, most first, in the reading in which its score is largest.
    tokens: tuple[CarrierToken, ...]
    features: tuple[tuple[int, float], ...]  # SAE feature and share


class _Parts(NamedTuple):
    """What the scores of one question are made of, behind one seed's demonstrations."""

    turn: Turn
    sinks: Sequence[int]  # places in the turn's span
    tokens: Tensor  # each token's part of each score, shape (3, n_tokens)
    features: Tensor  # each feature's part of each score, shape (3, n_features)


class QuestionScoring(Listener):
    """Scores by seed and question, and sums by feature of the first seed.

    `features` are each seed's, `sinks` says whether attention sinks count.

    Attributes:
        heard: The features of which it hears the activations, in their order.
        scores: The scores.
        by_feature: Mean activation and mean squared change of the first seed's features, shape (2, n_features).
    """

    def __init__(self, features: Mapping[int, Sequence[int]], *, sinks: bool) -> None:
        self.heard = tuple(sorted({feature for own in features.values() for feature in own}))
        self._place = {feature: place for place, feature in enumerate(self.heard)}
        self._places = {seed: torch.tensor([self._place[one] for one in own]) for seed, own in features.items()}
        self._sinks = sinks
        self._first = next(iter(features))
        self._parts: dict[int, dict[int, _Parts]] = {}  # by question, then by seed
        self.scores: dict[int, dict[int, QuestionScore]] = {seed: {} for seed in features}
        self.by_feature = RunningSums(2, len(features[self._first]))

    def hear(self, row: Row) -> None:
        """Score the questions of a row."""
        for seed, own in self._places.items():
            part = row.within(seed)
            if part is None:
                continue
            if not self._sinks:
                part = part.without_sinks()
            after = part.by_question(part.others[seed])
            for position, states in part.by_question(part.alone).items():
                before = states[:, own]
                moved = (after[position][:, own] - before).square()
                squares = before.square()
                act, icl = before.mean(dim=0), moved.mean(dim=0)
                score = QuestionScore(float(act.sum()), float(icl.sum()), float(squares.mean()))
                self.scores[seed][position] = score
                parts = torch.stack([before, moved, squares])
                sinks = part.sinks_of(position)
                made = _Parts(part.turns[position], sinks, parts.sum(dim=2), parts.sum(dim=1))
                self._parts.setdefault(position, {})[seed] = made
                if seed == self._first:
                    self.by_feature.add(torch.ones(1), (act[None], icl[None]))

    def carriers(self) -> dict[str, Carrier]:
        """By score, the question that carries most of it; none where all questions' scores are 0."""
        found = {}
        for index, name in enumerate(QuestionScore._fields):
            by_question = {
                position: {seed: self.scores[seed][position][index] for seed in made}
                for position, made in self._parts.items()
            }
            means = {position: sum(own.values()) / len(own) for position, own in by_question.items()}
            total = sum(means.values())
            if total <= 0:
                continue
            position = max(means, key=lambda one: means[one])
            seed = max(by_question[position], key=lambda one: by_question[position][one])
            turn, sinks, tokens, moved = self._parts[position][seed]
            numbers = [self.heard[place] for place in self._places[seed]]
            found[name] = Carrier(
                position=position,
                n_questions=len(means),
                share=means[position] / total,
                tokens=tuple(
                    CarrierToken(share, ending_at(turn, at), at in sinks) for at, share in _largest(tokens[index])
                ),
                features=tuple((numbers[at], share) for at, share in _largest(moved[index])),
            )
        return found


def ending_at(turn: Turn, at: int) -> tuple[int, ...]:
    """The ids of a token of the turn's span, which is the last, and of a few tokens before it."""
    position = turn.span[at]
    return turn.ids[max(0, position + 1 - CONTEXT_TOKENS) : position + 1]


def _largest(parts: Tensor) -> list[tuple[int, float]]:
    """Places and shares of the largest parts, largest first."""
    shares = parts / parts.sum()
    values, places = shares.topk(min(CARRIERS, len(shares)))
    return [(int(place), float(value)) for place, value in zip(places, values, strict=True) if value > 0]
