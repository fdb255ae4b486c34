"""Step 1 of STS: which features do demonstrations from the training set move?

    D_N = TopN_j  E_x  ‖ h_j(x) − h_j(x_0, y_0, …, x_t, y_t, x) ‖²          (equation 3 of the paper)

h(x) are the features of the untuned model at one layer. The expectation is over questions of the
training set, each counting once with the mean over its tokens. In-context learning stands in for
fine-tuning: the features that demonstrations move are taken for the ones that tuning will move.
"""

from collections.abc import Iterator
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
from sts_eval.study.reading import Context, Listen, Listener, Reading, RunningSums, Tokens

_SHOWN = "demonstrations"


@dataclass(frozen=True)
class Shift:
    """How far demonstrations move every feature, for one seed, which drew the demonstrations and the questions."""

    seed: int
    score: NDArray[np.float64]  # shape (d_sae,), the mean squared difference of each feature
    features: tuple[int, ...]  # the N features with the highest score, highest first (D_N)
    demonstrations: tuple[int, ...]  # row numbers in the training set
    n_questions: int
    n_tokens: int  # of the questions
    fewer_shots: int  # how many questions saw fewer demonstrations because of the context
    prompts_sha256: str  # of the token ids of the demonstrations and the questions


class FeatureShift(Listener):
    """Mean squared difference of every feature, with and without demonstrations."""

    encodes = True

    def __init__(self) -> None:
        self._sums = RunningSums()

    def hear_features(self, tokens: Tokens) -> None:
        """Add tokens."""
        self._sums.add(tokens.weights, self._terms(tokens.alone, tokens.others[_SHOWN]))

    @staticmethod
    def _terms(before: Tensor, after: Tensor) -> Iterator[Tensor]:
        yield (before - after).square_()
        yield before
        yield after
        yield before.square()
        yield after.square()

    def scores(self) -> dict[str, NDArray[np.float64]]:
        """By estimator, shape (d_sae,): each token compared with itself, or with every other."""
        paired, before, after, before2, after2 = self._sums.means()
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
    moved = FeatureShift()
    listeners = [moved, *(listen(drawn.turns) if listen else ())]
    reading.play(listeners, partial(progress, "step 1: shifted features"))
    score = moved.scores()[settings.estimator]
    return Shift(
        seed=seed,
        score=score,
        features=tuple(map(int, top(score, settings.top_n))),
        demonstrations=drawn.rows,
        n_questions=len(drawn.turns),
        n_tokens=sum(len(turn.span) for turn in drawn.turns.values()),
        fewer_shots=shown.n_fewer,
        prompts_sha256=fingerprint([drawn.shown.prefixes, list(drawn.turns.values())]),
    )


def top(score: NDArray[np.float64], n: int) -> NDArray[np.intp]:
    """The n dimensions with the highest score, highest first; among equals the first. Shape (n,) or fewer."""
    return np.argsort(-score, kind="stable")[:n]
