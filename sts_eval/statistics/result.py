"""A confidence interval, and results in which the data may leave a statistic undefined."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided confidence interval, in the unit of the estimate; the level is its nominal coverage."""

    low: float
    high: float
    level: float = 0.95

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Statistics, each None where the data do not define it."""

    # Why a field is None, a clause in plain English by the field's name, or by "all" for all fields.
    undefined: Mapping[str, str] = field(default_factory=dict)

    def reason(self, statistic: str) -> str | None:
        """Why the field of this name is None; None where it is defined."""
        return self.undefined.get(statistic, self.undefined.get("all"))
