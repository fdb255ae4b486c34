"""What the families of predictors share: measures of likeness that are NaN where they are not defined."""

import math

import numpy as np
from numpy.typing import NDArray


def ratio(part: float, whole: float) -> float:
    """Part / whole of two sizes; NaN where the whole is zero."""
    return part / whole if whole > 0 else math.nan


def cosine(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """a·b / (‖a‖ ‖b‖) of two vectors of shape (d,); NaN where either is zero."""
    return ratio(float(a @ b), float(np.linalg.norm(a) * np.linalg.norm(b)))
