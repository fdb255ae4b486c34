"""Fisher's test of the largest share."""

import numpy as np
import pytest

from sts_eval.statistics.largest_share import chance_of_largest_share


def test_two_and_three_parts_by_hand():
    assert chance_of_largest_share(0.75, 2) == pytest.approx(2 * 0.25)
    assert chance_of_largest_share(0.4, 3) == pytest.approx(3 * 0.6**2 - 3 * 0.2**2)
    assert chance_of_largest_share(1.0, 1) == 1.0
    assert chance_of_largest_share(0.5, 2) == 1.0  # the larger of two is at least half


@pytest.mark.parametrize(("n", "critical"), [(5, 0.68377), (10, 0.44495)])
def test_fishers_own_five_percent_points(n, critical):
    """Fisher 1929, table I."""
    assert chance_of_largest_share(critical, n) == pytest.approx(0.05, abs=2e-5)


def test_exponential_parts_exceed_it_as_often_as_it_says():
    parts = np.random.default_rng(0).exponential(size=(20_000, 13))
    largest = parts.max(axis=1) / parts.sum(axis=1)
    assert np.mean(largest > 0.3) == pytest.approx(chance_of_largest_share(0.3, 13), abs=0.01)
