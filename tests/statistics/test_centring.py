import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols

from sts_eval.statistics import double_centred, set_by_domain_correlation
from sts_eval.statistics.resampling import draws


def made_tables(seed=0, n_rows=6, n_models=1):
    """Scores and changes that share set effects, domain effects and an interaction."""
    rng = np.random.default_rng(seed)
    shape = (n_rows * n_models, 14)
    interaction = rng.normal(size=shape)
    tables = [
        interaction + rng.normal(size=shape) + 4 * rng.normal(size=(shape[0], 1)) + 4 * rng.normal(size=14)
        for _ in range(2)
    ]
    return *tables, np.repeat(np.arange(n_models), n_rows)


def two_way_residual(table):
    """Least-squares residuals of row + column by dummies."""
    rows, columns = np.nonzero(np.isfinite(table))
    fit = ols("y ~ C(row) + C(column)", pd.DataFrame({"y": table[rows, columns], "row": rows, "column": columns})).fit()
    residual = np.full(table.shape, np.nan)
    residual[rows, columns] = fit.resid
    return residual


def test_a_complete_table_by_hand():
    # Means of rows 2, 4, of columns 1, 4, 4, of all 3: residual 0 - 2 - 1 + 3 = 0, and so on.
    table = np.array([[0.0, 3, 3], [2, 5, 5]])
    assert double_centred(table) == pytest.approx(np.zeros((2, 3)))
    table[0, 0] += 6
    assert double_centred(table) == pytest.approx(np.array([[2, -1, -1], [-2, 1, 1]]))


@pytest.mark.parametrize("missing", [0, 1, 20, 40])
def test_residuals_are_those_of_a_two_way_analysis_of_variance(missing):
    rng = np.random.default_rng(missing)
    table = rng.normal(size=(6, 14)) + 10 * rng.normal(size=14) - 30
    table.ravel()[rng.choice(table.size, missing, replace=False)] = np.nan
    np.testing.assert_allclose(double_centred(table), two_way_residual(table), atol=1e-7)


def test_leading_axes_are_separate_tables():
    tables = np.random.default_rng(1).normal(size=(3, 5, 7))
    tables[1, 2, 3] = np.nan
    each = np.stack([double_centred(table) for table in tables])
    np.testing.assert_allclose(double_centred(tables), each, atol=1e-9)


def test_rows_and_columns_without_values_stay_missing():
    table = np.random.default_rng(2).normal(size=(5, 6))
    table[1], table[:, 4] = np.nan, np.nan
    kept = np.ix_([0, 2, 3, 4], [0, 1, 2, 3, 5])
    residual = double_centred(table)
    np.testing.assert_allclose(residual[kept], double_centred(table[kept]), atol=1e-9)
    assert np.isnan(residual).sum() == 30 - 20


def test_one_row_of_numbers_is_no_table():
    with pytest.raises(ValueError, match="rows and columns"):
        double_centred([1, 2, 3])


def test_r_is_that_of_the_interactions():
    x, y, _ = made_tables()
    result = set_by_domain_correlation(x, y)
    assert result.r == pytest.approx(np.corrcoef(two_way_residual(x).ravel(), two_way_residual(y).ravel())[0, 1])
    assert (result.n_models, result.n_rows, result.n_points) == (1, 6, 84)


def test_effects_of_sets_and_domains_do_not_count():
    x, y, _ = made_tables()
    before = set_by_domain_correlation(x, y)
    after = set_by_domain_correlation(x + 9 * np.arange(6)[:, None], y - 5 * np.arange(14))
    assert after.r == pytest.approx(before.r)
    assert after.interval.low == pytest.approx(before.interval.low)


def test_a_score_that_knows_only_sets_and_domains_has_no_r():
    _, y, _ = made_tables()
    x = np.arange(6)[:, None] / 3 + np.arange(14) ** 2 / 7
    result = set_by_domain_correlation(x, y)
    assert (result.r, result.interval) == (None, None)
    assert "nothing left" in result.reason("r")


def test_models_are_centred_apart_and_their_scores_brought_to_one_unit():
    x, y, models = made_tables(n_models=3)
    left_x, left_y = (np.concatenate([two_way_residual(part[models == m]) for m in range(3)]) for part in (x, y))
    for m in range(3):
        left_x[models == m] /= left_x[models == m].std()
    expected = np.corrcoef(left_x.ravel(), left_y.ravel())[0, 1]
    assert set_by_domain_correlation(x, y, groups=models).r == pytest.approx(expected)
    rescaled = x * np.array([1, 1e4, 1e-4])[models][:, None]
    assert set_by_domain_correlation(rescaled, y, groups=models).r == pytest.approx(expected)


def test_masked_cells_are_left_out_before_centring():
    x, y, _ = made_tables()
    mask = np.eye(6, 14, dtype=bool)
    disturbed = y + 1000 * mask
    without = [np.where(mask, np.nan, part) for part in (x, y)]
    expected = np.corrcoef(*(two_way_residual(part)[~mask] for part in without))[0, 1]
    result = set_by_domain_correlation(x, disturbed, mask=mask)
    assert result.r == pytest.approx(expected)
    assert result.n_points == 84 - 6


def test_a_cell_missing_in_one_is_missing_in_both():
    x, y, _ = made_tables()
    x[0, 3] = y[2, 5] = np.nan
    both = np.isnan(x + y)
    assert set_by_domain_correlation(x, y) == set_by_domain_correlation(*(np.where(both, np.nan, p) for p in (x, y)))


def test_every_resample_is_centred_again():
    x, y, models = made_tables(n_models=2)
    rng = np.random.default_rng(8)
    domains = draws(14, 40, rng)
    rows = [draws(6, 40, rng) + 6 * m for m in range(2)]
    values = [
        set_by_domain_correlation(*(part[np.r_[a, b]][:, d] for part in (x, y)), groups=models, n_resamples=1).r
        for a, b, d in zip(*rows, domains, strict=True)
    ]
    interval = set_by_domain_correlation(x, y, groups=models, n_resamples=40, seed=8, level=0.8).interval
    assert (interval.low, interval.high) == pytest.approx(tuple(np.quantile(values, [0.1, 0.9])))


def test_a_model_with_two_sets_does_not_enter():
    x, y, models = made_tables(n_models=2)
    models[6:10] = [2, 2, 3, 3]
    models[10:] = 4
    result = set_by_domain_correlation(x, y, groups=models)
    assert (result.n_models, result.n_rows) == (1, 6)
    assert result.r == pytest.approx(set_by_domain_correlation(x[:6], y[:6]).r)
    nothing = set_by_domain_correlation(x[:2], y[:2])
    assert (nothing.r, nothing.n_models) == (None, 0)
    assert "3 training sets" in nothing.reason("r")


def test_shapes_must_agree():
    x, y, _ = made_tables()
    with pytest.raises(ValueError, match="mask"):
        set_by_domain_correlation(x, y, mask=[True])
    with pytest.raises(ValueError, match="group"):
        set_by_domain_correlation(x, y, groups=[1, 2])
