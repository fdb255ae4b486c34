"""Lost and gained questions, by hand and by the model of guessing that the correction inverts."""

import numpy as np
import pytest

from sts_eval.statistics.guessing import known_changes


def answers(right_right, lost, gained, wrong_wrong):
    before = [1] * right_right + [1] * lost + [0] * gained + [0] * wrong_wrong
    after = [1] * right_right + [0] * lost + [1] * gained + [0] * wrong_wrong
    return np.array(before), np.array([after])


def test_a_hundred_questions_with_four_options_by_hand():
    """12 lost, 10 gained, 18 wrong twice: luck explains 18/3 = 6 of either, and 4/3 of the rest are 8 and 16/3."""
    before, after = answers(60, 12, 10, 18)
    found = known_changes(before, after, np.full(100, 1 / 4), np.full((1, 100), 1 / 4))
    assert found.lost == pytest.approx(8)
    assert found.gained == pytest.approx(16 / 3)
    each = np.repeat([0, 4 / 3, 0, -4 / 9], [60, 12, 10, 18])  # per question, lost
    assert found.lost_se == pytest.approx(100 * each.std(ddof=1) / 10)


def test_ten_options_leave_less_to_luck_than_two():
    """k = 10: 10/9 · (12 - 18/9) = 11.1; k = 2: 2 · (12 - 18) = -12: all twelve and more are luck."""
    before, after = answers(60, 12, 10, 18)
    lost = [known_changes(before, after, np.full(100, 1 / k), np.full((1, 100), 1 / k)).lost for k in (10, 2)]
    assert lost == pytest.approx([100 / 9, -12])


def test_an_answer_that_could_not_be_read_is_no_guess():
    """Without guesses the counts stand; unread before, right by luck cannot have been; unread after, wrong for sure."""
    before, after = answers(60, 12, 10, 18)
    never = np.zeros(100)
    assert known_changes(before, after, never, never[None])[::2] == pytest.approx((12, 10))
    read_after = np.full((1, 100), 1 / 4)
    assert known_changes(before, after, never, read_after).lost == pytest.approx(4 / 3 * 12)
    assert known_changes(before, after, never, read_after).gained == pytest.approx(10 - 18 / 3)


def test_the_truth_of_a_model_that_knows_or_guesses_is_recovered():
    """20% known only before, 10% only after, 40% on neither side; questions have 2 to 10 options."""
    rng = np.random.default_rng(0)
    n = 200_000
    state = rng.choice(4, size=n, p=[0.3, 0.2, 0.1, 0.4])  # both, before, after, neither
    chance = 1 / rng.integers(2, 11, size=n)
    before = np.isin(state, (0, 1)) | (rng.random(n) < chance)
    after = np.array([np.isin(state, (0, 2)) | (rng.random(n) < chance) for _ in range(3)])
    found = known_changes(before, after, chance, np.tile(chance, (3, 1)))
    assert found.lost == pytest.approx(20, abs=4 * found.lost_se)
    assert found.gained == pytest.approx(10, abs=4 * found.gained_se)
    assert found.lost_se < 0.3
    assert 100 * (~before & after).mean() > 12  # the count alone is far off


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="two options"):
        known_changes([1, 0], [[1, 0]], [1.0, 1.0], [[0.5, 0.5]])
    with pytest.raises(ValueError, match="shapes"):
        known_changes([1, 0], [1, 0], [0.5, 0.5], [0.5, 0.5])
