"""Fit a line on some runs and judge it on others; whatever is chosen is chosen inside the fold.

    change = intercept + Σ slope · z(score) + slope · (mean change of the domain in other runs, or on the same set)

A held-out error is honest only if nothing of the held-out group entered the line: not its changes, not the choice
among many predictors (Cawley and Talbot 2010, "On over-fitting in model selection"), and not the mean that stands for
a domain's history. A training run's history leaves its own group out likewise. Otherwise it would hold the change
that it is to explain, and its slope would be too steep for a new run.
"""

from collections.abc import Mapping
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sts_eval.analysis.aligned_runs import Floats
from sts_eval.records.calibration import HistoryKind
from sts_eval.statistics import Line, fit_line, leave_group_out

Scores = Mapping[str, Floats]
"""By predictor, shape (n_runs, n_domains), standardised within each run; NaN where it has none."""


class Recipe(NamedTuple):
    """What a line may be made of."""

    candidates: tuple[tuple[str, ...], ...]  # sets of predictors: that of smallest held-out error, the first of equals
    history: HistoryKind  # whether the mean change of each domain is a feature too, over which runs


class History(NamedTuple):
    """What a new run's domains did before: mean changes of shape (n_domains,), in points."""

    by_set: Mapping[int, Floats]  # over the runs on each set; empty where every set has the same history
    otherwise: Floats  # for runs on other sets; NaN where nothing is known of these

    @classmethod
    def of(cls, changes: Floats, sets: NDArray[np.intp], kind: HistoryKind) -> Self:
        """From runs, (n_runs, n_domains), on these sets: over all of them, or over those on one set."""
        if kind == "same-set":
            by_set = {int(one): changes[sets == one].mean(axis=0) for one in np.unique(sets)}
            return cls(by_set, np.full(changes.shape[1], np.nan))
        return cls({}, changes.mean(axis=0))

    def at(self, sets: NDArray[np.intp]) -> Floats:
        """For new runs on these sets, shape (n_runs, n_domains)."""
        return np.array([self.by_set.get(int(one), self.otherwise) for one in sets])


class Fit(NamedTuple):
    """A line, and what it was made of."""

    predictors: tuple[str, ...]  # in the order of the line's slopes
    line: Line | None  # None where there are too few points
    history: History | None  # the last feature; None if not used

    def predict(self, scores: Scores, sets: NDArray[np.intp], n_domains: int) -> Floats:
        """Expected changes of runs on these sets, (n_runs, n_domains), in points; NaN where a feature is missing."""
        if self.line is None:
            return np.full((len(sets), n_domains), np.nan)
        history = None if self.history is None else self.history.at(sets)
        features = _features(scores, self.predictors, history)
        return self.line.predict(features[..., 0] if features.shape[-1] == 1 else features)


class HeldOutRuns(NamedTuple):
    """Every run, predicted without its group; arrays have the shape (n_runs, n_domains) and are in points."""

    prediction: Floats  # NaN where there is none
    residual: Floats  # change less prediction
    domain_mean: Floats  # mean change of the domain over the other groups' runs
    same_set: Floats  # the same over those on the run's own set; NaN where there are none
    fits: Mapping[int, Fit]  # by group, what its runs were predicted with


def fit(changes: Floats, scores: Scores, groups: NDArray[np.intp], sets: NDArray[np.intp], recipe: Recipe) -> Fit:
    """Choose predictors and fit the line.

    Predictors are compared by their error on each group left out in turn, all on the same histories. Whatever is
    outside these runs is not looked at, so a group that was held out before stays unseen. Choice and history need at
    least two groups. `changes`, shape (n_runs, n_domains), in points, are complete; `groups` and `sets`, the training
    set of each run, have the shape (n_runs,).
    """
    own_history = None if recipe.history == "none" else history_of_others(changes, groups, sets, recipe.history)
    features = {names: _features(scores, names, own_history) for names in recipe.candidates}
    chosen = recipe.candidates[0]
    if len(recipe.candidates) > 1:
        errors = {names: leave_group_out(x, changes, groups).rmse for names, x in features.items()}
        known = {names: error for names, error in errors.items() if error is not None}
        chosen = min(known, key=lambda names: known[names], default=chosen)
    history = None if recipe.history == "none" else History.of(changes, sets, recipe.history)
    return Fit(chosen, fit_line(features[chosen], changes), history)


def hold_out(
    changes: Floats, scores: Scores, groups: NDArray[np.intp], sets: NDArray[np.intp], recipe: Recipe
) -> HeldOutRuns:
    """Predict every group of runs from the other groups alone; as in `fit`, but with at least three groups."""
    prediction, mean, same_set = (np.full_like(changes, np.nan) for _ in range(3))
    fits = {}
    for group in np.unique(groups):
        own = groups == group
        others = changes[~own]
        within, without = ({name: x[chosen] for name, x in scores.items()} for chosen in (own, ~own))
        fits[int(group)] = fold = fit(others, without, groups[~own], sets[~own], recipe)
        prediction[own] = fold.predict(within, sets[own], changes.shape[1])
        mean[own] = others.mean(axis=0)
        same_set[own] = History.of(others, sets[~own], "same-set").at(sets[own])
    return HeldOutRuns(prediction, changes - prediction, mean, same_set, fits)


def history_of_others(changes: Floats, groups: NDArray[np.intp], sets: NDArray[np.intp], kind: HistoryKind) -> Floats:
    """For every run, the mean change of each domain over the runs of other groups, or those of them on its set.

    NaN where there is no such run; there are at least two groups.
    """
    history = np.full_like(changes, np.nan)
    for run in range(len(changes)):
        others = groups != groups[run]
        if kind == "same-set":
            others &= sets == sets[run]
        if others.any():
            history[run] = changes[others].mean(axis=0)
    return history


def _features(scores: Scores, names: tuple[str, ...], history: Floats | None) -> Floats:
    """Features of shape (n_runs, n_domains, n_features), history last."""
    features = [scores[name] for name in names]
    return np.stack(features if history is None else [*features, history], axis=-1)
