"""Means over questions that seeds drew in part."""

import math

import numpy as np
import pytest
from scipy import stats

from sts_eval.statistics.drawn_questions import location
from sts_eval.statistics.seeds import mean_change_over_seeds


@pytest.mark.parametrize("seed_sd", [0.0, 1.0])
def test_a_full_table_is_the_analysis_of_variance(seed_sd):
    rng = np.random.default_rng(1)
    table = rng.normal(size=(3, 40)) + rng.normal(size=40) + seed_sd * np.array([[-1.0], [0.2], [1.1]])
    found, wanted = location(table), mean_change_over_seeds(np.zeros(40), table)
    assert found.value == pytest.approx(wanted.delta)
    assert found.se == pytest.approx(wanted.se)
    assert found.seed_sd == pytest.approx(wanted.seed_sd)


def test_one_seed_has_the_error_of_a_mean():
    found = location([[1.0, 3.0, 8.0]])
    assert (found.value, found.seed_sd) == (4.0, None)
    assert found.se == pytest.approx(stats.sem([1.0, 3.0, 8.0]))


def test_the_trimmed_mean_and_yuens_error():
    values = [2.0, 4.0, 5.0, 6.0, 1e6]
    found = location([values], trim=0.2)
    assert found.value == stats.trim_mean(values, 0.2) == 5.0
    # Winsorized: 4, 4, 5, 6, 6, squares about 5 sum up to 4; three are left.
    assert found.se == pytest.approx(math.sqrt(4 / (3 * 2)))


@pytest.mark.parametrize("seed_sd", [0.0, 0.4])
@pytest.mark.parametrize("trim", [0.0, 0.2])
def test_the_error_is_honest_where_seeds_share_some_questions(seed_sd, trim):
    rng = np.random.default_rng(2)
    values, variances = [], []
    for _ in range(300):
        drawn = np.zeros((3, 90), dtype=bool)
        for row in drawn:
            row[rng.choice(90, 40, replace=False)] = True
        table = rng.normal(size=(3, 90)) + rng.normal(size=90) + seed_sd * rng.normal(size=(3, 1))
        table = np.where(drawn, table, np.nan)[:, drawn.any(axis=0)]
        found = location(table, trim=trim)
        values.append(found.value)
        variances.append(found.se**2)
    ratio = np.mean(variances) / np.var(values)
    assert 0.8 < ratio < 1.35  # a negative variance over seeds is cut off at 0, so the error is somewhat too large
