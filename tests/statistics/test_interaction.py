"""Many predictors set by domain: against literal loops that centre every resample again."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.formula.api import ols

from sts_eval.statistics.interaction import SetByDomainTable, double_centred, subtract
from sts_eval.statistics.resampling import Units, resamples


def made(seed=0, n_models=3, n_sets=5, n_domains=9):
    rng = np.random.default_rng(seed)
    shape = (n_models * n_sets, n_domains)
    y = rng.normal(size=n_domains) + rng.normal(size=(shape[0], 1)) + rng.normal(size=shape)
    columns = {
        "good": y + rng.normal(size=shape),
        "weak": y + 4 * rng.normal(size=shape),
        "none": rng.normal(size=shape),
    }
    return columns, y, np.repeat(np.arange(n_models), n_sets)


def units_of(groups):
    """The rows of each model are on sets 0, 1, 2, …"""
    place = np.array([(groups[:row] == group).sum() for row, group in enumerate(groups)])
    return Units.of(groups, place)


def table_of(y, groups, **settings):
    return SetByDomainTable(y, units_of(groups), **settings)


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


def r_of_residuals(tables):
    """Pearson's r over all models, from (x, y) of each, scores at unit variance within each model."""
    left_x, left_y = [], []
    for x, y in tables:
        residual = double_centred(x)
        spread = np.sqrt(np.nanmean(residual**2))
        left_x.append(residual / spread if spread > 1e-9 else 0 * residual)  # one set drawn five times has no residual
        left_y.append(double_centred(y))
    x, y = (np.concatenate([part.ravel() for part in parts]) for parts in (left_x, left_y))
    known = np.isfinite(x + y)
    return (x[known] @ y[known]) / np.sqrt((x[known] @ x[known]) * (y[known] @ y[known]))


@pytest.mark.parametrize("holes", [False, True])
def test_figures_are_those_of_centring_every_resample_again(holes):
    columns, y, groups = made()
    if holes:
        y[np.arange(len(y)), np.arange(len(y)) % 5] = np.nan
    n_rows, n_domains = y.shape
    models = [np.flatnonzero(groups == model) for model in range(3)]
    found = table_of(y, groups, n_resamples=300, seed=3).correlate(columns)
    drawn = resamples(units_of(groups), n_domains, 300, seed=3)
    times = drawn.sets.astype(int), drawn.domains.astype(int), drawn.models.astype(int)
    for name, score in columns.items():
        x = np.where(np.isnan(y), np.nan, score)
        assert found[name].r == pytest.approx(r_of_residuals([(x[rows], y[rows]) for rows in models]), abs=1e-9)
        resampled = [
            r_of_residuals(
                [
                    tuple(np.repeat(np.repeat(part[rows], of_set[rows], 0), of_domain, 1) for part in (x, y))
                    for rows in models
                    for _ in range(of_model[rows[0]])
                ]
            )
            for of_set, of_domain, of_model in zip(*times, strict=True)
        ]
        low, high = np.quantile(resampled, [0.025, 0.975])
        assert found[name].interval.low == pytest.approx(low, abs=1e-6)
        assert found[name].interval.high == pytest.approx(high, abs=1e-6)
        assert (found[name].n_rows, found[name].n_points) == (n_rows, np.isfinite(y).sum())


def test_r_and_spearman_are_those_of_least_squares_residuals():
    columns, y, _ = made(n_models=1)
    left = [two_way_residual(values).ravel() for values in (columns["weak"], y)]
    found = table_of(y, np.zeros(len(y), dtype=int)).correlate(columns)["weak"]
    assert found.r == pytest.approx(stats.pearsonr(*left).statistic)
    assert found.spearman == pytest.approx(stats.spearmanr(*left).statistic)


def test_effects_of_sets_and_domains_do_not_count():
    columns, y, groups = made(n_models=1)
    before = table_of(y, groups).correlate(columns)["weak"]
    moved = {"weak": columns["weak"] + 9 * np.arange(len(y))[:, None]}
    after = table_of(y - 5 * np.arange(y.shape[1]), groups).correlate(moved)["weak"]
    assert after.r == pytest.approx(before.r)
    assert after.interval.low == pytest.approx(before.interval.low)


def test_the_unit_of_a_models_scores_does_not_matter():
    columns, y, groups = made()
    rescaled = {"good": columns["good"] * np.array([1, 1e4, 1e-4])[groups][:, None]}
    table = table_of(y, groups)
    assert table.correlate(rescaled)["good"].r == pytest.approx(table.correlate(columns)["good"].r)


def test_a_model_with_two_sets_does_not_enter():
    columns, y, groups = made(n_models=2)
    groups[5:] = [1, 1, 2, 2, 3]
    found = table_of(y, groups).correlate(columns)["good"]
    alone = table_of(y[:5], groups[:5]).correlate({"good": columns["good"][:5]})["good"]
    assert found.n_rows == 5
    assert found.r == pytest.approx(alone.r)


def test_a_predictor_of_domains_and_of_sets_knows_nothing_of_set_by_domain():
    _, y, groups = made()
    additive = np.arange(9.0) + np.arange(15.0)[:, None]
    found = table_of(y, groups).correlate({"additive": additive})["additive"]
    assert found.r is None
    assert "nothing left" in found.reason


def test_two_sets_are_too_few():
    columns, y, _ = made(n_models=1, n_sets=2)
    table = table_of(y, np.zeros(2, dtype=int))
    nothing = table.correlate(columns)["good"]
    assert nothing.r is None
    assert "3 training sets" in nothing.reason
    assert table.ceiling(np.ones(y.shape)).r is None
    assert table.family_p(columns) == dict.fromkeys(columns)


def test_the_difference_is_taken_over_the_cells_that_both_have():
    columns, y, groups = made()
    table = table_of(y, groups, n_resamples=300)
    found = table.correlate(columns)
    whole = subtract(found["good"], found["weak"], 0.95)
    assert whole.difference == pytest.approx(found["good"].r - found["weak"].r)
    assert subtract(found["good"], found["none"], 0.95).interval.low > 0
    again = table.difference(columns["good"], columns["weak"])
    assert (again.interval.low, again.interval.high) == pytest.approx((whole.interval.low, whole.interval.high))
    lacking = columns["weak"].copy()
    lacking[0, :4] = np.nan
    common = table.difference(columns["good"], lacking)
    both = table.correlate({"a": np.where(np.isnan(lacking), np.nan, columns["good"]), "b": lacking})
    assert common.difference == pytest.approx(both["a"].r - both["b"].r)
    assert common.n_points == y.size - 4
    assert not table.same_cells(columns["good"], lacking)


def test_family_p_is_that_of_a_literal_loop():
    columns, y, groups = made(n_models=2, n_sets=3, n_domains=6)
    table = table_of(y, groups, n_resamples=200, seed=1)

    def centred(values):
        parts = [values[groups == group] for group in (0, 1)]
        left = [p - p.mean(0) - p.mean(1, keepdims=True) + p.mean() for p in parts]
        return left

    rng = np.random.default_rng(1)
    orders = np.argsort(rng.random((200, 6)), axis=1)
    y_left = np.vstack(centred(y)).ravel().reshape(y.shape)
    x_left = {name: np.vstack([part / part.std() for part in centred(x)]) for name, x in columns.items()}
    r = lambda x, moved: abs(np.corrcoef(x.ravel(), moved.ravel())[0, 1])  # noqa: E731 - one line of a loop
    largest = [max(r(x, y_left[:, order]) for x in x_left.values()) for order in orders]
    for name, p in table.family_p(columns).items():
        own = r(x_left[name], y_left)
        assert p == pytest.approx((1 + sum(value >= own - 1e-9 for value in largest)) / 201)


def test_the_family_p_holds_its_level():
    rejected = 0
    for seed in range(200):
        _, y, groups = made(seed=seed, n_models=2, n_sets=3, n_domains=7)
        rng = np.random.default_rng(1000 + seed)
        useless = {str(number): rng.normal(size=y.shape) for number in range(5)}
        p = table_of(y, groups, n_resamples=199, seed=seed).family_p(useless)
        rejected += min(p.values()) < 0.05
    assert stats.binomtest(rejected, 200, 0.05, alternative="greater").pvalue > 0.01


def test_the_ceiling_is_the_r_of_the_true_interaction():
    rng = np.random.default_rng(0)
    shape, groups = (3 * 6, 12), np.repeat(np.arange(3), 6)
    ceilings, reached = [], []
    for _ in range(60):
        true = rng.normal(size=12) + rng.normal(size=shape)
        measured = true + 0.8 * rng.normal(size=shape)
        table = table_of(measured, groups, n_resamples=2)
        ceilings.append(table.ceiling(np.full(shape, 0.8**2)).r)
        reached.append(table.correlate({"true": true})["true"].r)
    assert np.mean(ceilings) == pytest.approx(np.mean(reached), abs=0.02)


def test_r_is_that_of_the_residuals_which_are_drawn():
    rng = np.random.default_rng(11)
    x, y = rng.normal(size=(2, 6, 5))
    y[0, 1] = np.nan
    table = SetByDomainTable(y, Units((0, 0, 0, 1, 1, 1), (0, 1, 2, 0, 1, 2)), n_resamples=50)
    scores, changes = table.residuals(x)
    known = np.isfinite(changes)
    assert (known == np.isfinite(y)).all()
    for values in (scores, changes):
        assert np.nanmean(values, axis=1) == pytest.approx(np.zeros(6), abs=1e-9)
    assert np.corrcoef(scores[known], changes[known])[0, 1] == pytest.approx(table.correlate({"x": x})["x"].r, abs=1e-9)
