"""Step 2 of STS: how active are the shifted features in a domain, and how far do its demonstrations move them?

Three scores of every question, each the mean over its tokens; `predictors/sts.py` has the equations. A question counts
once, so that the spread over questions gives the standard error. All are computed twice from the same pass, with and
without attention sinks (`study/sinks.py`); a setting says which of the two is STS's.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sts_eval.data.benchmark import Domain
from sts_eval.model.sae import SparseAutoencoder
from sts_eval.progress import Progress, silent
from sts_eval.records.record import fingerprint
from sts_eval.study.draws import draw_demonstrations
from sts_eval.study.extractor import Extractor
from sts_eval.study.reading import Context, Listen, Listener, Reading, Row, SinkTokens, tell
from sts_eval.study.scoring import Carrier, QuestionScoring, ScoresBySeed
from sts_eval.study.sinks import BothWays


@dataclass(frozen=True)
class QuestionScores:
    """The questions' scores by domain, of all seeds."""

    domains: Mapping[str, ScoresBySeed]
    without_sinks: Mapping[str, ScoresBySeed]  # the same where attention sinks do not count


@dataclass(frozen=True)
class OnPolicyScores:
    """The questions' scores by domain on the features that the model's own demonstrations shift, of all seeds."""

    domains: Mapping[str, ScoresBySeed]


@dataclass(frozen=True)
class DomainReading:
    """What step 2 found in one domain."""

    domain: str
    questions: ScoresBySeed
    both: BothWays[ScoresBySeed]  # with attention sinks and without; `questions` is one of them
    on_policy: ScoresBySeed  # on the features that the model's own demonstrations shift; empty if not asked for
    carriers: Mapping[str, Carrier]  # by score, the question with the largest one
    act_by_feature: NDArray[np.float64]  # mean activation of each feature of the first seed's D_N, in its order
    icl_by_feature: NDArray[np.float64]  # the same for the squared change under demonstrations
    n_tokens: int  # of the questions
    demonstrations: tuple[tuple[int, ...], ...]  # by seed, positions among the domain's demonstrations
    seen: tuple[int, ...]  # how many readings saw 0, 1, ... demonstrations; fewer than all where the context is full
    sinks: Mapping[int, int]  # how many of the questions' tokens are attention sinks, by token id
    prompts_sha256: str  # of the token ids of the demonstrations, by seed, and the questions

    @property
    def fewer_shots(self) -> int:
        """How many readings saw fewer demonstrations because of the context."""
        return sum(self.seen[:-1])


def read_domain(
    extractor: Extractor,
    domain: Domain,
    features: Mapping[int, Sequence[int]],
    chosen: Mapping[int, Sequence[int]],
    listen: Listen | None = None,
    listen_alone: Listen | None = None,
    progress: Progress = silent,
    other_way: Mapping[int, Sequence[int]] | None = None,
    on_policy: Mapping[int, Sequence[int]] | None = None,
) -> DomainReading:
    """Score the chosen questions of a domain on the shifted features.

    `features` and `chosen` are by seed: its shifted features, and the positions of the questions to score. Where
    leaving attention sinks out (or keeping them, as the settings do not) gives others, those are `other_way`. The first
    seed's features are summed by feature too. `listen` is given the first seed's questions in its order; its listeners
    hear them alone and behind that seed's demonstrations, those of `listen_alone` without demonstrations only.
    A question without demonstrations is read once, whatever the number of seeds. The features that the model's own
    demonstrations shift are scored from the same passes where they are given as `on_policy`.

    Raises:
        UserError: A question exceeds the context.
    """
    positions = sorted({position for taken in chosen.values() for position in taken})
    turns = {position: extractor.prompter.turn(domain.questions[position].text) for position in positions}
    drawn = {seed: draw_demonstrations(extractor, domain, seed) for seed in features}
    shown = {seed: demonstrations for seed, (_, demonstrations) in drawn.items()}
    contexts = [
        Context.of(seed, extractor, demonstrations, {position: turns[position] for position in chosen.get(seed, ())})
        for seed, demonstrations in shown.items()
    ]
    first = next(iter(features))
    keeps = extractor.settings.sink_tokens == "keep"
    scoring = QuestionScoring(features, sinks=keeps)
    opposite = QuestionScoring(other_way or features, sinks=not keeps)
    sinks = SinkTokens()
    hearing: dict[tuple[int, ...], list[Listener]] = {scoring.heard: [scoring]}
    hearing.setdefault(opposite.heard, []).append(opposite)
    by_itself = QuestionScoring(on_policy, sinks=keeps) if on_policy else None
    if by_itself is not None:
        hearing.setdefault(by_itself.heard, []).append(by_itself)
    listeners: list[Listener] = [
        sinks,
        *(_ChosenFeatures(extractor.autoencoder.encoder(heard), own) for heard, own in hearing.items()),
    ]
    for listening, alone in ((listen, False), (listen_alone, True)):
        if listening is not None:
            further = listening({position: turns[position] for position in chosen[first]})
            listeners.append(_WithinContext(first, extractor.autoencoder, further, sinks=keeps, alone=alone))
    reading = Reading(extractor, turns, contexts[0].alone(turns), contexts)
    reading.play(listeners, partial(progress, f"step 2: questions of {domain.name}"))
    act, icl = scoring.by_feature.means()
    counts = [context.seen for context in contexts]
    return DomainReading(
        domain=domain.name,
        questions=scoring.scores,
        both=BothWays(*(one.scores for one in ((scoring, opposite) if keeps else (opposite, scoring)))),
        on_policy=by_itself.scores if by_itself is not None else {},
        carriers=scoring.carriers(),
        act_by_feature=act,
        icl_by_feature=icl,
        n_tokens=sum(len(turn.span) for turn in turns.values()),
        demonstrations=tuple(positions for positions, _ in drawn.values()),
        seen=tuple(map(sum, zip(*counts, strict=True))),
        sinks=sinks.counts,
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
    sinks: bool  # whether they hear attention sinks
    alone: bool  # whether they hear them without demonstrations only

    def hear(self, row: Row) -> None:
        part = row.within(self.context)
        if part is not None:
            part = replace(part, others={}, covered={}) if self.alone else part
            tell(part if self.sinks else part.without_sinks(), self.listeners, self.autoencoder)
