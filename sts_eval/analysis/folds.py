"""Fit a line on some runs and judge it on others; whatever is chosen is chosen inside the fold.

    change = intercept + Σ slope · z(score) + slope · (mean change of the domain in other runs)

A held-out error is honest only if nothing of the held-out group entered the line: not its changes, not the choice
among many predictors (Cawley and Talbot 2010, "On over-fitting in model selection"), and not the mean that stands for
a domain's history. A training run's history leaves its own group out likewise. Otherwise it would hold the change
that it is to explain, and its slope would be too steep for a new run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sts_eval.statistics import Line, fit_line, leave_group_out


@dataclass(frozen=True)
class Material:
    """Runs as arrays.

    Attributes:
        changes: Shape (n_runs, n_domains), in points, complete.
        scores: By predictor, the same shape, standardised within each run; NaN where it said nothing.
    """

    changes: NDArray[np.float64]
    scores: Mapping[str, NDArray[np.float64]]

    def of(self, runs: NDArray[np.bool_]) -> Material:
        """Only some of the runs."""
        return Material(self.changes[runs], {name: values[runs] for name, values in self.scores.items()})


@dataclass(frozen=True)
class Recipe:
    """What a line may be made of.

    Attributes:
        candidates: Sets of predictors. The one with the smallest held-out error is taken; the first of equals.
        with_history: Whether the mean change of each domain is a feature too.
    """

    candidates: tuple[tuple[str, ...], ...]
    with_history: bool


@dataclass(frozen=True)
class Fit:
    """A line, and what it was made of.

    Attributes:
        predictors: Those it uses, in the order of its slopes.
        line: None where there are too few points.
        history: Mean change by domain, shape (n_domains,), in points, the last feature; None where it is not used.
    """

    predictors: tuple[str, ...]
    line: Line | None
    history: NDArray[np.float64] | None

    def predict(self, material: Material) -> NDArray[np.float64]:
        """Expected changes of runs, shape (n_runs, n_domains), in points; NaN where a feature is missing."""
        if self.line is None:
            return np.full(material.changes.shape, np.nan)
        history = None if self.history is None else np.broadcast_to(self.history, material.changes.shape)
        features = _features(material, self.predictors, history)
        return self.line.predict(features[..., 0] if features.shape[-1] == 1 else features)


@dataclass(frozen=True)
class Judged:
    """Every run, predicted without its group.

    Attributes:
        prediction: Shape (n_runs, n_domains), in points; NaN where there is none.
        residual: Change less prediction, likewise.
        domain_mean: Mean change of the domain over the other groups' runs, in points.
        fits: By group, what its runs were predicted with.
    """

    prediction: NDArray[np.float64]
    residual: NDArray[np.float64]
    domain_mean: NDArray[np.float64]
    fits: Mapping[int, Fit]


def fit(material: Material, groups: NDArray[np.intp], recipe: Recipe) -> Fit:
    """Choose predictors and fit the line.

    Predictors are compared by their error on each group left out in turn, all on the same histories. Whatever is
    outside these runs is not looked at, so a group that was held out before stays unseen.

    Args:
        material: Runs to fit on.
        groups: Group of each run, shape (n_runs,). Choice and history leave one out at a time, so at least two are
            needed for either.
        recipe: What to choose from.
    """
    own_history = history_of_others(material.changes, groups) if recipe.with_history else None
    features = {names: _features(material, names, own_history) for names in recipe.candidates}
    chosen = recipe.candidates[0]
    if len(recipe.candidates) > 1:
        errors = {names: leave_group_out(x, material.changes, groups).rmse for names, x in features.items()}
        known = {names: error for names, error in errors.items() if error is not None}
        chosen = min(known, key=lambda names: known[names], default=chosen)
    history = material.changes.mean(axis=0) if recipe.with_history else None
    return Fit(chosen, fit_line(features[chosen], material.changes), history)


def hold_out(material: Material, groups: NDArray[np.intp], recipe: Recipe) -> Judged:
    """Predict every group of runs by what the other groups alone teach.

    Args:
        material: All runs.
        groups: Group of each run, shape (n_runs,), at least three of them.
        recipe: What each fold may choose from.
    """
    prediction, mean = np.empty_like(material.changes), np.empty_like(material.changes)
    fits = {}
    for group in np.unique(groups):
        own = groups == group
        others = material.of(~own)
        fits[int(group)] = fold = fit(others, groups[~own], recipe)
        prediction[own] = fold.predict(material.of(own))
        mean[own] = others.changes.mean(axis=0)
    return Judged(prediction, material.changes - prediction, mean, fits)


def history_of_others(changes: NDArray[np.float64], groups: NDArray[np.intp]) -> NDArray[np.float64]:
    """For every run, the mean change of each domain over the runs of other groups, in the shape of the changes.

    Args:
        changes: Shape (n_runs, n_domains).
        groups: Group of each run, shape (n_runs,), at least two of them.
    """
    history = np.empty_like(changes)
    for group in np.unique(groups):
        history[groups == group] = changes[groups != group].mean(axis=0)
    return history


def _features(material: Material, names: tuple[str, ...], history: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Features of shape (n_runs, n_domains, n_features), history last."""
    columns = [material.scores[name] for name in names]
    return np.stack(columns if history is None else [*columns, history], axis=-1)
