"""Outcomes made of planted truths, for tests of what compares runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sts_eval.records.outcome import Change, DomainOutcome, Outcome
from sts_eval.records.prediction import PredictorCost, PredictorScores, Score


def cost(seconds: float, passes: int) -> PredictorCost:
    """A cost without backward passes."""
    return PredictorCost(seconds=seconds, tokens=10 * passes, passes=passes, backward_passes=0)


def outcomes(
    change: NDArray[np.float64],
    scores: Mapping[str, NDArray[np.float64]],
    *,
    models: Sequence[str],
    sets: Sequence[str],
    se: float = 0.5,
    groups: Mapping[str, str] | None = None,
    flags: Mapping[str, tuple[str, ...]] | None = None,
    costs: Mapping[str, PredictorCost] | None = None,
    home: Mapping[str, tuple[str, ...]] | None = None,
    logprob: bool = True,
) -> tuple[Outcome, ...]:
    """A run per model and set, models outermost, over domains named d0, d1, …

    Args:
        change: Points, shape (n_runs, n_domains); log-probability changes are a tenth of it.
        scores: By predictor, same shape; NaN where it says nothing.
        models: Short names.
        sets: Short names.
        se: Standard error of every change.
        groups: Family by predictor; "other" if absent.
        flags: By predictor.
        costs: By predictor.
        home: Home domains by set.
        logprob: Whether log-probabilities were measured.
    """
    names = [(model, training_set) for model in models for training_set in sets]
    assert len(names) == len(change)
    made = []
    for run, (model, training_set) in enumerate(names):
        domains = tuple(
            DomainOutcome(
                domain=f"d{place}",
                n=100,
                accuracy_before=0.5,
                accuracy=Change(delta=value, se=se, by_seed=(value - se, value + se)),
                logprob=Change(delta=value / 10, se=se / 10, by_seed=(value / 10, value / 10)) if logprob else None,
            )
            for place, value in enumerate(change[run].tolist())
        )
        predictors = tuple(
            PredictorScores(
                name=name,
                group=(groups or {}).get(name, "sts" if name.startswith("sts_") else "other"),
                flags=(flags or {}).get(name, ()),
                summary=f"Made: {name}",
                scores={f"d{place}": Score(value=v) for place, v in enumerate(values[run].tolist()) if np.isfinite(v)},
                seeds=(0,),
                cost=(costs or {}).get(name),
            )
            for name, values in scores.items()
            if np.isfinite(values[run]).any()
        )
        made.append(
            Outcome(
                model=model,
                training_set=training_set,
                home=(home or {}).get(training_set, ()),
                created="2026-01-01T00:00:00+00:00",
                prediction_sha256=f"p{run}",
                transfer_sha256=f"t{run}",
                post_hoc=False,
                seeds=(0, 1),
                domains=domains,
                predictors=predictors,
                tuning_seconds=200.0,
            )
        )
    return tuple(made)


def planted(
    *, n_models: int = 4, n_sets: int = 5, n_domains: int = 14, seed: int = 0, interaction: float = 2.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Changes with domain, run and set-by-domain parts, and noise of size 1 of the same shape."""
    rng = np.random.default_rng(seed)
    shape = (n_models * n_sets, n_domains)
    by_set = np.tile(rng.normal(size=(n_sets, n_domains)), (n_models, 1))
    change = 2 * rng.normal(size=n_domains) + rng.normal(size=(shape[0], 1)) + interaction * by_set
    return change + 0.5 * rng.normal(size=shape), rng.normal(size=shape)
