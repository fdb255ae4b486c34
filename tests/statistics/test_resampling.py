"""What is drawn in a resample, and how many independent runs resembling ones are worth."""

import numpy as np
import pytest
from scipy import stats

from sts_eval.statistics import pool_correlations
from sts_eval.statistics.resampling import Units, effective_runs, resamples

MODELS, SETS = 3, 6
CROSSED = Units.of(np.repeat(np.arange(MODELS), SETS), np.tile(np.arange(SETS), MODELS))


def test_models_sets_and_domains_are_drawn_whole():
    drawn = resamples(CROSSED, 14, 50, seed=0)
    models, sets = (counts.reshape(50, MODELS, SETS) for counts in (drawn.models, drawn.sets))
    assert (models == models[:, :, :1]).all()
    assert (sets == sets[:, :1]).all()
    assert (models[:, :, 0].sum(axis=1) == MODELS).all()
    assert (sets[:, 0].sum(axis=1) == SETS).all()
    assert (drawn.domains.sum(axis=1) == 14).all()
    assert (drawn.runs == drawn.models * drawn.sets).all()


@pytest.mark.parametrize(
    ("units", "models", "sets"),
    [
        (Units((0, 0, 0), (0, 1, 2)), False, True),  # one model
        (Units((0, 1, 2), (0, 0, 0)), True, False),  # one set
        (Units((0, 1, 2), (0, 1, 2)), True, False),  # neither shared: runs
        (Units((0, 0, 1, 1), (0, 1, 2, 3)), True, False),  # every set belongs to one model
        (Units((0, 1, 2, 3), (0, 0, 1, 1)), False, True),  # every model belongs to one set
        (Units((0, 0, 1), (0, 1, 0)), True, True),
        (Units((0,), (0,)), False, False),
    ],
)
def test_what_is_nested_is_not_drawn_twice(units, models, sets):
    drawn = resamples(units, 5, 40, seed=1)
    assert ((drawn.models != 1).any(), (drawn.sets != 1).any()) == (models, sets)


def test_effective_runs():
    rng = np.random.default_rng(0)
    assert effective_runs(rng.normal(size=(1, 14))) == 1
    copies = np.repeat(rng.normal(size=(6, 400)), 3, axis=0)
    assert effective_runs(copies) == pytest.approx(6, abs=0.3)
    independent = np.mean([effective_runs(rng.normal(size=(18, 14))) for _ in range(50)])
    assert independent == pytest.approx(18, abs=1.5)
    assert effective_runs(np.ones((3, 14))) is None


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0, 0.3])
@pytest.mark.parametrize("own", [0.2, 1])
def test_the_interval_of_pooled_r_covers_where_sets_differ(spread, own):
    n, true, covered, by_runs = 300, 0.4, 0, 0
    for seed in range(n):
        rng = np.random.default_rng(seed)
        of_set = np.clip(true + spread * np.tile(rng.normal(size=SETS), MODELS), -0.95, 0.95)[:, None]

        def part(rng=rng):
            by_set = np.tile(rng.normal(size=(SETS, 14)), (MODELS, 1))
            return np.sqrt(1 - own) * by_set + np.sqrt(own) * rng.normal(size=(MODELS * SETS, 14))

        x = part()
        y = of_set * x + np.sqrt(1 - of_set**2) * part()
        interval, each = (pool_correlations(x, y, units=units, n_resamples=300).bootstrap for units in (CROSSED, None))
        covered += interval.low <= true <= interval.high
        by_runs += each.low <= true <= each.high
    assert stats.binomtest(covered, n, 0.95, alternative="less").pvalue > 0.01
    if spread and own < 1:  # drawing 18 runs as if they were independent does not
        assert by_runs < 0.9 * n
