"""What the untuned model's activations are on one set of questions: means that predictors share.

They are made while STS reads, from the same forward passes. A question counts once, with the mean over its
tokens. Nothing here grows with the number of tokens, save one vector per question.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from sts_eval.data.prompt import Turn
from sts_eval.data.sampling import generator
from sts_eval.study.reading import Listener, Row, RunningSums, Tokens

SAMPLE = 1024  # most tokens whose residuals are kept as they are

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Moments:
    """Means over the questions of a domain, or of the training set.

    All are of question tokens without demonstrations; the two shifts compare them with the same tokens behind
    demonstrations of the same body (the training set's, or the domain's own). Residuals and what is made of them have
    shape (d_model,), features (d_sae,).
    """

    residual: Floats
    residual_size: Floats  # mean absolute value of each dimension
    residual_norm: float  # mean Euclidean norm of a token's residual
    residual_shift: Floats  # mean squared change of each dimension under demonstrations
    feature: Floats  # mean activation
    frequency: Floats  # share of tokens on which a feature is active
    feature_shift: Floats  # mean squared change of each feature under demonstrations
    sample: Floats  # residuals of tokens drawn evenly, shape (at most SAMPLE, d_model)
    questions: Floats  # mean residual of each question, shape (n_questions, d_model), in the order read


class ActivationMoments(Listener):
    """Adds up the moments of one set of questions, read alone and in one further context, in any order.

    `turns` are all questions that will be read, in the order in which they are kept. The set's name seeds the sample.
    """

    encodes = True

    def __init__(self, turns: Mapping[int, Turn], name: str) -> None:
        ends = list(accumulate(len(turn.span) for turn in turns.values()))
        self._ends = dict(zip(turns, ends, strict=True))
        drawn = generator(0, "token sample", name).choice(ends[-1], size=min(SAMPLE, ends[-1]), replace=False)
        self._drawn = np.sort(drawn)
        self._sample: dict[int, Floats] = {}
        self._questions: dict[int, Floats] = {}
        self._residuals, self._norms, self._features = RunningSums(), RunningSums(), RunningSums()

    def hear(self, row: Row) -> None:
        """Add residuals."""
        before = row.alone.double().cpu()
        (after,) = (states.double().cpu() for states in row.others.values())
        self._residuals.add(row.weights, (before, before.abs(), (after - before).square()))
        self._norms.add(row.weights, [before.norm(dim=1)])
        for number, own in row.by_question(before).items():
            self._questions[number] = own.mean(dim=0).numpy()
            start = self._ends[number] - len(own)
            low, high = np.searchsorted(self._drawn, [start, self._ends[number]])
            self._sample[number] = own.numpy()[self._drawn[low:high] - start]

    def hear_features(self, tokens: Tokens) -> None:
        """Add features."""
        before = tokens.alone
        (after,) = tokens.others.values()
        terms = before, (before > 0).to(before.dtype), (after - before).square()
        self._features.add(tokens.weights, terms)

    def moments(self) -> Moments:
        """Means over the questions."""
        n_questions = len(self._questions)
        residual, size, moved = self._residuals.means(n_questions)
        feature, frequency, shifted = self._features.means(n_questions)
        return Moments(
            residual=residual,
            residual_size=size,
            residual_norm=float(self._norms.means(n_questions)[0]),
            residual_shift=moved,
            feature=feature,
            frequency=frequency,
            feature_shift=shifted,
            sample=np.concatenate([self._sample[number] for number in self._ends]),
            questions=np.stack([self._questions[number] for number in self._ends]),
        )
