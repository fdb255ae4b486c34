"""Whether two ways of scoring the same options agree, as far as the rounding of the weights' type allows.

What an option's log-probability may differ by grows with its tokens, so single differences are judged per token. What
the answers are used for is judged beside it: which option wins, and its share of the options' probability.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.special import log_softmax

ROUNDING = {torch.float64: 1e-6, torch.float32: 1e-3, torch.float16: 0.03, torch.bfloat16: 0.125}
"""What rounding does to the log-probability of a token, in nats. A logit of 30 in bfloat16 is a multiple of 0.125."""


class Scored(NamedTuple):
    """A question's options."""

    one: ArrayLike  # log-probabilities by the way that is trusted, nats, shape (n_options,)
    other: ArrayLike  # by the way that is checked
    tokens: ArrayLike  # of each option


def disagreement(questions: Sequence[Scored], dtype: Any) -> str | None:
    """How the two ways differ by more than rounding, as a clause; None where they agree."""
    limit = ROUNDING.get(dtype, ROUNDING[torch.float32])
    shares = []
    for question in questions:
        one, other, tokens = (np.asarray(part, dtype=np.float64) for part in question)
        apart = float(np.max(np.abs(one - other) / tokens))
        if not apart <= 2 * limit:  # NaN is no agreement
            return f"an option differs by {apart:.3g} nats per token, and rounding explains {2 * limit:g}"
        winner = int(one.argmax())
        # Both options may be off by rounding, whose sum over tokens grows with their root.
        slack = 2 * limit * float(np.sqrt(tokens.max()))
        if one[winner] - one[other.argmax()] > slack:
            return "another option wins"
        shares.append(abs(float(log_softmax(one)[winner] - log_softmax(other)[winner])))
    if shares and np.mean(shares) > 2 * limit:
        return f"the log-probability of the likeliest option among the options differs by {np.mean(shares):.3g} nats"
    return None
