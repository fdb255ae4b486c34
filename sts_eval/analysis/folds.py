"""Fit a line on some runs and judge it on others; whatever is chosen is chosen inside the fold.

    change = intercept + Σ slope · z(score) + slope · (mean change of the domain in other runs)

A held-out error is honest only if nothing of the held-out group entered the line: not its changes, not the choice
among many predictors (Cawley and Talbot 2010, "On over-fitting in model selection"), and not the mean that stands for
a domain's history. A training run's history leaves its own group out likewise. Otherwise it would hold the change
that it is to explain, and its slope would be too steep for a new run.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sts_eval.analysis.aligned_runs import Floats
from sts_eval.statistics import Line, fit_line, leave_group_out

Scores = Mapping[str, Floats]
"""By predictor, shape (n_runs, n_domains), standardised within each run; NaN where it has none."""


class Recipe(NamedTuple):
    """What a line may be made of."""

    candidates: tuple[tuple[str, ...], ...]  # sets of predictors: that of smallest held-out error, the first of equals
    with_history: bool  # whether the mean change of each domain is a feature too


class Fit(NamedTuple):
    """A line, and what it was made of."""

    predictors: tuple[str, ...]  # in the order of the line's slopes
    line: Line | None  # None where there are too few points
    history: Floats | None  # mean change by domain, shape (n_domains,), points: the last feature; None if not used

    def predict(self, scores: Scores, shape: tuple[int, ...]) -> Floats:
        """Expected changes of runs, shape (n_runs, n_domains), in points; NaN where a feature is missing."""
        if self.line is None:
            return np.full(shape, np.nan)
        history = None if self.history is None else np.broadcast_to(self.history, shape)
        features = _features(scores, self.predictors, history)
        return self.line.predict(features[..., 0] if features.shape[-1] == 1 else features)


class HeldOutRuns(NamedTuple):
    """Every run, predicted without its group; arrays have the shape (n_runs, n_domains) and are in points."""

    prediction: Floats  # NaN where there is none
    residual: Floats  # change less prediction
    domain_mean: Floats  # mean change of the domain over the other groups' runs
    fits: Mapping[int, Fit]  # by group, what its runs were predicted with


def fit(changes: Floats, scores: Scores, groups: NDArray[np.intp], recipe: Recipe) -> Fit:
    """Choose predictors and fit the line.

    Predictors are compared by their error on each group left out in turn, all on the same histories. Whatever is
    outside these runs is not looked at, so a group that was held out before stays unseen. Choice and history need at
    least two groups. `changes`, shape (n_runs, n_domains), in points, are complete; `groups` has the shape (n_runs,).
    """
    own_history = history_of_others(changes, groups) if recipe.with_history else None
    features = {names: _features(scores, names, own_history) for names in recipe.candidates}
    chosen = recipe.candidates[0]
    if len(recipe.candidates) > 1:
        errors = {names: leave_group_out(x, changes, groups).rmse for names, x in features.items()}
        known = {names: error for names, error in errors.items() if error is not None}
        chosen = min(known, key=lambda names: known[names], default=chosen)
    history = changes.mean(axis=0) if recipe.with_history else None
    return Fit(chosen, fit_line(features[chosen], changes), history)


def hold_out(changes: Floats, scores: Scores, groups: NDArray[np.intp], recipe: Recipe) -> HeldOutRuns:
    """Predict every group of runs from the other groups alone; as in `fit`, but with at least three groups."""
    prediction, mean = np.empty_like(changes), np.empty_like(changes)
    fits = {}
    for group in np.unique(groups):
        own = groups == group
        others = changes[~own]
        within, without = ({name: x[chosen] for name, x in scores.items()} for chosen in (own, ~own))
        fits[int(group)] = fold = fit(others, without, groups[~own], recipe)
        prediction[own] = fold.predict(within, changes[own].shape)
        mean[own] = others.mean(axis=0)
    return HeldOutRuns(prediction, changes - prediction, mean, fits)


def history_of_others(changes: Floats, groups: NDArray[np.intp]) -> Floats:
    """For every run, the mean change of each domain over the runs of other groups; there are at least two groups."""
    history = np.empty_like(changes)
    for group in np.unique(groups):
        history[groups == group] = changes[groups != group].mean(axis=0)
    return history


def _features(scores: Scores, names: tuple[str, ...], history: Floats | None) -> Floats:
    """Features of shape (n_runs, n_domains, n_features), history last."""
    features = [scores[name] for name in names]
    return np.stack(features if history is None else [*features, history], axis=-1)
