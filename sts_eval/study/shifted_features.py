"""Step 1 of STS: which features do demonstrations from the training set move?

    D_N = TopN_j  E_x  ‖ h_j(x) − h_j(x_0, y_0, …, x_t, y_t, x) ‖²          (equation 3 of the paper)

h(x) are the features of the untuned model at one layer. The expectation is over questions of the
training set, each counting once with the mean over its tokens. In-context learning stands in for
fine-tuning: the features that demonstrations move are taken for the ones that tuning will move.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from sts_eval.data.training_set import TrainingSet
from sts_eval.progress import Progress, silent
from sts_eval.records.record import fingerprint
from sts_eval.study.draws import draw_training_rows
from sts_eval.study.extractor import Extractor
from sts_eval.study.reading import Context, Listen, Listener, Reading, RunningSums, SinkTokens, Tokens
from sts_eval.study.sinks import BothWays

_SHOWN = "demonstrations"


@dataclass(frozen=True)
class Shift:
    """How far demonstrations move every feature, for one seed, which drew the demonstrations and the questions."""

    seed: int
    score: NDArray[np.float64]  # shape (d_sae,), the mean squared difference of each feature
    features: tuple[int, ...]  # the N features with the highest score, highest first (D_N)
    both: BothWays[tuple[int, ...]]  # D_N with attention sinks and without; `features` is one of them
    demonstrations: tuple[int, ...]  # row numbers in the training set
    questions: tuple[int, ...]  # row numbers in the training set, in the order drawn
    n_tokens: int  # of the questions
    seen: tuple[int, ...]  # how many questions saw 0, 1, ... demonstrations; fewer than all where the context is full
    sinks: Mapping[int, int]  # how many of the questions' tokens are attention sinks, by token id
    prompts_sha256: str  # of the token ids of the demonstrations and the questions

    @property
    def fewer_shots(self) -> int:
        """How many questions saw fewer demonstrations because of the context."""
        return sum(self.seen[:-1])

    @property
    def n_questions(self) -> int:
        """How many questions were read."""
        return len(self.questions)


class FeatureShift(Listener):
    """Mean squared difference of every feature, with and without demonstrations."""

    encodes = True

    def __init__(self) -> None:
        self._sums = RunningSums()
        self._clean: RunningSums | None = None  # without attention sinks, once there are any

    def hear_features(self, tokens: Tokens) -> None:
        """Add tokens."""
        if tokens.clean_weights is not None and self._clean is None:
            self._clean = self._sums.copy()
        after = tokens.others[_SHOWN]
        if self._clean is not None:
            weights = tokens.weights if tokens.clean_weights is None else tokens.clean_weights
            self._clean.add(weights, self._terms(tokens.alone, after))
        self._sums.add(tokens.weights, self._terms(tokens.alone, after))

    @staticmethod
    def _terms(before: Tensor, after: Tensor) -> Iterator[Tensor]:
        yield (before - after).square_()
        yield before
        yield after
        yield before.square()
        yield after.square()

    def scores(self, *, sinks: bool = True) -> dict[str, NDArray[np.float64]]:
        """By estimator, shape (d_sae,): each token compared with itself, or with every other.

        `sinks` says whether attention sinks count.
        """
        sums = self._sums if sinks or self._clean is None else self._clean
        paired, before, after, before2, after2 = sums.means()
        return {"paired": paired, "notebook": before2 + after2 - 2 * before * after}


def measure_shift(
    extractor: Extractor,
    training_set: TrainingSet,
    seed: int,
    progress: Progress = silent,
    listen: Listen | None = None,
) -> Shift:
    """Compare question tokens with and without demonstrations, and pick the features that move most.

    The `paired` estimator compares each token with itself. The `notebook` estimator is that of the authors' notebook,
    two unaligned samples row against row; its mean over the pairings, E[a²] + E[b²] − 2 E[a] E[b], needs no sample.
    `listen` makes further listeners to the same reading; they hear the context "demonstrations".

    Raises:
        UserError: The set has fewer rows than demonstrations + 1, or a question exceeds the context.
    """
    settings = extractor.settings
    drawn = draw_training_rows(extractor, training_set, seed)
    shown = Context.of(_SHOWN, extractor, drawn.shown, drawn.turns)
    reading = Reading(extractor, drawn.turns, shown.alone(drawn.turns), [shown], grouped_by=shown)
    moved, sinks = FeatureShift(), SinkTokens()
    further = listen(drawn.turns) if listen else ()
    hearing = ([moved, sinks, *further], []) if settings.sink_tokens == "keep" else ([moved, sinks], further)
    reading.play(hearing[0], partial(progress, f"step 1: training questions, seed {seed}"), clean=hearing[1])
    scores = BothWays(*(moved.scores(sinks=kept)[settings.estimator] for kept in (True, False)))
    both = BothWays(*(tuple(map(int, top(score, settings.top_n))) for score in scores))
    return Shift(
        seed=seed,
        score=scores.chosen(settings),
        features=both.chosen(settings),
        both=both,
        demonstrations=drawn.rows,
        questions=tuple(drawn.turns),
        n_tokens=sum(len(turn.span) for turn in drawn.turns.values()),
        seen=shown.seen,
        sinks=sinks.counts,
        prompts_sha256=fingerprint([drawn.shown.prefixes, list(drawn.turns.values())]),
    )


def top(score: NDArray[np.float64], n: int) -> NDArray[np.intp]:
    """The n dimensions with the highest score, highest first; among equals the first. Shape (n,) or fewer."""
    return np.argsort(-score, kind="stable")[:n]
