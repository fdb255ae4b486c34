"""Location of scores over questions that several seeds drew: its standard error over questions and seeds.

Every seed draws questions of its own, some of them in common, so the table of seeds by questions has empty cells. The
location is that of the questions' means over the seeds that drew them. Its variance has two parts, as in `seeds`:

    SE² = SE_question² + σ²_seed Σ_s W_s²

W_s is the weight of a seed's cells in the location. σ²_seed comes from pairs of seeds: the squared difference of their
locations, less what the questions' luck explains, halved; negative means are 0. With c_sq = (w_sq − w̄_s)/√(h(h − 1))
for the questions that seed s drew and 0 for others, that luck is Σ_q (c_sq − c_tq)², whether or not they share any.
In a table without empty cells this is (MS_seed − MS_rest)/n, the analysis of variance of `seeds`.

For a mean, w are the values themselves and h their number. For a trimmed mean, w are the winsorized values and h the
number that is left (Tukey and McLaughlin 1963; Yuen 1974), so that one question moves neither it nor its error far.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sts_eval.statistics.result import Floats


@dataclass(frozen=True, slots=True)
class Location:
    """A mean or trimmed mean over questions."""

    value: float
    se: float | None  # standard error over questions and seeds; None for one question
    seed_sd: float | None  # sample standard deviation of the seeds' own locations; None for one seed


def location(table: ArrayLike, *, trim: float = 0.0) -> Location:
    """Locate scores of shape (seeds, questions), NaN where a seed did not draw a question.

    `trim` is the share of the questions that is left out at either end; 0 gives the plain mean.
    """
    cells = np.asarray(table, dtype=np.float64)
    drawn = ~np.isnan(cells)
    cells, drawn = cells[drawn.any(axis=1)], drawn[drawn.any(axis=1)]
    means = np.array([column[own].mean() for column, own in zip(cells.T, drawn.T, strict=True)])
    value, influence = _located(means, trim)
    own = [_located(row[met], trim) for row, met in zip(cells, drawn, strict=True)]
    by_seed = np.array([one for one, _ in own])
    seed_sd = float(by_seed.std(ddof=1)) if len(by_seed) > 1 else None
    if len(means) == 1:
        return Location(value, None, seed_sd)
    weights = (drawn / drawn.sum(axis=0) / len(means)).sum(axis=1)
    variance = float((influence**2).sum()) + _seed_variance(by_seed, drawn, own) * float((weights**2).sum())
    return Location(value, math.sqrt(variance), seed_sd)


def _located(values: Floats, trim: float) -> tuple[float, Floats]:
    """The location of values, and each one's part in its error: the squares sum up to the squared standard error."""
    cut = int(trim * len(values))
    inner = np.sort(values)[cut : len(values) - cut] if cut else values
    winsorized = np.clip(values, inner.min(), inner.max())
    size = len(inner)
    return float(inner.mean()), (winsorized - winsorized.mean()) / math.sqrt(max(1, size * (size - 1)))


def _seed_variance(by_seed: Floats, drawn: Floats, own: list[tuple[float, Floats]]) -> float:
    parts = np.zeros(drawn.shape)
    for row, met, (_, influence) in zip(parts, drawn, own, strict=True):
        row[met] = influence
    pairs = list(itertools.combinations(range(len(by_seed)), 2))
    excess = [(by_seed[s] - by_seed[t]) ** 2 - ((parts[s] - parts[t]) ** 2).sum() for s, t in pairs]
    return max(0.0, float(np.mean(excess)) / 2) if pairs else 0.0
