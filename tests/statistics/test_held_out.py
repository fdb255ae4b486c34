"""Errors on held-out groups: against scikit-learn, and that nothing of the group is seen."""

import math

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import LeaveOneGroupOut

from sts_eval.statistics.held_out import held_out_errors

GROUPS = np.array([0, 0, 1, 1, 2, 2])


def made(seed=0):
    rng = np.random.default_rng(seed)
    history = rng.normal(size=(3, 6, 14))
    x = rng.normal(size=(6, 14))
    return x, dict(enumerate(history)), history.mean(axis=0) + 0.5 * x + rng.normal(size=(6, 14))


def test_errors_are_those_of_scikit_learn_with_a_history_for_each_group():
    x, histories, y = made()
    squared = {"plain": [], "without": [], "with_score": []}
    for train, test in LeaveOneGroupOut().split(y, y, GROUPS):
        history = histories[GROUPS[test[0]]]
        squared["plain"].extend((y[test] - history[test]).ravel() ** 2)
        for name, features in (("without", (history,)), ("with_score", (history, x))):
            fitted, new = (np.column_stack([part[rows].ravel() for part in features]) for rows in (train, test))
            predicted = LinearRegression().fit(fitted, y[train].ravel()).predict(new)
            squared[name].extend((y[test].ravel() - predicted) ** 2)
    found = held_out_errors(x, histories, y, GROUPS)
    for name, values in squared.items():
        assert getattr(found, name) == pytest.approx(math.sqrt(np.mean(values)))


def test_cells_that_miss_anything_are_left_out_of_all_three():
    x, histories, y = made()
    y[0, 0] = np.nan
    full = held_out_errors(x, histories, y, GROUPS)
    x[0, 0] = 1e9
    assert held_out_errors(x, histories, y, GROUPS) == full


def test_without_groups_or_histories_there_are_no_errors():
    x, histories, y = made()
    assert "one group" in held_out_errors(x, {0: histories[0]}, y, np.zeros(6, dtype=int)).reason("plain")
    nothing = {group: np.full(y.shape, np.nan) for group in histories}
    assert "no history" in held_out_errors(x, nothing, y, GROUPS).reason("with_score")
