"""What the untuned model's activations are on one body of questions: sums that predictors share.

They are made while STS reads, from the same forward passes. A question counts once, with the mean over its
tokens. Nothing here grows with the number of tokens, save one vector per question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sts_eval.data.prompt import Turn
from sts_eval.data.sampling import generator
from sts_eval.model.sae import SparseAutoencoder

SAMPLE = 1024
"""Most tokens whose residuals are kept as they are."""


@dataclass(frozen=True)
class Moments:
    """Means over the questions of a domain, or of the training set.

    All are of question tokens without demonstrations; the two shifts compare them with the same tokens
    behind demonstrations of the same body (the training set's, or the domain's own).

    Attributes:
        residual: Mean residual, shape (d_model,).
        residual_size: Mean absolute value of each dimension, shape (d_model,).
        residual_norm: Mean Euclidean norm of a token's residual.
        residual_shift: Mean squared change of each dimension under demonstrations, shape (d_model,).
        feature: Mean activation, shape (d_sae,).
        frequency: Share of tokens on which a feature is active, shape (d_sae,).
        feature_shift: Mean squared change of each feature under demonstrations, shape (d_sae,).
        sample: Residuals of tokens drawn evenly, shape (at most SAMPLE, d_model).
        questions: Mean residual of each question, shape (n_questions, d_model), in the order read.
    """

    residual: NDArray[np.float64]
    residual_size: NDArray[np.float64]
    residual_norm: float
    residual_shift: NDArray[np.float64]
    feature: NDArray[np.float64]
    frequency: NDArray[np.float64]
    feature_shift: NDArray[np.float64]
    sample: NDArray[np.float64]
    questions: NDArray[np.float64]


class Meter:
    """Adds up the moments of one body of questions while they are read, in any order.

    Args:
        autoencoder: Encodes features where the caller has not done it.
        turns: All questions that will be read.
        name: Of the body; it names the draw of the sample.
    """

    def __init__(self, autoencoder: SparseAutoencoder, turns: Sequence[Turn], name: str) -> None:
        """Nothing is read yet."""
        self._autoencoder = autoencoder
        self._ends = np.cumsum([len(turn.span) for turn in turns])
        n_tokens = int(self._ends[-1])
        drawn = generator(0, "token sample", name).choice(n_tokens, size=min(SAMPLE, n_tokens), replace=False)
        self._drawn = np.sort(drawn)
        self._sample: dict[int, NDArray[np.float64]] = {}
        self._questions: dict[int, NDArray[np.float64]] = {}
        self._residual = torch.zeros(3, autoencoder.d_in, dtype=torch.float64)
        self._feature = torch.zeros(3, autoencoder.d_sae, dtype=torch.float64)
        self._norm = 0.0

    def residuals(self, numbers: Sequence[int], turns: Sequence[Turn], before: Tensor, after: Tensor) -> None:
        """Add hidden states of some questions, without demonstrations and behind them.

        Args:
            numbers: Which of the questions these are.
            turns: The questions.
            before: Shape (sum of span lengths, d_model).
            after: The same tokens behind demonstrations, same shape.
        """
        lengths = [len(turn.span) for turn in turns]
        before, after = before.double().cpu(), after.double().cpu()
        weights = question_weights(turns).double()
        terms = before, before.abs(), (after - before).square()
        self._residual += torch.stack([weights @ term for term in terms])
        self._norm += float(weights @ before.norm(dim=1))
        for number, own in zip(numbers, torch.split(before, lengths), strict=True):
            self._questions[number] = own.mean(dim=0).numpy()
            stop = int(self._ends[number])
            low, high = np.searchsorted(self._drawn, [stop - len(own), stop])
            if low < high:
                self._sample[number] = own.numpy()[self._drawn[low:high] - (stop - len(own))]

    def features(self, weights: Tensor, before: Tensor, after: Tensor) -> None:
        """Add activations, shape (n, d_sae), of tokens with weights (n,), in both contexts."""
        weights = weights.to(before.device)
        terms = before, (before > 0).to(before.dtype), (after.to(before.device) - before).square()
        self._feature += torch.stack([weights @ term for term in terms]).double().cpu()

    def both(self, numbers: Sequence[int], turns: Sequence[Turn], before: Tensor, after: Tensor) -> None:
        """Add hidden states and, encoded here, their features. Arguments as for `residuals`."""
        self.residuals(numbers, turns, before, after)
        weights = question_weights(turns)
        pairs = zip(self._autoencoder.encode(before), self._autoencoder.encode(after), strict=True)
        for (block, block_before), (_, block_after) in pairs:
            self.features(weights[block], block_before, block_after)

    def moments(self) -> Moments:
        """What was added, as means over questions."""
        n_questions = len(self._questions)
        residual, size, moved = (self._residual / n_questions).numpy()
        feature, frequency, shifted = (self._feature / n_questions).numpy()
        return Moments(
            residual=residual,
            residual_size=size,
            residual_norm=self._norm / n_questions,
            residual_shift=moved,
            feature=feature,
            frequency=frequency,
            feature_shift=shifted,
            sample=np.concatenate([self._sample[number] for number in sorted(self._sample)]),
            questions=np.stack([self._questions[number] for number in sorted(self._questions)]),
        )


def question_weights(turns: Sequence[Turn]) -> Tensor:
    """Weight of each token such that every question weighs one. Shape (n_tokens,)."""
    return torch.cat([torch.full((len(turn.span),), 1 / len(turn.span)) for turn in turns])
