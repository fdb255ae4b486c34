"""The permutation p of what a score adds to history, where runs share their domains."""

import numpy as np
import pytest
from scipy import stats

from sts_eval.statistics.added import partial_permutations


def partial_permutation(x, history, y, **settings):
    return partial_permutations({"x": x}, history, y, **settings)["x"]


def test_it_is_a_literal_loop_over_permutations_and_refits():
    rng = np.random.default_rng(0)
    y, history = rng.normal(size=(2, 3, 5))
    x = y + rng.normal(size=(3, 5))
    effects = np.repeat(np.eye(3), 5, axis=0)
    controls = np.column_stack([effects, history.ravel()])

    def left(values):
        return values - controls @ np.linalg.lstsq(controls, values, rcond=None)[0]

    x_left, y_left = left(x.ravel()), left(y.ravel())
    own = abs(np.corrcoef(x_left, y_left)[0, 1])
    orders = np.argsort(np.random.default_rng(4).random((150, 5)), axis=1)
    moved = [left(y_left.reshape(3, 5)[:, order].ravel()) for order in orders]
    larger = sum(abs(np.corrcoef(x_left, values)[0, 1]) >= own - 1e-9 for values in moved)
    p = partial_permutation(x, history, y, n_resamples=150, seed=4)
    assert p == pytest.approx((1 + larger) / 151)


def test_it_holds_its_level_where_domains_differ_beyond_history():
    by_order, n = 0, 300
    for seed in range(n):
        rng = np.random.default_rng(seed)
        history = rng.normal(size=10) + 0.3 * rng.normal(size=(8, 10))
        y = history + rng.normal(size=10) + rng.normal(size=(8, 10))  # a domain's own part, in every run
        x = np.tile(rng.normal(size=10), (8, 1))  # a property of the domain that has nothing to do with it
        by_order += partial_permutation(x, history, y, n_resamples=199, seed=seed) < 0.05
    assert stats.binomtest(by_order, n, 0.05, alternative="greater").pvalue > 0.01


def test_what_is_planted_is_found():
    rng = np.random.default_rng(2)
    history, x = rng.normal(size=(2, 6, 14))
    assert partial_permutation(x, history, history + x + rng.normal(size=(6, 14))) < 0.01


def test_nothing_left_has_no_p():
    rng = np.random.default_rng(2)
    history, y = rng.normal(size=(2, 6, 14))
    assert partial_permutation(2 * history + np.arange(6.0)[:, None], history, y) is None
    assert partial_permutation(y, history, history) is None
    assert partial_permutation(np.full(y.shape, np.nan), history, y) is None
