"""The null of equal activity, counted by hand."""

import pytest

from sts_eval.statistics.matched import matched_null


def test_one_band_is_hypergeometric():
    """Three of ten are drawn, four are marked: P(2 or more) = (6 · 6 + 4) / 120."""
    marked = [True] * 4 + [False] * 6
    chosen = [True, True, False, False, True] + [False] * 5
    null = matched_null(marked, chosen, [1.0] * 10)
    assert null.at_least(2) == pytest.approx(40 / 120)
    assert null.at_least(0) == pytest.approx(1)
    assert null.mean == pytest.approx(3 * 4 / 10)
    assert null.sd**2 == pytest.approx(3 * 0.4 * 0.6 * 7 / 9)


def test_dimensions_are_drawn_from_their_own_band():
    """Both active ones are marked and chosen, so they are in every draw."""
    null = matched_null([True, True, False, False], [True, True, False, False], [8.0, 8.0, 0.0, 1.0])
    assert null.mean == 2
    assert null.at_least(2) == pytest.approx(1)
