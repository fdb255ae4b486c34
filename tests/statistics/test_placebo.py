"""What a score says of the set: against literal loops over pairs of runs."""

from itertools import combinations, permutations

import numpy as np
import pytest
from scipy import stats

from sts_eval.statistics import pooled_r
from sts_eval.statistics.placebo import decisions, placebo
from sts_eval.statistics.resampling import Units

UNITS = Units.of(np.repeat([0, 1], 3), np.tile([0, 1, 2], 2))


def made(seed=0):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=9) + rng.normal(size=(6, 9))
    return y + rng.normal(size=y.shape), y


def same_model():
    return [(i, j) for i, j in permutations(range(6), 2) if UNITS.models[i] == UNITS.models[j]]


def test_the_placebo_is_the_mean_over_the_models_other_sets():
    x, y = made()
    found = placebo(x, y, UNITS, n_resamples=100)
    z = [np.arctanh(stats.pearsonr(x[source], y[target]).statistic) for target, source in same_model()]
    assert len(z) == 12
    assert found.own == pytest.approx(pooled_r(x, y))
    assert found.other == pytest.approx(np.tanh(np.mean(z)))
    assert found.difference == pytest.approx(found.own - found.other)
    assert found.interval.low < found.difference < found.interval.high


def test_a_score_of_the_domain_alone_says_nothing_of_the_set():
    _, y = made()
    found = placebo(np.tile(y.mean(axis=0), (6, 1)), y, UNITS, n_resamples=100)
    assert found.own > 0.3
    assert found.difference == pytest.approx(0, abs=1e-12)


def test_one_set_has_no_placebo_and_two_have_an_interval():
    x, y = made()
    assert placebo(x[:2], y[:2], Units((0, 1), (0, 0))).difference is None
    two = placebo(x[:2], y[:2], Units((0, 0), (0, 1)), n_resamples=100)
    assert two.interval is not None


def test_decisions_are_counted_pair_by_pair():
    x, y = made()
    x[0, :2] = x[1, :2]
    y[2, 5] = np.nan
    right, judged = 0.0, 0
    for i, j in combinations(range(6), 2):
        if UNITS.models[i] == UNITS.models[j]:
            for domain in range(9):
                change, score = y[i, domain] - y[j, domain], x[i, domain] - x[j, domain]
                if not np.isnan(change):
                    right += 0.5 if score == 0 else float(score * change > 0)
                    judged += 1
    found = decisions(x, y, UNITS, n_resamples=100)
    assert (found.share, found.n_pairs) == (pytest.approx(right / judged), judged)
    assert found.interval.low <= found.share <= found.interval.high
    assert decisions(x[:2], y[:2], Units((0, 1), (0, 0))).share is None
    two = decisions(x[:2], y[:2], Units((0, 0), (0, 1)), n_resamples=100)
    assert (two.interval, two.undefined) == (None, {"interval": "two training sets do not show how others differ"})


def test_a_score_that_knows_nothing_is_right_half_the_time():
    share = np.mean([decisions(made(seed)[0] * 0 + 1, made(seed)[1], UNITS, n_resamples=10).share for seed in range(3)])
    assert share == 0.5
