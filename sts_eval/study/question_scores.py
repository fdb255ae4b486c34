"""Step 2 of STS: how active are the shifted features in a domain, and how far do its demonstrations move them?

Three scores of every question, each the mean over its tokens; `predictors/sts.py` has the equations. A question counts
once, so that the spread over questions gives the standard error.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sts_eval.data.benchmark import Domain
from sts_eval.model.sae import SparseAutoencoder
from sts_eval.progress import Progress, silent
from sts_eval.records.record import fingerprint
from sts_eval.study.draws import draw_demonstrations
from sts_eval.study.extractor import Extractor
from sts_eval.study.reading import Context, Listen, Listener, Reading, Row, RunningSums, tell

CONTEXT_TOKENS = 8
KEEP = 5  # firings of a feature that are shown


class QuestionScore(NamedTuple):
    """The three scores of one question: means over its tokens."""

    sts_act: float
    sts_icl: float
    sts_notebook: float


ScoresBySeed = Mapping[int, Mapping[int, QuestionScore]]  # by seed, then by position in the domain's questions


@dataclass(frozen=True)
class QuestionScores:
    """The questions' scores by domain, of all seeds."""

    domains: Mapping[str, ScoresBySeed]


class Firing(NamedTuple):
    """A token of a domain's question on which a feature fires."""

    activation: float
    domain: str
    ids: tuple[int, ...]  # from a few tokens before up to the token, which is the last


@dataclass(frozen=True)
class DomainReading:
    """What step 2 found in one domain."""

    domain: str
    questions: ScoresBySeed
    act_by_feature: NDArray[np.float64]  # mean activation of each feature of the first seed's D_N, in its order
    icl_by_feature: NDArray[np.float64]  # the same for the squared change under demonstrations
    firings: Mapping[int, Sequence[Firing]]  # by explained feature, where it is most active, strongest first
    n_tokens: int  # of the questions
    fewer_shots: int  # how many readings saw fewer demonstrations because of the context
    prompts_sha256: str  # of the token ids of the demonstrations, by seed, and the questions


def read_domain(
    extractor: Extractor,
    domain: Domain,
    features: Mapping[int, Sequence[int]],
    chosen: Mapping[int, Sequence[int]],
    explained: Sequence[int] = (),
    listen: Listen | None = None,
    progress: Progress = silent,
) -> DomainReading:
    """Score the chosen questions of a domain on the shifted features.

    `features` and `chosen` are by seed: its shifted features, and the positions of the questions to score. The first
    seed's features are summed by feature too, and of the `explained` ones the strongest firings are kept. `listen` is
    given the first seed's questions in its order; its listeners hear them alone and behind that seed's demonstrations.
    A question without demonstrations is read once, whatever the number of seeds.

    Raises:
        UserError: A question exceeds the context.
    """
    every = sorted({feature for own in features.values() for feature in own})
    place = {feature: index for index, feature in enumerate(every)}
    positions = sorted({position for taken in chosen.values() for position in taken})
    turns = {position: extractor.prompter.turn(domain.questions[position].text) for position in positions}
    shown = {seed: draw_demonstrations(extractor, domain, seed) for seed in features}
    contexts = [
        Context.of(seed, extractor, demonstrations, {position: turns[position] for position in chosen.get(seed, ())})
        for seed, demonstrations in shown.items()
    ]
    first = next(iter(features))
    scoring = _QuestionScoring({seed: [place[feature] for feature in own] for seed, own in features.items()})
    tokens = TopTokens(domain.name, {feature: place[feature] for feature in explained})
    listeners: list[Listener] = [_ChosenFeatures(extractor.autoencoder.encoder(every), [scoring, tokens])]
    if listen is not None:
        further = listen({position: turns[position] for position in chosen[first]})
        listeners.append(_WithinContext(first, extractor.autoencoder, further))
    reading = Reading(extractor, turns, contexts[0].alone(turns), contexts)
    reading.play(listeners, partial(progress, f"step 2: {domain.name}"))
    act, icl = scoring.by_feature.means()
    return DomainReading(
        domain=domain.name,
        questions=scoring.scores,
        act_by_feature=act,
        icl_by_feature=icl,
        firings=tokens.firings,
        n_tokens=sum(len(turn.span) for turn in turns.values()),
        fewer_shots=sum(context.n_fewer for context in contexts),
        prompts_sha256=fingerprint([[one.prefixes for one in shown.values()], list(turns.values())]),
    )


@dataclass(frozen=True)
class _ChosenFeatures(Listener):
    """Lets other listeners hear some features, in float64, in place of the hidden states."""

    encode: Callable[[Tensor], Tensor]
    listeners: Sequence[Listener]

    def hear(self, row: Row) -> None:
        alone, *others = (self.encode(hidden).double().cpu() for hidden in (row.alone, *row.others.values()))
        features = replace(row, alone=alone, others=dict(zip(row.others, others, strict=True)))
        for listener in self.listeners:
            listener.hear(features)


@dataclass(frozen=True)
class _WithinContext(Listener):
    """Lets other listeners hear the questions that one context covers."""

    context: Hashable
    autoencoder: SparseAutoencoder
    listeners: Sequence[Listener]

    def hear(self, row: Row) -> None:
        part = row.within(self.context)
        if part is not None:
            tell(part, self.listeners, self.autoencoder)


class _QuestionScoring(Listener):
    """Scores by seed and question, and sums by feature of the first seed."""

    def __init__(self, places: Mapping[int, Sequence[int]]) -> None:
        # By seed, where its features stand in the states that are heard.
        self._places = {seed: torch.tensor(own) for seed, own in places.items()}
        self._first = next(iter(places))
        self.scores: dict[int, dict[int, QuestionScore]] = {seed: {} for seed in places}
        self.by_feature = RunningSums(2, len(places[self._first]))

    def hear(self, row: Row) -> None:
        for seed, own in self._places.items():
            part = row.within(seed)
            if part is None:
                continue
            after = part.by_question(part.others[seed])
            for position, states in part.by_question(part.alone).items():
                before = states[:, own]
                act = before.mean(dim=0)
                icl = (after[position][:, own] - before).square().mean(dim=0)
                squares = float(before.square().mean())
                self.scores[seed][position] = QuestionScore(float(act.sum()), float(icl.sum()), squares)
                if seed == self._first:
                    self.by_feature.add(torch.ones(1), (act[None], icl[None]))


class TopTokens(Listener):
    """Keeps the strongest firings of some features: by feature, strongest first.

    At most one firing per question is kept, so that one repetitive question cannot fill the list. `place` says by
    feature where it stands in the states of the rows that are heard.
    """

    def __init__(self, domain: str, place: Mapping[int, int], keep: int = KEEP) -> None:
        self._domain = domain
        self._place = place
        self._keep = keep
        self.firings: dict[int, list[Firing]] = {feature: [] for feature in place}

    def hear(self, row: Row) -> None:
        """Look at the questions of a row, alone."""
        for number, activations in row.by_question(row.alone).items():
            ids, span, _ = row.turns[number]
            for feature, kept in self.firings.items():
                value, at = activations[:, self._place[feature]].max(dim=0)
                if value > 0:
                    position = span[int(at)]
                    context = ids[max(0, position + 1 - CONTEXT_TOKENS) : position + 1]
                    self.firings[feature] = strongest([*kept, Firing(float(value), self._domain, context)], self._keep)


def strongest(firings: Iterable[Firing], keep: int = KEEP) -> list[Firing]:
    """The strongest firings, strongest first."""
    return sorted(firings, reverse=True)[:keep]
