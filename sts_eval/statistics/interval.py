"""A confidence interval and what can be asked of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided confidence interval.

    Attributes:
        low: Lower end, in the unit of the estimate.
        high: Upper end, in the same unit.
        level: Nominal coverage, a proportion.
    """

    low: float
    high: float
    level: float = 0.95

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    @property
    def width(self) -> float:
        """Distance between the ends, in the unit of the estimate."""
        return self.high - self.low
