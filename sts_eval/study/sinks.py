"""Attention sinks: tokens whose residual vector is far longer than those of the tokens around it.

Attention parks on a few tokens, mostly the first one, blanks and delimiters. Their residuals carry massive activations
(Sun et al. 2024, arXiv 2402.17762), which say nothing about the text, and which an SAE answers with huge features. A
squared change on one such token can outweigh all others of a domain.

The rule is the one with which activations are filtered before an SAE is trained on them (dictionary_learning's
`max_activation_norm_multiple`, "10 is a good default"): a token is a sink where its residual is longer than ten times
the median. The median is over the tokens of its own question that are read, so that no other question has a say.
"""

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from torch import Tensor

from sts_eval.experiment import PredictSettings

SINK_NORM = 10.0  # in medians of the question's residual norms


def find_sinks(hidden: Tensor, lengths: Sequence[int]) -> list[tuple[int, ...]]:
    """For each question, the positions in its span of tokens that are sinks.

    More than half of a question's tokens are none, whatever its norms, so two contexts together leave a token.

    Args:
        hidden: Residuals of the questions' tokens, shape (sum of lengths, d_model).
        lengths: Length of each question's span.
    """
    norms = hidden.float().norm(dim=1).cpu().numpy()
    ends = np.cumsum(lengths)[:-1]
    return [tuple(map(int, np.flatnonzero(own > SINK_NORM * np.median(own)))) for own in np.split(norms, ends)]


Value = TypeVar("Value")


class BothWays(NamedTuple, Generic[Value]):
    """The same quantity with attention sinks and without."""

    keep: Value
    exclude: Value

    def chosen(self, settings: PredictSettings) -> Value:
        """The one that the settings ask for."""
        return self.keep if settings.sink_tokens == "keep" else self.exclude

    def other(self, settings: PredictSettings) -> Value:
        """The one that they do not ask for."""
        return self.exclude if settings.sink_tokens == "keep" else self.keep
