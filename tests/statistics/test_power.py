"""Components of variance from simulated matrices, and power against cases that can be derived by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from sts_eval.statistics import pooled_r
from sts_eval.statistics.power import Components, Design, Noise, components, errors_of, power, simulated
from sts_eval.statistics.resampling import Units

REST = Components(0, 0, 0, 1)
COMMON = Components(1, 0, 0, 0)


def noise(change=REST, score=REST, error=0.0, alike=0.3, **more):
    return Noise(change=change, error=error, shared=more.get("shared", 0.0), questions=100, score=score, alike=alike)


@pytest.mark.parametrize(("missing", "holes"), [(0, 0), (5, 0), (0, 60), (3, 40)])
def test_components_are_recovered(missing, holes):
    true = Components(1.0, 0.5, 2.0, 0.7)
    made = noise(true, error=60, shared=40)
    design = Design(3, 6, 14, 200)
    found = []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        y = simulated(made, design, (0.1, 0.2), rng)[2]
        y[rng.choice(len(y), missing, replace=False)] = np.nan
        y.ravel()[rng.choice(y.size, holes, replace=False)] = np.nan
        found.append(components(y, design.units, error=0.3, shared=0.2))
    assert np.mean([(one.common, one.by_model, one.by_set, one.rest) for one in found], axis=0) == pytest.approx(
        (1.0, 0.5, 2.0, 0.7), abs=0.12
    )


def test_what_runs_cannot_tell_apart_is_put_together():
    rng = np.random.default_rng(0)
    design = Design(1, 40, 400, 100)
    one_model = components(simulated(noise(Components(1, 1, 1, 1)), design, (0.1, 0.2), rng)[2], design.units)
    assert (one_model.by_model, one_model.rest) == (0, 0)
    assert (one_model.common, one_model.by_set) == pytest.approx((2, 2), abs=0.3)
    rows = rng.normal(size=(4, 900))
    no_shared_set = components(rows, Units((0, 0, 1, 1), (0, 1, 2, 3)), error=0.4)
    assert no_shared_set.by_set == pytest.approx(0.6, abs=0.1)
    with pytest.raises(ValueError, match="two training sets"):
        components(rows, Units((0, 1, 2, 3), (0, 0, 0, 0)))


def test_the_ceiling_is_that_of_the_formula_and_of_the_truth():
    made = noise(Components(1, 0, 2, 1), error=300, shared=100)
    assert made.ceiling(100) == pytest.approx(math.sqrt(4 / 8))
    assert made.about_sets.ceiling(100) == pytest.approx(math.sqrt(3 / 6))
    nearly = made.ceiling(100) - 1e-9  # a predictor of the truth itself
    x, _, y = simulated(made, Design(20, 40, 50, 100), (nearly, 0.1), np.random.default_rng(0))
    assert pooled_r(x, y) == pytest.approx(math.sqrt(0.5), abs=0.02)
    x, _, y = simulated(made, Design(20, 40, 50, 400), (nearly, 0.1), np.random.default_rng(0))
    assert pooled_r(x, y) == pytest.approx(made.ceiling(400), abs=0.02)
    with pytest.raises(ValueError, match=r"ceiling is 0\.71"):
        simulated(made, Design(2, 2, 5, 100), (0.8, 0.1), np.random.default_rng(0))


def test_simulated_predictors_have_the_r_and_the_errors_that_were_asked_for():
    made = noise(Components(1, 0, 2, 1), Components(0.1, 0.2, 0.4, 0.3), error=100, alike=0.5)
    x, z, y = simulated(made, Design(20, 40, 50, 100), (0.7, 0.6), np.random.default_rng(1))
    assert (pooled_r(x, y), pooled_r(z, y)) == pytest.approx((0.7, 0.6), abs=0.03)
    exact = noise(score=Components(0.1, 0.2, 0.4, 0.3), alike=0.5)
    design = Design(20, 40, 50, 100)
    x, z, y = simulated(exact, design, (0.7, 0.6), np.random.default_rng(1))
    errors = errors_of(x, y), errors_of(z, y)
    assert np.corrcoef(errors[0].ravel(), errors[1].ravel())[0, 1] == pytest.approx(0.5, abs=0.05)
    found = components(errors[0], design.units)
    assert (found.common, found.by_model, found.by_set, found.rest) == pytest.approx((0.1, 0.2, 0.4, 0.3), abs=0.05)


def by_hand(n, n_runs, r=(0.7, 0.6), alike=0.3, widened=1.0):
    """Power of a test at 5% of the difference of two correlations that share y (Dunn and Clark 1969).

    The covariance of two Fisher z over n points, s/(n - 3), and the delta method from z to r.
    """
    a, b = r
    between = a * b + alike * math.sqrt((1 - a**2) * (1 - b**2))
    psi = between * (1 - a**2 - b**2) - a * b * (1 - a**2 - b**2 - between**2) / 2
    variance = (1 - a**2) ** 2 + (1 - b**2) ** 2 - 2 * psi
    spread = math.sqrt(variance / (n - 3) / n_runs)
    return spread, float(stats.norm.cdf((a - b) / spread - widened * stats.norm.ppf(0.975)))


def test_the_spread_of_a_difference_is_that_of_dunn_and_clark():
    design = Design(1, 10, 30, 100)
    found = power(noise(), design, (0.6, 0.7), n_simulations=600, n_resamples=2)
    spread, expected = by_hand(30, 10)
    assert found.difference == pytest.approx(0.1, abs=0.01)
    assert found.spread == pytest.approx(spread, rel=0.08)
    assert found.by_spread == pytest.approx(expected, abs=0.06)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("part", "design", "n_runs", "widened"),
    [
        # Runs are copies: only domains count, which the bootstrap draws once, so the power is the nominal one.
        (COMMON, Design(1, 4, 120, 100), 1, 1.0),
        # Independent cells: drawing rows and columns triples their variance, (R-1)/R + (C-1)/C + both (Owen 2007).
        (REST, Design(1, 30, 60, 100), 30, math.sqrt(29 / 30 + 59 / 60 + 29 / 30 * 59 / 60)),
    ],
)
def test_power_by_the_interval_is_that_derived_by_hand(part, design, n_runs, widened):
    made, r = noise(part, part), (0.67, 0.6)
    found = power(made, design, r, n_simulations=400, n_resamples=400)
    _, expected = by_hand(design.domains, n_runs, r, widened=widened)
    assert 0.1 < expected < 0.9
    assert found.share == pytest.approx(expected, abs=0.08)
    equal = power(made, design, (0.65, 0.65), n_simulations=400, n_resamples=400)
    assert stats.binomtest(round(400 * equal.share), 400, 0.025, alternative="greater").pvalue > 0.01


def test_more_of_anything_tells_more():
    made = noise(Components(0.2, 0.2, 1, 0.2), Components(0.1, 0.1, 0.4, 0.4), error=150)
    small = Design(3, 6, 14, 100)
    least = power(made, small, (0.4, 0.6), n_simulations=100, n_resamples=2).by_spread
    for name, value in {"models": 9, "sets": 24, "domains": 42, "questions": 1000}.items():
        larger = small._replace(**{name: value})
        assert power(made, larger, (0.4, 0.6), n_simulations=100, n_resamples=2).by_spread > least, name


def test_about_sets_sees_only_what_domains_and_models_leave():
    made = noise(Components(5, 5, 1, 1), Components(0.5, 0.3, 0.1, 0.1), error=100, shared=50).about_sets
    assert (made.change, made.shared) == (Components(0, 0, 1, 1), 0)
    assert made.score == Components(0, 0, 0.5, 0.5)
    found = power(made, Design(2, 12, 14, 100), (0.2, 0.6), about_sets=True, n_simulations=40, n_resamples=100)
    assert found.difference == pytest.approx(0.4, abs=0.05)
    assert found.share > 0.8


def test_a_noise_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="at least 0"):
        Components(1, -1, 0, 0)
    with pytest.raises(ValueError, match="sum up to 1"):
        noise(score=Components(1, 1, 0, 0))
    with pytest.raises(ValueError, match="inside"):
        noise(alike=1.0)
