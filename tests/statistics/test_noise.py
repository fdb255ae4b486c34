import math

import numpy as np
import pytest

from sts_eval.statistics import debiased_magnitude, noise_ceiling


def test_ceiling_by_hand():
    # Var of (0, 2, 4) is 4; mean SE² is (1 + 0 + 2)/3 = 1: √(1 - 1/4), and a signal of √3 to a noise of 1.
    ceiling = noise_ceiling([0, 2, 4], [1, 0, math.sqrt(2)])
    assert ceiling.signed == pytest.approx(math.sqrt(0.75))
    assert ceiling.signal_to_noise == pytest.approx(math.sqrt(3))


@pytest.mark.parametrize("noise", [0.5, 1.0, 2.0])
def test_a_perfect_predictor_reaches_the_ceiling_and_no_more(noise):
    rng = np.random.default_rng(5)
    n = 4000
    true = rng.normal(-1, 2, n)
    se = noise * rng.uniform(0.5, 1.5, n)
    measured = true + se * rng.normal(size=n)
    ceiling = noise_ceiling(measured, se)
    assert ceiling.signed == pytest.approx(np.corrcoef(true, measured)[0, 1], abs=0.03)
    assert ceiling.signal_to_noise == pytest.approx(2 / (noise * math.sqrt(1 + 1 / 12)), rel=0.1)


@pytest.mark.parametrize(("mean", "sd"), [(0, 1), (0, 2), (1, 1), (-4, 1)])
def test_a_perfect_predictor_of_magnitude_reaches_the_magnitude_ceiling(mean, sd):
    rng = np.random.default_rng(6)
    n = 4000
    true = rng.normal(mean, sd, n)
    measured = true + rng.normal(size=n)
    ceiling = noise_ceiling(measured, np.ones(n))
    reached = np.corrcoef(np.abs(true), np.abs(measured))[0, 1]
    assert ceiling.magnitude == pytest.approx(reached, abs=0.04)


def test_magnitude_ceiling_of_normal_changes_has_a_closed_form():
    # |X| and |Y| of a centred bivariate normal with correlation c correlate by
    # (2/π)(√(1 - c²) + c asin c - 1)/(1 - 2/π); c is here the signed ceiling.
    rng = np.random.default_rng(7)
    measured = rng.normal(0, math.sqrt(2), 4000)
    c = math.sqrt(0.5)
    folded = 2 / math.pi * (math.sqrt(1 - c**2) + c * math.asin(c) - 1) / (1 - 2 / math.pi)
    ceiling = noise_ceiling(measured, np.ones(4000))
    assert ceiling.signed == pytest.approx(c, abs=0.03)
    assert ceiling.magnitude == pytest.approx(folded, abs=0.03)


def test_the_formula_put_to_magnitudes_would_be_far_too_low():
    rng = np.random.default_rng(8)
    measured = rng.normal(0, math.sqrt(2), 4000)
    assert noise_ceiling(np.abs(measured), np.ones(4000)).signed == 0
    assert noise_ceiling(measured, np.ones(4000)).magnitude > 0.4


def test_more_noise_than_variance_leaves_nothing_to_predict():
    ceiling = noise_ceiling([0, 1, 2], [3, 3, 3])
    assert (ceiling.signed, ceiling.magnitude, ceiling.signal_to_noise) == (0, 0, 0)
    assert ceiling.undefined == {}


def test_without_noise_the_ceiling_is_one():
    ceiling = noise_ceiling([1, 2, 4], [0, 0, 0])
    assert (ceiling.signed, ceiling.magnitude) == pytest.approx((1, 1))
    assert ceiling.signal_to_noise is None


def test_changes_of_one_size_have_no_magnitude_to_correlate():
    ceiling = noise_ceiling([-2, 2, -2, 2], [0.1] * 4)
    assert ceiling.signed > 0.99
    assert ceiling.magnitude is None


@pytest.mark.parametrize(
    ("delta", "se", "reason"),
    [
        ([], [], "no domains"),
        ([1], [1], "one domain"),
        ([3, 3, 3], [1, 1, 1], "alike"),
        ([1, 2, math.nan], [1, math.nan, 1], "2 of 3"),
    ],
)
def test_an_undefined_ceiling_says_why(delta, se, reason):
    ceiling = noise_ceiling(delta, se)
    assert (ceiling.signed, ceiling.magnitude) == (None, None)
    assert reason in ceiling.reason("signed")


def test_dividing_by_the_ceiling_recovers_r_with_the_true_changes():
    rng = np.random.default_rng(9)
    n = 4000
    true = rng.normal(0, 2, n)
    score = true + rng.normal(0, 2, n)
    measured = true + rng.normal(0, 1.5, n)
    r = np.corrcoef(score, measured)[0, 1]
    ceiling = noise_ceiling(measured, np.full(n, 1.5))
    assert r / ceiling.signed == pytest.approx(math.sqrt(0.5), abs=0.03)


def test_debiasing_by_hand():
    assert debiased_magnitude([3, -3, 1], [1, 1, 2]) == pytest.approx([math.sqrt(8), math.sqrt(8), -math.sqrt(3)])


@pytest.mark.parametrize("true", [0.0, 0.5, 2.0])
def test_the_square_of_the_debiased_magnitude_is_unbiased_where_the_magnitude_is_not(true):
    rng = np.random.default_rng(10)
    measured = true + rng.normal(size=200_000)
    root = debiased_magnitude(measured, np.ones_like(measured))
    assert (np.sign(root) * root**2).mean() == pytest.approx(true**2, abs=0.03)
    if true == 0:
        assert np.abs(measured).mean() == pytest.approx(math.sqrt(2 / math.pi), abs=0.01)  # the bias of 0.8 SE


@pytest.mark.parametrize(("se", "message"), [([1], "one standard error per change"), ([1, -1], "negative")])
def test_errors_that_do_not_fit_are_refused(se, message):
    with pytest.raises(ValueError, match=message):
        noise_ceiling([1, 2], se)
