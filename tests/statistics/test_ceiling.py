"""Ceilings of pooled r: against the r that a predictor of the true changes reaches in simulations."""

import numpy as np
import pytest
from scipy import stats

from sts_eval.statistics import noise_ceiling, pooled_r
from sts_eval.statistics.ceiling import agreement, ceiling_within_runs
from sts_eval.statistics.resampling import Units

CROSSED = Units.of(np.repeat(np.arange(3), 6), np.tile(np.arange(6), 3))


def true_changes(rng, size):
    by_set = np.tile(rng.normal(size=(6, 14)), (3, 1))
    return size * (
        np.sqrt(0.3) * rng.normal(size=14) + np.sqrt(0.4) * by_set + np.sqrt(0.3) * rng.normal(size=(18, 14))
    )


def simulated(size, taken, n, n_resamples=2):
    for seed in range(n):
        rng = np.random.default_rng(seed)
        true = true_changes(rng, size)
        measured = true + rng.normal(size=true.shape)
        found = ceiling_within_runs(measured, np.ones(true.shape), taken, units=CROSSED, n_resamples=n_resamples)
        each = [noise_ceiling(row, np.ones(14)).signed for row in measured]
        yield found, pooled_r(taken(true), taken(measured)), np.mean(each)


@pytest.mark.parametrize("size", [0.7, 1, 2])
@pytest.mark.parametrize("taken", [np.asarray, np.abs])
def test_it_is_the_pooled_r_of_the_truth_also_where_there_is_little_signal(size, taken):
    ceilings, reached, one_by_one = zip(
        *((found.r, r, each) for found, r, each in simulated(size, taken, 40)), strict=True
    )
    assert np.mean(ceilings) == pytest.approx(np.mean(reached), abs=0.03)
    if size == 1 and taken is np.asarray:  # run by run each estimate is cut at 0 by itself
        assert np.mean(one_by_one) < np.mean(reached) - 0.07


@pytest.mark.slow
@pytest.mark.parametrize("size", [0.7, 1, 2])
@pytest.mark.parametrize("taken", [np.asarray, np.abs])
def test_the_interval_covers(size, taken):
    found = list(simulated(size, taken, 200, n_resamples=300))
    true = np.mean([r for _, r, _ in found])
    covered = sum(one.interval.low <= true <= one.interval.high for one, _, _ in found)
    assert stats.binomtest(covered, len(found), 0.95, alternative="less").pvalue > 0.01


def test_no_signal_and_no_spread():
    noise = np.random.default_rng(0).normal(size=(18, 14))
    assert ceiling_within_runs(noise, np.full(noise.shape, 3.0), units=CROSSED, n_resamples=20).r == 0
    assert "equal" in ceiling_within_runs(np.ones((2, 5)), np.ones((2, 5))).reason("r")


def test_agreement_is_the_root_of_r_between_models_on_a_set():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 30))
    rows = np.array([a + b, a - 0.5 * b])
    units = Units((0, 1), (0, 0))
    r = (rows[0] @ rows[1]) / np.sqrt((rows[0] @ rows[0]) * (rows[1] @ rows[1]))
    assert agreement(rows, units) == pytest.approx(np.sqrt(r))
    assert agreement(rows, Units((0, 1), (0, 1))) is None
    assert agreement(np.array([a, -a]), units) is None
