"""What noise in the measured changes leaves to be predicted.

Each domain's change Δ is measured with a standard error, so even a predictor that knows the true changes
does not reach r = 1 against the measured ones. Its r is √reliability, where

    reliability = (Var Δ - mean SE²)/Var Δ        ceiling = √(1 - mean SE²/Var Δ)

(Spearman 1904; Lord and Novick 1968: the validity of a test is bounded by the square root of its
reliability.) Var Δ is the variance between domains as measured, noise included.

That holds for the signed change. Taking |Δ| folds noise and signal together: the errors of |Δ| are neither
centred on |true change| nor independent of it, and putting |Δ| into the formula gives 0 where a perfect
predictor still reaches .4. So the ceiling for magnitudes is simulated: true changes are taken as the measured
ones drawn in towards their mean until their variance is Var Δ - mean SE² (Louis 1984), noise of the measured
size is added again, and r of |true| with |true + noise| is averaged.

Errors that all domains share, such as a seed that lowers every accuracy alike, do not lower r. An SE that
contains them gives a ceiling that is somewhat too low.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sts_eval.statistics.result import Floats, Result

_DRAWS = 4000  # simulated measurements behind the magnitude ceiling; their mean r is good to about ±.01


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseCeiling(Result):
    """How high r could go with a perfect predictor."""

    signed: float | None = None  # of r with Δ, 0 where the changes vary no more than their noise
    magnitude: float | None = None  # of r with |Δ|, likewise
    # Estimated sd of the true changes over the root mean square error, √((Var Δ - mean SE²)/mean SE²); 0 where there is
    # no signal, None without noise.
    signal_to_noise: float | None = None


def noise_ceiling(delta: ArrayLike, se: ArrayLike) -> NoiseCeiling:
    """The ceiling of r for signed changes and for magnitudes, from signed changes and their standard errors, (n,) each.

    It is an estimate: with 14 domains Var Δ itself is known to some 40%, so a ceiling near 0 or near r says
    little more than that the noise is of the size of the signal. Fewer than 2 domains, missing values, and changes
    that are all equal give None with the reason.

    Raises:
        ValueError: If the shapes differ or a standard error is negative.
    """
    changes, errors = _pair(delta, se)
    n = len(changes)
    missing = n - int((np.isfinite(changes) & np.isfinite(errors)).sum())
    reason = None
    if n <= 1:
        reason = "one domain has no variance between domains" if n else "there are no domains"
    elif missing:
        reason = f"{missing} of {n} domains lack a change or its standard error"
    elif (variance := float(changes.var(ddof=1))) == 0:
        reason = "all domains changed alike"
    if reason:
        return NoiseCeiling(undefined={"all": reason})
    mean_se2 = float((errors**2).mean())
    signal = max(0.0, variance - mean_se2)
    signed = math.sqrt(signal / variance)
    return NoiseCeiling(
        signed=signed,
        magnitude=_magnitude_ceiling(changes, errors, signed),
        signal_to_noise=math.sqrt(signal / mean_se2) if mean_se2 else None,
    )


def debiased_magnitude(delta: ArrayLike, se: ArrayLike) -> Floats:
    """Size of the signed change with noise taken off: sign(s)·√|s| with s = Δ² - SE²; all of shape (n,) in one unit.

    |Δ| overstates small changes, by 0.8 SE (√(2/π)) where there is none. The square s is an unbiased estimate of the
    squared true change, since E Δ² = true² + SE²; its signed root is in the unit of Δ and keeps the order of s.
    Negative values are kept: they say "smaller than its error", and cutting them at 0 would bring the bias back.

    Raises:
        ValueError: If the shapes differ or a standard error is negative.
    """
    changes, errors = _pair(delta, se)
    square = changes**2 - errors**2
    return np.sign(square) * np.sqrt(np.abs(square))


def _magnitude_ceiling(changes: Floats, errors: Floats, shrink: float) -> float | None:
    """Mean r of |true| with |measured| over simulated measurements of shrunken changes."""
    if shrink == 0:
        return 0.0
    true = changes.mean() + shrink * (changes - changes.mean())
    measured = np.abs(true + errors * np.random.default_rng(0).standard_normal((_DRAWS, len(changes))))
    x = np.abs(true) - np.abs(true).mean()
    y = measured - measured.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(x) * np.linalg.norm(y, axis=1)
    if np.isclose(x, 0, atol=1e-12 * np.abs(true).max()).all() or not norm.all():
        return None  # changes of one size in both directions: |Δ| has nothing to correlate with
    return max(0.0, float((y @ x / norm).mean()))


def _pair(delta: ArrayLike, se: ArrayLike) -> tuple[Floats, Floats]:
    """Changes and errors as arrays of one shape (n,)."""
    changes, errors = np.asarray(delta, dtype=np.float64), np.asarray(se, dtype=np.float64)
    if changes.ndim != 1 or changes.shape != errors.shape:
        raise ValueError(f"needs one standard error per change, not {errors.shape} for {changes.shape}")
    if (errors < 0).any():
        raise ValueError("a standard error is negative")
    return changes, errors
