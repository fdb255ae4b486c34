"""Matrices of a known rank are found again, and no run has a part in its own history."""

import numpy as np
import pytest

from sts_eval.statistics import complete, completed_history


def test_rank_one_by_hand():
    """(1, 3) × (1, 2): the missing cell is 3 · 2, where rows and columns that add up would give 4."""
    found = complete([[1.0, 2.0], [3.0, np.nan]], 1)
    assert found[1, 1] == pytest.approx(6, rel=1e-6)
    assert found.ravel()[:3].tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_a_block_of_a_matrix_of_that_rank_is_found_again(rank):
    random = np.random.default_rng(rank)
    whole = random.normal(size=(6, rank)) @ random.normal(size=(rank, 30))
    given = whole.copy()
    given[2, :10] = np.nan
    given[4, 17] = np.nan
    np.testing.assert_allclose(complete(given, rank), whole, atol=1e-5)


def test_the_fit_to_known_cells_is_a_stationary_point():
    """With noise: known cells stay, and the missing are those of the best approximation of the filled matrix."""
    given = np.random.default_rng(0).normal(size=(5, 12))
    given[1, 3:7] = np.nan
    filled = complete(given, 2)
    left, values, right = np.linalg.svd(filled)
    fitted = (left[:, :2] * values[:2]) @ right[:2]
    missing = np.isnan(given)
    np.testing.assert_allclose(filled[missing], fitted[missing], atol=1e-6)
    np.testing.assert_array_equal(filled[~missing], given[~missing])


def test_rows_and_columns_of_which_nothing_is_known_stay_missing():
    nan = np.nan
    found = complete([[1.0, 2.0, nan], [2.0, 4.0, nan], [nan, nan, nan]], 1)
    np.testing.assert_array_equal(found, [[1.0, 2.0, nan], [2.0, 4.0, nan], [nan, nan, nan]])
    assert np.isnan(complete([[nan]], 1)).all()


@pytest.mark.parametrize(("matrix", "rank"), [([1.0, 2.0], 1), ([[1.0]], 0)])
def test_what_is_refused(matrix, rank):
    with pytest.raises(ValueError, match="needs a matrix and a rank"):
        complete(matrix, rank)


def runs():
    """Three models, three sets and two domains; a model's gain times what a set does to a domain."""
    gain, pattern = np.array([1.0, 2.0, -1.0]), np.array([[1.0, 3.0], [2.0, -1.0], [0.5, 4.0]])
    model_of, set_of = (own.ravel() for own in np.meshgrid(range(3), range(3)))
    return gain[model_of, None] * pattern[set_of], model_of, set_of


def test_a_model_that_changes_half_as_much_by_hand():
    """Model 1 changed half as much as model 0 on the first set, so on the second (6, −4) is halved too."""
    outcome, labels = np.array([[2.0, 8.0], [1.0, 4.0], [6.0, -4.0], [0.0, 0.0]]), ([0, 1, 0, 1], [0, 0, 1, 1])
    found = completed_history(outcome, *map(np.array, labels), 1)
    np.testing.assert_allclose(found[3], [3.0, -2.0], atol=1e-5)


def test_a_rank_that_any_values_fit_says_nothing():
    assert np.isnan(completed_history(*runs(), 3)).all()
    assert np.isfinite(completed_history(*runs(), 2)).all()


def test_a_run_is_completed_from_others_at_the_rank_that_made_them():
    outcome, model_of, set_of = runs()
    np.testing.assert_allclose(completed_history(outcome, model_of, set_of, 1), outcome, atol=1e-5)


def test_no_run_has_a_part_in_its_own_history_nor_another_of_the_same_model_on_the_same_set():
    outcome, model_of, set_of = runs()
    twice = np.concatenate([outcome, outcome[:1]])  # another SAE, say
    labels = [np.append(own, own[0]) for own in (model_of, set_of)]
    before = completed_history(twice, *labels, 1)
    twice[[0, -1]] = 100.0
    after = completed_history(twice, *labels, 1)
    np.testing.assert_array_equal(after[[0, -1]], before[[0, -1]])
    np.testing.assert_allclose(before[0], outcome[0], atol=1e-5)
    assert not np.allclose(after[1], before[1])


def test_a_run_whose_model_or_set_is_in_no_other_has_no_history():
    outcome, model_of, set_of = runs()
    alone = (model_of == 0) & (set_of > 0)  # leaves model 0 with the first set only
    found = completed_history(outcome[~alone], model_of[~alone], set_of[~alone], 1)
    assert np.isnan(found[0]).all()
    np.testing.assert_allclose(found[1:], outcome[~alone][1:], atol=1e-5)
    assert np.isnan(completed_history(outcome[:1], model_of[:1], set_of[:1], 1)).all()
