"""Whether two ways of scoring the same options agree, as far as the rounding of the weights' type allows.

Rounding errors of tokens are nearly independent, so that an option of n tokens differs by √n times as much as one of a
single token. Differences are judged at the size of one token: their root mean square, and the largest. What the answers
are used for is judged beside them: which option wins, and its share of the options' probability.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.special import log_softmax

ROUNDING = {torch.float64: 1e-6, torch.float32: 1e-3, torch.float16: 0.03, torch.bfloat16: 0.125}
"""What rounding does to the log-probability of a token, in nats. A logit of 30 in bfloat16 is a multiple of 0.125."""

LARGEST = 3
"""A single difference may be this many times the usual one: of 80 options, 2.5 times is common."""


class Scored(NamedTuple):
    """A question's options."""

    one: ArrayLike  # log-probabilities by the way that is trusted, nats, shape (n_options,)
    other: ArrayLike  # by the way that is checked
    tokens: ArrayLike  # of each option


def disagreement(questions: Sequence[Scored], dtype: Any) -> str | None:
    """How the two ways differ by more than rounding, as a clause; None where they agree."""
    if not questions:
        return None
    limit = math.sqrt(2) * ROUNDING.get(dtype, ROUNDING[torch.float32])  # both ways are rounded
    arrays = [[np.asarray(part, dtype=np.float64) for part in question] for question in questions]
    apart = np.concatenate([np.abs(one - other) / np.sqrt(tokens) for one, other, tokens in arrays])
    usual, largest = float(np.sqrt(np.mean(apart**2))), float(apart.max())
    if not (usual <= limit and largest <= LARGEST * limit):  # NaN is no agreement
        return (
            f"options differ by {usual:.3g} nats for each token (root mean square; at most {largest:.3g}), and "
            f"rounding explains {limit:.2g} (at most {LARGEST * limit:.2g})"
        )
    shares, of_two = [], math.sqrt(2) * limit  # what two options may be off by
    for one, other, tokens in arrays:
        winner = int(one.argmax())
        if one[winner] - one[other.argmax()] > of_two * np.sqrt(tokens.max()):
            return "another option wins"
        shares.append(abs(log_softmax(one)[winner] - log_softmax(other)[winner]))
    if np.mean(shares) > of_two:
        return f"the log-probability of the likeliest option among the options differs by {np.mean(shares):.3g} nats"
    return None
