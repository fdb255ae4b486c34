"""The range of possible standard errors, against all answers there are."""

from itertools import product

import numpy as np
import pytest

from sts_eval.statistics import change_over_seeds, paired_change
from sts_eval.submission.standard_error_range import standard_error_range


def test_one_tuning_attains_both_ends_and_nothing_beyond():
    n = 6
    for right in range(n + 1):
        found: dict[float, list[float]] = {}
        for lost, gained in product(range(right + 1), range(n - right + 1)):
            was = [True] * right + [False] * (n - right)
            now = [index >= lost for index in range(right)] + [index < gained for index in range(n - right)]
            change = paired_change(was, now)
            found.setdefault(change.delta, []).append(change.se)
        for delta, errors in found.items():
            low, high = standard_error_range(n, right / n, delta, (delta,))
            assert (low, high) == pytest.approx((min(errors), max(errors)))


@pytest.mark.parametrize("n_seeds", [2, 3])
def test_no_answers_of_several_tunings_leave_the_range(n_seeds):
    rng = np.random.default_rng(n_seeds)
    narrowest = np.inf
    for _ in range(400):
        n = int(rng.integers(2, 40))
        was = rng.random(n) < rng.random()
        after = np.where(rng.random((n_seeds, n)) < rng.random((n_seeds, 1)), rng.random((n_seeds, n)) < 0.5, was)
        if rng.random() < 0.3:
            after[1:] = after[0]
        change = change_over_seeds(was, after)
        deltas = tuple(paired_change(was, one).delta for one in after)
        low, high = standard_error_range(n, float(was.mean()), change.delta, deltas)
        assert low - 1e-9 <= change.se <= high + 1e-9
        narrowest = min(narrowest, (change.se + 1e-12) / (high + 1e-12))
    assert narrowest < 1


def test_seeds_that_agree_on_every_question_attain_the_upper_end():
    was = np.array([True] * 5 + [False] * 5)
    after = np.array([~was, ~was])
    change = change_over_seeds(was, after)
    low, high = standard_error_range(10, 0.5, 0.0, (0.0, 0.0))
    assert change.se == pytest.approx(high)
    assert low == 0


def test_the_worked_example_of_one_way_changes():
    # 8 of 100 answers gained and none lost: SE² = (8 - 64/100)/100², the least there is for 8 points.
    low, _ = standard_error_range(100, 0.5, 8.0, (8.0,))
    assert low == pytest.approx(100 * (8 - 0.64) ** 0.5 / 100)
