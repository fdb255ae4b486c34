import dataclasses
import math

import numpy as np
import pytest

from sts_eval import statistics
from sts_eval.statistics import Interval, correlate, critical_r, fisher_interval
from sts_eval.statistics.correlation import Correlation, LeaveOneOut
from sts_eval.statistics.wording import conclusion

ONE_RUN = "This is one run, so nothing follows for other models or training sets."


NAMES = [f"domain {i}" for i in range(1, 14)] + ["engineering"]


def verdict(correlation, **about):
    return statistics.verdict(correlation, domains=(NAMES * 3)[: correlation.n], **about)


def a_correlation(r, n=14, **changed):
    """What 14 even points with this r would give; a test changes what it is about."""
    fisher = fisher_interval(r, n)
    return dataclasses.replace(
        Correlation(
            n=n,
            level=0.95,
            pearson=r,
            r2=r**2,
            p_permutation=0.01,
            fisher=fisher,
            bootstrap=fisher,
            spearman=r,
            kendall=r,
            leave_one_out=LeaveOneOut(r, r, 0, 1),
            critical_r=critical_r(n),
        ),
        **changed,
    )


def test_r_of_60_over_14_domains_is_a_relation_of_unknown_size():
    assert verdict(a_correlation(0.60)) == (
        "r = 0.60 over 14 domains, 95% interval 0.10 to 0.86, by BCa bootstrap 0.10 to 0.86. "
        "The interval excludes 0, so score and change go together over these domains, "
        "but it is too wide to tell 0.3 from 0.8. "
        "Leaving out any one domain keeps r between 0.60 and 0.60. " + ONE_RUN
    )


def test_r_of_50_over_14_domains_shows_nothing_and_rules_nothing_out():
    assert verdict(a_correlation(0.50)) == (
        "r = 0.50 over 14 domains, 95% interval -0.04 to 0.81, by BCa bootstrap -0.04 to 0.81. "
        "The interval includes 0, so the result is inconclusive. A relation as strong as 0.8 is not ruled out. "
        "14 domains need |r| of at least 0.532 for p < 0.05. " + ONE_RUN
    )


@pytest.mark.parametrize(("r", "n"), [(0.85, 14), (0.5, 30)])  # above 0.3 at 14 points, below 0.8 at 30
def test_a_narrow_interval_is_not_called_wide(r, n):
    text = verdict(a_correlation(r, n))
    assert "go together" in text
    assert "too wide" not in text


def test_a_negative_relation_is_named_as_such():
    correlation = a_correlation(-0.60)
    assert conclusion(correlation) == "negative"
    assert "go in opposite directions over these domains, but it is too wide to tell -0.3 from -0.8" in verdict(
        correlation
    )


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"fisher": Interval(-0.01, 0.86)}, "The interval includes 0"),
        ({"bootstrap": Interval(-0.01, 0.86)}, "The bootstrap interval includes 0 though Fisher's does not"),
        ({"p_permutation": 0.06}, "The permutation p is 0.060, not below 0.05"),
    ],
)
def test_one_doubt_is_enough_to_claim_nothing(changed, sentence):
    correlation = a_correlation(0.60, **changed)
    assert conclusion(a_correlation(0.60)) == "positive"
    assert conclusion(correlation) == "inconclusive"
    text = verdict(correlation)
    assert sentence in text
    assert "so score and change go" not in text


def test_a_strong_relation_is_left_open_only_where_the_interval_holds_one():
    assert "not ruled out" not in verdict(a_correlation(0.10, p_permutation=0.7))
    assert "not ruled out" in verdict(a_correlation(0.48, p_permutation=0.1))


def test_the_domain_that_carries_r_is_named():
    fragile = a_correlation(0.80, leave_one_out=LeaveOneOut(0.31, 0.85, 13, 2))
    sentence = "Without engineering r is 0.31, where 13 domains need 0.553: r rests on that domain."
    assert sentence in verdict(fragile)
    dummy = a_correlation(0.82, leave_one_out=LeaveOneOut(0.8, 0.9, 1, 2, undefined=(13,)))
    assert "Without engineering one variable is constant" in verdict(dummy)
    inverse = a_correlation(-0.80, leave_one_out=LeaveOneOut(-0.85, 0.6, 2, 13))
    assert "Without engineering r is 0.60" in verdict(inverse)


def test_real_points_from_the_arrays_to_the_words():
    # One far point and thirteen without any relation.
    rng = np.random.default_rng(0)
    x, y = np.append(rng.normal(size=13), 12.0), np.append(rng.normal(size=13), 12.0)
    assert verdict(correlate(x, y)) == (
        "r = 0.94 over 14 domains, 95% interval 0.82 to 0.98, by BCa bootstrap -0.14 to 0.99. "
        "The bootstrap interval includes 0 though Fisher's does not, so the result is inconclusive. "
        "A relation as strong as 0.8 is not ruled out. "
        "Without engineering r is 0.08, where 13 domains need 0.553: r rests on that domain. " + ONE_RUN
    )


def test_what_noise_leaves_is_said():
    assert "a perfect score would reach about 0.67." in verdict(a_correlation(0.6), ceiling=0.67)
    assert "there is nothing to predict" in verdict(a_correlation(0.6), ceiling=0.0)


def test_no_correlation_gives_the_reason_alone():
    correlation = correlate([1, 1, 1, 1], [1, 2, 3, 4])
    assert conclusion(correlation) == "undefined"
    assert verdict(correlation) == "There is no correlation to report: the first variable is constant."


def test_missing_intervals_are_explained():
    text = verdict(correlate([1, 2, 3, 4], [1, 3, 2, 5]))
    assert "there is no BCa bootstrap interval, because some resamples" in text
    on_a_line = verdict(correlate(np.arange(6), np.arange(6)))
    assert "without an interval: the points lie exactly on a line" in on_a_line
    assert "how strongly is not known" in on_a_line


def test_zero_has_no_minus():
    assert verdict(a_correlation(-0.001, p_permutation=0.99)).startswith("r = 0.00 ")


def test_names_must_fit_the_points():
    with pytest.raises(ValueError, match="3 names for 14"):
        statistics.verdict(a_correlation(0.6), domains=["a", "b", "c"])


def test_the_same_numbers_give_the_same_words():
    x = np.array([math.sin(i) for i in range(14)])
    y = x + np.array([math.cos(3 * i) for i in range(14)])
    assert verdict(correlate(x, y)) == verdict(correlate(x, y))
