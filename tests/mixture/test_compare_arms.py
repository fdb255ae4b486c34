"""Paired comparisons of arms by hand, and what they allow one to say."""

import numpy as np
import pytest
from scipy import stats

from sts_eval.mixture.compare_arms import Sides, results_of
from sts_eval.mixture.verdict import conclusions


def sides(before, *after):
    return Sides(np.array(before, float), np.array(after, float))


BEFORE = [100, 100, 0, 0]
ANSWERS = {
    "none": {
        "math": sides(BEFORE, [100, 100, 100, 0], [100, 100, 100, 100]),
        "law": sides(BEFORE, [0, 0, 0, 0], [0, 100, 0, 0]),
    },
    "equal": {
        "math": sides(BEFORE, [100, 100, 0, 0], [100, 100, 100, 0]),
        "law": sides(BEFORE, [100, 0, 0, 0], [0, 100, 0, 0]),
    },
    "sts_icl": {
        "math": sides(BEFORE, [100, 100, 0, 0], [100, 100, 0, 0]),
        "law": sides(BEFORE, [100, 100, 0, 0], [100, 100, 100, 0]),
    },
}


def result(name, answers=ANSWERS, protected=("law",), target=("math",)):
    return results_of(name, answers, protected, target, added=0 if name == "none" else 7, oracle=name == "damage")


def test_an_arm_against_equal_shares_by_hand():
    # Law, sts_icl less equal, seeds by questions: (0, 100, 0, 0) and (100, 0, 100, 0).
    # Question means 50, 50, 50, 0: mean 37.5, variance 625, over 4 questions 156.25.
    # Seed means 25 and 50. Rest ±(-37.5, 62.5, -37.5, 12.5): SS = 2 · 6875, MS = 13750/3, over nK = 8: 572.9.
    # Variance of the seed means 312.5/2 = 156.25 lies below the rest: no variance between seeds is seen.
    found = result("sts_icl").from_equal
    assert found.value == 37.5
    assert found.se == pytest.approx(12.5)
    half = stats.t.ppf(1 - 0.025 / 2, 3) * 12.5  # two arms beside the equal one: level 97.5%
    assert found.level == pytest.approx(0.975)
    assert (found.low, found.high) == pytest.approx((37.5 - half, 37.5 + half))


def test_changes_worst_domain_and_cost_of_protection_by_hand():
    arm = result("sts_icl")
    assert {one.domain: one.change.value for one in arm.domains} == {"math": 0, "law": 12.5}
    assert arm.worst == "math"
    assert arm.mean.value == 12.5  # of law, the only protected domain
    assert arm.target.value == 0  # of mathematics; without added rows it rises by 25 and 50
    assert arm.cost.value == -37.5
    assert result("none").cost is None
    assert result("equal").from_equal is None
    assert result("equal", protected=("math", "law")).mean.value == pytest.approx((12.5 - 25) / 2)


def many(shift, n=400, seed=0):
    """Two seeds of a domain with many questions, in which an arm is right in so much larger a share of them."""
    rng = np.random.default_rng(seed)
    luck = rng.random((2, n))
    return {"law": Sides(100.0 * (rng.random(n) < 0.5), 100.0 * (luck < 0.5 + shift))}


def said(**arms):
    answers = {"equal": many(0.0), **arms}
    found = [results_of(name, answers, ("law",), (), added=9, oracle=name == "damage") for name in answers]
    return conclusions(found, (0, 1), "accuracy")


def test_an_arm_that_is_clearly_better_is_recommended():
    recommended, lines = said(sts_icl=many(0.3), tfidf_cosine=many(0.01))
    assert recommended == "sts_icl"
    assert lines[0].startswith("Recommended: sts_icl. ")
    assert "97.5% interval" in lines[0]


def test_no_arm_is_recommended_where_none_is_shown_to_be_better():
    recommended, lines = said(sts_icl=many(0.0, seed=1), tfidf_cosine=many(-0.01, seed=2))
    assert recommended is None
    assert lines[0].startswith("No arm is better than an equal split. ")
    assert "is not ruled out" in lines[1]


def test_an_oracle_is_never_recommended():
    recommended, lines = said(damage=many(0.3), sts_icl=many(0.0, seed=1))
    assert recommended is None
    assert any("an oracle" in line for line in lines)


def test_one_seed_recommends_nothing():
    answers = {
        name: {domain: Sides(one.before, one.after[:1]) for domain, one in arm.items()} for name, arm in ANSWERS.items()
    }
    found = [result(name, answers) for name in answers]
    recommended, lines = conclusions(found, (0,), "accuracy")
    assert recommended is None
    assert lines[0].startswith("One seed cannot tell arms apart")
