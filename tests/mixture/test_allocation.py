"""Counts by hand: the ratio of weights, rounding, and domains with too few rows."""

import pytest

from sts_eval.mixture.allocation import allocate, largest_remainders

WEIGHTS = {"math": 5.0, "law": 3.0, "health": 2.0}
PLENTY = dict.fromkeys(WEIGHTS, 99)


def counts(quotas, name):
    return {domain: getattr(quota, name) for domain, quota in quotas.items()}


def test_weights_of_five_three_and_two_share_out_seven_rows():
    # 7 · (.5, .3, .2) = (3.5, 2.1, 1.4): whole parts 3, 2, 1, and the seventh row to the largest remainder, .5.
    quotas = allocate(WEIGHTS, 7, PLENTY)
    assert counts(quotas, "share") == pytest.approx({"math": 0.5, "law": 0.3, "health": 0.2})
    assert counts(quotas, "wanted") == counts(quotas, "taken") == {"math": 4, "law": 2, "health": 1}
    assert counts(quotas, "rounded") == {"math": 4, "law": 2, "health": 1}


def test_plain_rounding_misses_the_budget_and_largest_remainders_meet_it():
    # 7/3 = 2.33 each: the paper's rounding gives 2 + 2 + 2 = 6. 8/3 = 2.67 each: 3 + 3 + 3 = 9.
    equal = dict.fromkeys(WEIGHTS, 1.0)
    for budget, rounded, wanted in (
        (7, 6, {"math": 3, "law": 2, "health": 2}),
        (8, 9, {"math": 3, "law": 3, "health": 2}),
    ):
        quotas = allocate(equal, budget, PLENTY)
        assert sum(counts(quotas, "rounded").values()) == rounded
        assert counts(quotas, "taken") == wanted


def test_what_a_domain_lacks_goes_to_the_others_in_the_ratio_of_their_weights():
    # Mathematics has 1 row of 4. The other 6 go 3 : 2, which is 3.6 and 2.4: 4 and 2.
    quotas = allocate(WEIGHTS, 7, {"math": 1, "law": 99, "health": 99})
    assert counts(quotas, "wanted") == {"math": 4, "law": 2, "health": 1}
    assert counts(quotas, "taken") == {"math": 1, "law": 4, "health": 2}


def test_a_second_domain_may_run_out_by_what_the_first_lacks():
    # Mathematics has 1 row; of the other 6 law would get 3.6 and has 3; health gets the 3 that are left.
    quotas = allocate(WEIGHTS, 7, {"math": 1, "law": 3, "health": 99})
    assert counts(quotas, "taken") == {"math": 1, "law": 3, "health": 3}


def test_a_pool_of_exactly_the_budget_is_taken_whole():
    assert counts(allocate(WEIGHTS, 7, {"math": 1, "law": 1, "health": 5}), "taken") == {
        "math": 1,
        "law": 1,
        "health": 5,
    }


def test_a_domain_without_weight_gets_nothing():
    quotas = allocate({"math": 1.0, "law": 0.0}, 3, {"math": 3, "law": 9})
    assert counts(quotas, "taken") == {"math": 3, "law": 0}
    with pytest.raises(ValueError, match="fewer rows"):
        allocate({"math": 1.0, "law": 0.0}, 4, {"math": 3, "law": 9})
    with pytest.raises(ValueError, match="all weights are 0"):
        allocate({"math": 0.0}, 1, {"math": 3})


def test_counts_sum_to_the_budget_whatever_the_weights():
    weights = {str(place): 0.1 + 0.7 * place for place in range(14)}
    for budget in range(1, 60):
        assert sum(largest_remainders(weights, budget).values()) == budget
