"""How often the intervals that lead a table hold what they are about, in simulated matrices.

Three models on six training sets, 14 domains, a predictor whose r with the changes is .4 on average: in every set, or
with a standard deviation of .3 between sets. Changes and errors are .8 common to the models of a set, or the run's own.
What an interval has to hold is the mean of its estimate over all simulated matrices. Two minutes on one core:

    python benchmarks/coverage.py
"""

import argparse
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sts_eval.statistics import paired_difference, partial_correlation, pool_correlations
from sts_eval.statistics.ceiling import ceiling_within_runs
from sts_eval.statistics.interaction import SetByDomainTable
from sts_eval.statistics.placebo import decisions, placebo
from sts_eval.statistics.power import Design
from sts_eval.statistics.result import Interval

Floats = NDArray[np.float64]

DESIGN = Design(models=3, sets=6, domains=14, questions=100)
R, RESAMPLES, NOISE = 0.4, 300, 0.5  # noise: standard error of a change, in units of the spread of the true ones
Found = tuple[float | None, Interval | None]


def part(rng: np.random.Generator, own: float) -> Floats:
    """A column of variance 1, `own` of it the run's, the rest shared by the models of a set."""
    by_set = np.tile(rng.normal(size=(DESIGN.sets, DESIGN.domains)), (DESIGN.models, 1))
    return np.sqrt(1 - own) * by_set + np.sqrt(own) * rng.normal(size=by_set.shape)


def estimates(seed: int, spread: float, own: float) -> Iterator[tuple[str, Found]]:
    """Every figure of one simulated matrix, with its interval."""
    rng = np.random.default_rng(seed)
    worth = np.clip(R + spread * np.tile(rng.normal(size=DESIGN.sets), DESIGN.models), -0.95, 0.95)[:, None]
    x, other, known = part(rng, own), part(rng, own), part(rng, own)
    y = worth * x + np.sqrt(1 - worth**2) * part(rng, own)
    units = DESIGN.units
    pooled = pool_correlations(x, y, units=units, n_resamples=RESAMPLES)
    yield "pooled r, the leading interval", (pooled.r, pooled.bootstrap)
    yield "pooled r, HKSJ over runs (in the files)", (pooled.r, pooled.interval)
    rival = R * y + np.sqrt(1 - R**2) * other
    difference = paired_difference(x, rival, y, units=units, n_resamples=RESAMPLES)
    yield "difference of two r", (difference.difference, difference.interval)
    beside = placebo(x, y, units, n_resamples=RESAMPLES)
    yield "r over other sets' r", (beside.difference, beside.interval)
    pairs = decisions(x, y, units, n_resamples=RESAMPLES)
    yield "better set found", (pairs.share, pairs.interval)
    about_sets = SetByDomainTable(y, units, n_resamples=RESAMPLES).correlate({"x": x})["x"]
    yield "r of set × domain", (about_sets.r, about_sets.interval)
    added = partial_correlation(known + x, known, known + y, units=units, n_resamples=RESAMPLES)
    yield "partial r beside history", (added.r, added.interval)
    measured = y + NOISE * rng.normal(size=y.shape)
    for name, taken in (("ceiling, which way", np.asarray), ("ceiling, how much", np.abs)):
        ceiling = ceiling_within_runs(measured, np.full(y.shape, NOISE), taken, units=units, n_resamples=RESAMPLES)
        yield name, (ceiling.r, ceiling.interval)
    of_rest = SetByDomainTable(measured, units, n_resamples=RESAMPLES).ceiling(np.full(y.shape, NOISE**2))
    yield "ceiling, set × domain", (of_rest.r, of_rest.interval)


def covered(matrices: int, spread: float, own: float) -> dict[str, float]:
    """By figure, the share of intervals that hold the mean estimate."""
    found: dict[str, list[Found]] = {}
    for seed in range(matrices):
        for name, one in estimates(seed, spread, own):
            found.setdefault(name, []).append(one)
    shares = {}
    for name, every in found.items():
        true = float(np.mean([value for value, _ in every if value is not None]))
        shares[name] = float(np.mean([interval is not None and true in interval for _, interval in every]))
    return shares


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--matrices", type=int, default=300)
    matrices = parser.parse_args().matrices
    cases = {(spread, own): covered(matrices, spread, own) for own in (1.0, 0.2) for spread in (0.0, 0.3)}
    heads = [f"sets {'differ' if spread else 'alike'}, {'own' if own == 1 else 'shared'}" for spread, own in cases]
    print("| interval | " + " | ".join(heads) + " |")
    print("| --- " * (1 + len(heads)) + "|")
    for name in next(iter(cases.values())):
        print(f"| {name} | " + " | ".join(f"{case[name]:.0%}" for case in cases.values()) + " |")


if __name__ == "__main__":
    main()
