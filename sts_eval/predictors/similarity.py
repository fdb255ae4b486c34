"""What the families of predictors share: the cosine, and the rule for a score that is not defined.

Where a domain has no value (an angle to the zero vector, a covariance of one token), the domain is left out
of the scores. A number made up for it would enter a correlation as if it had been measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray


def cosine(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """a·b / (‖a‖ ‖b‖) of two vectors of shape (d,); NaN where either is zero."""
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norms if norms > 0 else math.nan


def defined(scores: Mapping[str, float]) -> dict[str, float]:
    """The scores without the domains whose value is NaN."""
    return {name: score for name, score in scores.items() if not math.isnan(score)}
