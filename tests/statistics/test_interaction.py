"""Many predictors set by domain: against the one-at-a-time figure, whose centring is done again in every resample."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS

from sts_eval.statistics import set_by_domain_correlation
from sts_eval.statistics.interaction import SetByDomainTable, subtract


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


@pytest.mark.parametrize("holes", [False, True])
def test_figures_are_those_of_centring_every_resample_again(holes):
    columns, y, groups = made()
    mask = np.zeros(y.shape, dtype=bool)
    if holes:
        mask[np.arange(len(y)), np.arange(len(y)) % 5] = True
    table = SetByDomainTable(np.where(mask, np.nan, y), groups, n_resamples=300, seed=3)
    found = table.correlate(columns)
    for name, x in columns.items():
        slow = set_by_domain_correlation(x, y, groups=groups, mask=mask, n_resamples=300, seed=3)
        assert found[name].r == pytest.approx(slow.r, abs=1e-9)
        assert found[name].interval.low == pytest.approx(slow.interval.low, abs=1e-6)
        assert found[name].interval.high == pytest.approx(slow.interval.high, abs=1e-6)
        assert (found[name].n_rows, found[name].n_points) == (slow.n_rows, slow.n_points)


def test_r_and_spearman_are_those_of_least_squares_residuals():
    columns, y, _ = made(n_models=1)
    row, column = (np.indices(y.shape)[axis].ravel() for axis in (0, 1))
    dummies = np.hstack([row[:, None] == np.arange(y.shape[0]), column[:, None] == np.arange(1, y.shape[1])]).astype(
        float
    )
    left = [OLS(values.ravel(), dummies).fit().resid for values in (columns["weak"], y)]
    found = SetByDomainTable(y, np.zeros(len(y), dtype=int)).correlate(columns)["weak"]
    assert found.r == pytest.approx(stats.pearsonr(*left).statistic)
    assert found.spearman == pytest.approx(stats.spearmanr(*left).statistic)


def test_a_predictor_of_domains_and_of_sets_knows_nothing_of_set_by_domain():
    _, y, groups = made()
    additive = np.arange(9.0) + np.arange(15.0)[:, None]
    found = SetByDomainTable(y, groups).correlate({"additive": additive})["additive"]
    assert found.r is None
    assert "nothing left" in found.reason


def test_two_sets_are_too_few():
    columns, y, _ = made(n_models=1, n_sets=2)
    table = SetByDomainTable(y, np.zeros(2, dtype=int))
    assert table.correlate(columns)["good"].r is None
    assert table.ceiling(np.ones(y.shape)) is None
    assert table.family_p(columns) == dict.fromkeys(columns)


def test_the_difference_is_taken_over_the_cells_that_both_have():
    columns, y, groups = made()
    table = SetByDomainTable(y, groups, n_resamples=300)
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
    table = SetByDomainTable(y, groups, n_resamples=200, seed=1)

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
        p = SetByDomainTable(y, groups, n_resamples=199, seed=seed).family_p(useless)
        rejected += min(p.values()) < 0.05
    assert stats.binomtest(rejected, 200, 0.05, alternative="greater").pvalue > 0.01


def test_the_ceiling_is_the_r_of_the_true_interaction():
    rng = np.random.default_rng(0)
    shape, groups = (3 * 6, 12), np.repeat(np.arange(3), 6)
    ceilings, reached = [], []
    for _ in range(60):
        true = rng.normal(size=12) + rng.normal(size=shape)
        measured = true + 0.8 * rng.normal(size=shape)
        table = SetByDomainTable(measured, groups, n_resamples=2)
        ceilings.append(table.ceiling(np.full(shape, 0.8)))
        reached.append(table.correlate({"true": true})["true"].r)
    assert np.mean(ceilings) == pytest.approx(np.mean(reached), abs=0.02)
