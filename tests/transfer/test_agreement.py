"""Rounding is let pass, and what changes an answer is not."""

import pytest
import torch

from sts_eval.transfer.agreement import Scored, disagreement

BF16, FP32 = torch.bfloat16, torch.float32


SAME = Scored([-40.0, -43.0], [-40.0, -43.0], [20, 20])


def test_a_long_option_may_differ_by_more_than_a_short_one():
    """A 45-token option of a real model in bfloat16 differed by 0.42 nats, which rounding explains."""
    assert disagreement([Scored([-90.0, -95.0], [-90.42, -95.1], [45, 45])], BF16) is None
    assert "rounding explains 0.18" in disagreement([Scored([-9.0, -9.5], [-9.42, -9.6], [1, 1])], BF16)
    assert "rounding explains 0.0014" in disagreement([Scored([-90.0, -95.0], [-90.42, -95.1], [45, 45])], FP32)


def test_the_largest_of_many_differences_may_be_larger_than_the_usual_one():
    """An option of one token of a real model differed by 0.32 nats when its adapter was merged in bfloat16."""
    largest = Scored([-9.0, -9.5], [-9.32, -9.5], [1, 1])
    assert disagreement([largest, *[SAME] * 7], BF16) is None
    assert "at most 0.6)" in disagreement([Scored([-9.0, -9.5], [-9.6, -9.5], [1, 1]), *[SAME] * 20], BF16)


def test_another_winner_is_no_rounding_unless_the_two_are_as_good_as_equal():
    # 20 tokens: a difference of 0.45 nats for each token, of which there is but one, turns the answer.
    turned = Scored([-40.0, -41.5], [-42.0, -41.5], [20, 20])
    assert disagreement([turned, *[SAME] * 20], BF16) == "another option wins"
    assert disagreement([Scored([-40.0, -40.1], [-40.2, -40.1], [20, 20])], BF16) is None


def test_small_differences_all_one_way_are_more_than_rounding():
    one = Scored([-10.0, -11.0], [-10.5, -10.5], [20, 20])
    assert "among the options differs" in disagreement([one] * 4, BF16)
    assert disagreement([one, *[SAME] * 7], BF16) is None


@pytest.mark.parametrize("other", [float("nan"), float("-inf")])
def test_what_is_no_number_does_not_agree(other):
    assert disagreement([Scored([-1.0, -2.0], [-1.0, other], [1, 1])], BF16) is not None


def test_nothing_compared_is_no_disagreement():
    assert disagreement([], BF16) is None
