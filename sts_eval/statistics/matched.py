"""How many of some chosen dimensions would carry a mark if others that are as active had been chosen instead."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

BANDS_PER_OCTAVE = 2  # activity is matched within a factor of √2


@dataclass(frozen=True, slots=True)
class MatchedNull:
    """The exact distribution of the count: the probability of 0, 1, ... marked ones."""

    probabilities: NDArray[np.float64]

    @property
    def mean(self) -> float:
        """The expected count."""
        return float(self.probabilities @ np.arange(len(self.probabilities)))

    @property
    def sd(self) -> float:
        """The standard deviation of the count."""
        away = np.arange(len(self.probabilities)) - self.mean
        return float(np.sqrt(max(0.0, float(self.probabilities @ away**2))))

    def at_least(self, count: int) -> float:
        """The probability of so many or more."""
        return min(1.0, float(self.probabilities[count:].sum()))


def matched_null(marked: ArrayLike, chosen: ArrayLike, activity: ArrayLike) -> MatchedNull:
    """The number of marked dimensions among random ones, as many from each band of activity as were chosen.

    It is a sum of independent hypergeometric counts, one a band. With equal activities there is one band.

    Args:
        marked: Whether each dimension carries the mark, shape (d,).
        chosen: Whether it is one of the chosen ones, shape (d,).
        activity: How active it is, not negative, shape (d,).
    """
    marks, choice, bands = np.asarray(marked, dtype=bool), np.asarray(chosen, dtype=bool), _bands(np.asarray(activity))
    probabilities = np.ones(1)
    for band in np.unique(bands[choice]):
        inside = bands == band
        n_marked, n_drawn = int((inside & marks).sum()), int((inside & choice).sum())
        counts = stats.hypergeom(int(inside.sum()), n_marked, n_drawn)
        probabilities = np.convolve(probabilities, counts.pmf(np.arange(min(n_marked, n_drawn) + 1)))
    return MatchedNull(probabilities)


def _bands(activity: NDArray[np.float64]) -> NDArray[np.int64]:
    """Which band of activity each dimension is in; the silent ones have their own."""
    silent = activity <= 0
    octaves = np.floor(BANDS_PER_OCTAVE * np.log2(np.where(silent, 1.0, activity))).astype(np.int64)
    lowest = int(octaves.min()) if len(octaves) else 0
    return np.where(silent, lowest - 1, octaves)
