import itertools
import math

import numpy as np
import pytest
from scipy import stats

from sts_eval.statistics import max_r_permutation, pooled_r, shared_ranks


def made_columns(rng, n_columns=5, n_runs=4, n_domains=8):
    """Scores and changes that each have strong domain effects and nothing to do with each other."""
    y = rng.normal(size=n_domains) + 0.5 * rng.normal(size=(n_runs, n_domains))
    names = [f"column {i}" for i in range(n_columns)]
    return {name: rng.normal(size=n_domains) + 0.5 * rng.normal(size=y.shape) for name in names}, y


def exact_p(columns, y):
    """Share of all orders of the domains in which the largest |r| reaches each column's own."""
    orders = list(itertools.permutations(range(y.shape[1])))
    size = {name: [abs(pooled_r(x, y[:, order])) for order in orders] for name, x in columns.items()}
    largest = np.max(list(size.values()), axis=0)
    return {name: np.mean(largest >= own[0] - 1e-9) for name, own in size.items()}


@pytest.mark.parametrize("n_columns", [1, 3])
def test_p_is_that_of_all_orders_of_few_domains(n_columns):
    columns, y = made_columns(np.random.default_rng(2), n_columns=n_columns, n_runs=3, n_domains=4)
    n = 4000
    p = max_r_permutation(columns, y, n_resamples=n)
    for name, exact in exact_p(columns, y).items():
        assert p[name] == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / n) + 1 / n)


def test_the_chance_of_any_false_finding_is_the_level():
    rng = np.random.default_rng(3)
    found = sum(
        min(max_r_permutation(*made_columns(rng), n_resamples=99, seed=seed).values()) <= 0.05 for seed in range(400)
    )
    assert stats.binomtest(found, 400, 0.05).pvalue > 0.01


def test_copies_of_one_run_are_not_more_evidence():
    columns, y = made_columns(np.random.default_rng(4), n_runs=1)
    copies = {name: np.repeat(x, 20, axis=0) for name, x in columns.items()}
    assert max_r_permutation(copies, np.repeat(y, 20, axis=0)) == max_r_permutation(columns, y)


def test_the_data_count_as_one_permutation():
    columns, y = made_columns(np.random.default_rng(5), n_runs=6, n_domains=14)
    p = max_r_permutation({**columns, "oracle": -2 * y}, y, n_resamples=499)
    assert p["oracle"] == pytest.approx(1 / 500)


def test_more_columns_never_lower_p():
    columns, y = made_columns(np.random.default_rng(6), n_columns=6)
    together = max_r_permutation(columns, y, n_resamples=300)
    for name, x in columns.items():
        assert together[name] >= max_r_permutation({name: x}, y, n_resamples=300)[name]


def test_a_column_that_repeats_another_costs_nothing():
    columns, y = made_columns(np.random.default_rng(7), n_columns=2)
    repeated = {**columns, "again": 5 - 3 * columns["column 0"]}
    p, alone = max_r_permutation(repeated, y), max_r_permutation(columns, y)
    assert p["again"] == pytest.approx(alone["column 0"])
    assert p["column 1"] == pytest.approx(alone["column 1"])


def test_a_column_without_r_has_no_p_and_takes_no_part():
    columns, y = made_columns(np.random.default_rng(8), n_columns=2)
    p = max_r_permutation({**columns, "constant": np.ones_like(y)}, y)
    assert p.pop("constant") is None
    assert p == max_r_permutation(columns, y)
    assert max_r_permutation({"constant": np.ones_like(y)}, y) == {"constant": None}


def test_a_missing_change_moves_with_its_domain():
    columns, y = made_columns(np.random.default_rng(9), n_columns=2, n_runs=2, n_domains=6)
    columns["column 0"][0, 3] = y[1, 2] = np.nan
    p = max_r_permutation(columns, y, n_resamples=4000)
    for name, exact in exact_p(columns, y).items():
        assert p[name] == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 4000) + 1 / 4000)


def test_no_column_is_a_mistake():
    with pytest.raises(ValueError, match="no predictor"):
        max_r_permutation({}, [[1, 2, 3, 4]])


def ranks_of(names, significant):
    return shared_ranks(names, lambda best, other: 0.01 if f"{best}{other}" in significant else 0.5)


def test_predictors_that_cannot_be_told_apart_share_a_rank():
    assert ranks_of("abcde", {"ad", "ae"}) == {"a": 1, "b": 1, "c": 1, "d": 4, "e": 4}
    assert ranks_of("abc", {"ab", "ac", "bc"}) == {"a": 1, "b": 2, "c": 3}
    assert ranks_of("abc", set()) == {"a": 1, "b": 1, "c": 1}
    assert ranks_of("", set()) == {}


def test_only_the_leader_of_a_group_decides():
    # b and c differ, but neither can be told from the best.
    assert ranks_of("abc", {"bc"}) == {"a": 1, "b": 1, "c": 1}


def test_a_less_certain_difference_further_down_keeps_the_better_rank():
    assert ranks_of("abcd", {"ab", "ad"}) == {"a": 1, "b": 2, "c": 1, "d": 2}


def test_an_undefined_difference_is_not_significant():
    assert shared_ranks(["a", "b"], lambda best, other: None) == {"a": 1, "b": 1}


def test_the_level_of_ranks_can_be_set():
    assert shared_ranks(["a", "b"], lambda best, other: 0.03, alpha=0.01) == {"a": 1, "b": 1}
    assert shared_ranks(["a", "b"], lambda best, other: 0.03) == {"a": 1, "b": 2}


def test_a_predictor_is_ranked_once():
    with pytest.raises(ValueError, match="twice"):
        shared_ranks(["a", "a"], lambda best, other: 1.0)
