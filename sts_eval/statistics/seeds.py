"""Change over several training seeds: error over items and over seeds in one standard error.

The tuned models of K seeds answer the same n items, so their changes share the luck of the item draw;
averaging over seeds does not average that luck away. Items and seeds are two crossed random factors, with
one difference d_ki = after_ki - before_i per cell:

    d_ki = μ + item_i + seed_k + rest_ki        Var(mean d) = σ²_item/n + σ²_seed/K + σ²_rest/(nK)

The estimate of μ is the mean over seeds. Its variance follows from the mean squares of the two-way analysis
of variance without replication, whose expectations are E MS_item = K σ²_item + σ²_rest,
E MS_seed = n σ²_seed + σ²_rest and E MS_rest = σ²_rest (Cornfield and Tukey 1956; in generalizability theory
the persons x items design, Brennan 2001):

    SE² = SE_item² + SE_seed²,    SE_item² = MS_item/(nK),    SE_seed² = max(0, MS_seed - MS_rest)/(nK)

SE_item² is the squared item error of the seed-averaged change. SE_seed² is the variance of the per-seed
changes over K, less the part of it that is item noise; adding that variance whole would count σ²_rest/(nK)
twice.

The interval adds the two half-widths in squares, each with its own Student quantile (Howe 1974; Zou and
Donner 2008), because with 3 seeds the seed part is known from 2 degrees of freedom and a normal interval is
far too short. In simulation its coverage at a nominal 95% is 94.7-96.3% for K = 3 and 5, n = 50 to 1000 and
seed variances from 0 to 100 times the item variance; Satterthwaite's degrees of freedom fall to 92%.

The mean over D domains weighs each of them alike. Items are drawn within their domain, and all domains share the seeds,
so per-seed changes are averaged over the domains before their variance is taken:

    SE_item² = Σ_d MS_item,d/(n_d K) / D²,    SE_seed² = max(0, var_k(mean_d)/K - Σ_d MS_rest,d/(n_d K) / D²)

with Σ_d (n_d - 1) degrees of freedom for the items.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from sts_eval.statistics.paired import POINTS, right_or_wrong
from sts_eval.statistics.result import Floats, Interval


@dataclass(frozen=True, slots=True)
class SeededChange:
    """Mean change over seeds. Accuracy is in points, a continuous measure in its own unit."""

    delta: float  # mean over the K seeds of the signed change
    seed_sd: float | None  # sample standard deviation of the seeds' changes, item noise included; None for one seed
    item_se: float  # item part of the standard error: how `delta` would vary with other items
    se: float | None  # total standard error, that of other training runs included; None for one seed
    interval: (
        Interval | None
    )  # interval of `delta`, 95% unless another level is asked for, None where `se` is None or 0


def change_over_seeds(before: ArrayLike, after: ArrayLike) -> SeededChange:
    """Combine right (1) and wrong (0) answers to the same questions over seeds; all figures in points.

    `after` are the answers of the K tuned models, shape (K, n), `before` those of the untuned model, shape (n,), or
    (K, n) if it was measured once per seed.

    Raises:
        ValueError: If the shapes do not fit, n < 2, or a value is neither 0 nor 1.
    """
    was, is_now = (right_or_wrong(answers).astype(np.float64) for answers in (before, after))
    return _crossed([POINTS * _differences(was, is_now)])


def mean_change_over_seeds(before: ArrayLike, after: ArrayLike) -> SeededChange:
    """Combine a continuous measure of the same items over seeds, in its own unit; shapes as in `change_over_seeds`.

    Raises:
        ValueError: If the shapes do not fit, n < 2, or a value is not finite.
    """
    return change_over_domains([(before, after)])


def change_over_domains(domains: Sequence[tuple[ArrayLike, ArrayLike]], *, level: float = 0.95) -> SeededChange:
    """Mean over domains of a measure's change over seeds, in the measure's own unit; every domain weighs alike.

    Each domain has before and after as `change_over_seeds` takes them, with its own n, and all have the same K seeds in
    the same order. Both sides may be tuned models, paired by seed: the change is then their difference.

    Raises:
        ValueError: If there is no domain, the shapes do not fit, an n < 2, or a value is not finite.
    """
    differences = []
    for before, after in domains:
        was, is_now = (np.asarray(values, dtype=np.float64) for values in (before, after))
        if not (np.isfinite(was).all() and np.isfinite(is_now).all()):
            raise ValueError("a value is not finite; leave the item out of every row")
        differences.append(_differences(was, is_now))
    if len({len(d) for d in differences}) != 1:
        raise ValueError(f"needs domains with the same seeds, not {[len(d) for d in differences]}")
    return _crossed(differences, level)


def _differences(was: Floats, is_now: Floats) -> Floats:
    """After - before, shape (K, n)."""
    two_way = is_now.ndim == 2  # noqa: PLR2004 - seeds by items
    if not two_way or was.shape not in (is_now.shape, is_now.shape[1:]):
        raise ValueError(f"needs after (K, n), and before (n,) or (K, n), not {is_now.shape} and {was.shape}")
    n_seeds, n = is_now.shape
    if n_seeds < 1 or n <= 1:
        raise ValueError(f"needs at least one seed and two items, not {n_seeds} and {n}")
    return is_now - was


def _crossed(domains: Sequence[Floats], level: float = 0.95) -> SeededChange:
    """The two-way analysis of variance of differences, by domain of shape (K, n), averaged over the domains."""
    n_seeds, n_domains = len(domains[0]), len(domains)
    by_seed: Floats = np.mean([d.mean(axis=1) for d in domains], axis=0)
    delta = float(by_seed.mean())
    item_variance = sum(float(d.mean(axis=0).var(ddof=1)) / d.shape[1] for d in domains) / n_domains**2
    item_se = math.sqrt(item_variance)
    if n_seeds == 1:
        return SeededChange(delta, None, item_se, None, None)
    rest_variance = sum(map(_rest_variance, domains)) / n_domains**2
    seed_variance = max(0.0, float(by_seed.var(ddof=1)) / n_seeds - rest_variance)
    se = math.sqrt(item_variance + seed_variance)
    interval = None
    if se:
        degrees = (sum(d.shape[1] - 1 for d in domains), n_seeds - 1)
        item_t, seed_t = (float(stats.t.ppf((1 + level) / 2, free)) for free in degrees)
        half = math.sqrt(item_t**2 * item_variance + seed_t**2 * seed_variance)
        interval = Interval(delta - half, delta + half, level)
    return SeededChange(delta, float(by_seed.std(ddof=1)), item_se, se, interval)


def _rest_variance(d: Floats) -> float:
    """MS_rest/(nK) of differences of shape (K, n)."""
    n_seeds, n = d.shape
    rest = d - d.mean(axis=0) - d.mean(axis=1)[:, None] + d.mean()
    return float((rest**2).sum()) / ((n_seeds - 1) * (n - 1)) / d.size
