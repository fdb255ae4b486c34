"""The partial correlation beside history: against closed forms, literal refits, and simulated truths."""

import math

import numpy as np
import pytest
from scipy import stats

from sts_eval.statistics import partial_correlation, standardised
from sts_eval.statistics.added import partial_permutations
from sts_eval.statistics.resampling import Units, resamples

MODELS, SETS, DOMAINS = 3, 6, 14
CROSSED = Units.of(np.repeat(np.arange(MODELS), SETS), np.tile(np.arange(SETS), MODELS))


def made_runs(seed=0, n_runs=6, effect=0.5):
    rng = np.random.default_rng(seed)
    domain = rng.normal(size=14)
    history = domain + 0.3 * rng.normal(size=(n_runs, 14))
    x = history + rng.normal(size=history.shape) + 5 * rng.normal(size=(n_runs, 1))
    y = domain + effect * x + rng.normal(size=x.shape) + 3 * rng.normal(size=(n_runs, 1))
    return x, history, y


def residual(values, controls):
    return values - controls @ np.linalg.lstsq(controls, values, rcond=None)[0]


def with_dummies(x, history, y, weights=None):
    """Partial r by weighted least squares on history and a dummy of each run."""
    run = np.nonzero(np.isfinite(x + history + y))
    root = np.sqrt(np.ones(len(run[0])) if weights is None else weights[run])
    controls = np.column_stack([history[run], run[0][:, None] == np.arange(len(x))]) * root[:, None]
    a, b = (residual(values[run] * root, controls) for values in (x, y))
    return a @ b / math.sqrt((a @ a) * (b @ b))


def test_partial_correlation_of_one_run_has_a_closed_form():
    x, history, y = (part[:1] for part in made_runs())
    r = np.corrcoef([x[0], y[0], history[0]])
    expected = (r[0, 1] - r[0, 2] * r[1, 2]) / math.sqrt((1 - r[0, 2] ** 2) * (1 - r[1, 2] ** 2))
    assert partial_correlation(x, history, y, n_resamples=100).r == pytest.approx(expected)


def test_runs_and_history_are_held_fixed_as_by_dummies():
    x, history, y = made_runs()
    x[0, 1] = history[2, 2] = y[3, 3] = np.nan
    found = partial_correlation(x, history, y, n_resamples=100)
    assert found.r == pytest.approx(with_dummies(x, history, y))
    assert (found.n_runs, found.n_points) == (6, 81)
    shifted = x + 1e6 * np.arange(6)[:, None]
    assert partial_correlation(shifted, history, y, n_resamples=100).r == pytest.approx(found.r, abs=1e-6)


def test_the_interval_refits_every_resample():
    x, history, y = made_runs(n_runs=MODELS * SETS)
    x[2, 3] = np.nan
    drawn = resamples(CROSSED, DOMAINS, 60, seed=5)
    values = [
        with_dummies(x, history, y, np.outer(runs, domains))
        for runs, domains in zip(drawn.runs, drawn.domains, strict=True)
    ]
    interval = partial_correlation(x, history, y, units=CROSSED, n_resamples=60, seed=5, level=0.8).interval
    assert (interval.low, interval.high) == pytest.approx(tuple(np.quantile(values, [0.1, 0.9])), abs=1e-6)


@pytest.mark.parametrize("which", ["score", "change"])
def test_what_history_explains_completely_has_no_partial_correlation(which):
    x, history, y = made_runs()
    if which == "score":
        x = 2 * history + np.arange(6)[:, None]
    else:
        y = 2 * history + np.arange(6)[:, None]
    assert which in partial_correlation(x, history, y).reason("r")


def test_too_few_points_say_why():
    x, history, y = (part[:2, :3].copy() for part in made_runs())
    y[1, 2] = np.nan
    assert "5 points are too few" in partial_correlation(x, history, y).reason("r")
    assert "0 points" in partial_correlation(np.full_like(x, np.nan), history, y).reason("r")
    with pytest.raises(ValueError, match="one shape"):
        partial_correlation(x, history[:, :2], y)


def parts(rng, domain, by_set, by_model, own):
    """A column with parts that all runs share, runs on one set, runs of one model, and none."""
    shared = math.sqrt(domain) * rng.normal(size=DOMAINS)
    of_set = math.sqrt(by_set) * np.tile(rng.normal(size=(SETS, DOMAINS)), (MODELS, 1))
    of_model = math.sqrt(by_model) * np.repeat(rng.normal(size=(MODELS, DOMAINS)), SETS, axis=0)
    return shared + of_set + of_model + math.sqrt(own) * rng.normal(size=(MODELS * SETS, DOMAINS))


@pytest.mark.slow
@pytest.mark.parametrize("shares", [(0.8, 0, 0, 0.2), (0, 0, 0.6, 0.4), (0.2, 0.3, 0.3, 0.2), (0.1, 0.8, 0, 0.1)])
@pytest.mark.parametrize("spread", [0, 0.3])
def test_the_interval_covers_where_sets_differ_in_what_is_added(shares, spread):
    n, true, covered = 300, 0.4, 0
    for seed in range(n):
        rng = np.random.default_rng(seed)
        known = parts(rng, 0.2, 0.6, 0.1, 0.1)
        of_set = np.clip(true + spread * np.tile(rng.normal(size=SETS), MODELS), -0.95, 0.95)[:, None]
        x = parts(rng, *shares)
        y = of_set * x + np.sqrt(1 - of_set**2) * parts(rng, *shares)
        interval = partial_correlation(known + x, known, known + y, units=CROSSED, n_resamples=300).interval
        covered += interval.low <= true <= interval.high
    # It may err on the wide side only.
    assert stats.binomtest(covered, n, 0.95, alternative="less").pvalue > 0.01


def share_that_adds(noise_of_history, n=60):
    """How often a score that knows only the true set-by-domain change adds to a mean of two noisy runs."""
    found = 0
    for seed in range(n):
        rng = np.random.default_rng(seed)
        true = np.tile(rng.normal(size=(SETS, DOMAINS)), (MODELS, 1))
        measured, finer = (true + size * rng.normal(size=true.shape) for size in (0.6, noise_of_history))
        other = np.array(
            [[model != one for one in np.repeat(np.arange(3), SETS)] for model in np.repeat(np.arange(3), SETS)]
        )
        same = np.array(CROSSED.sets)[:, None] == np.array(CROSSED.sets)
        history = (other & same) @ finer / 2
        x = standardised(true + 0.3 * rng.normal(size=true.shape))
        found += partial_permutations({"x": x}, history, measured, n_resamples=99, seed=seed)["x"] < 0.05
    return found / n


def test_a_score_that_knows_the_truth_adds_less_beside_a_less_noisy_history():
    assert share_that_adds(0.6) > 0.9  # the history is as noisy as the changes
    assert share_that_adds(0.15) < 0.4
