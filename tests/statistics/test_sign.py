import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from sts_eval.statistics import sign_quality
from sts_eval.statistics.resampling import Units, resamples


def made_runs(seed=0, n_runs=4):
    rng = np.random.default_rng(seed)
    delta = rng.normal(-0.5, 2, size=(n_runs, 14))
    score = np.round(delta + 2 * rng.normal(size=delta.shape), 1)  # rounded, so that there are ties
    return score, delta, rng.uniform(0.2, 1, size=delta.shape)


def clear_points(score, delta, se):
    return [(s, d) for s, d, e in zip(score.ravel(), delta.ravel(), se.ravel(), strict=True) if abs(d) > 1.96 * e]


def auroc_by_pairs(points):
    won = [1.0 if up > down else 0.5 if up == down else 0.0 for up, a in points if a > 0 for down, b in points if b < 0]
    return np.mean(won)


def test_auroc_is_the_share_of_pairs_in_the_right_order():
    runs = made_runs()
    points = clear_points(*runs)
    result = sign_quality(*runs, zero=True)
    assert result.auroc == pytest.approx(auroc_by_pairs(points))
    assert (result.n_up, result.n_down) == (sum(d > 0 for _, d in points), sum(d < 0 for _, d in points))


def test_mcc_is_that_of_the_four_counts():
    runs = made_runs()
    points = clear_points(*runs)
    tp, fn = sum(s > 0 and d > 0 for s, d in points), sum(s <= 0 and d > 0 for s, d in points)
    fp, tn = sum(s > 0 and d < 0 for s, d in points), sum(s <= 0 and d < 0 for s, d in points)
    expected = (tp * tn - fp * fn) / math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))
    assert sign_quality(*runs, zero=True).mcc == pytest.approx(expected)


def test_scores_without_a_zero_are_standardised_within_runs():
    score, delta, se = made_runs()
    standardised = (score - score.mean(axis=1, keepdims=True)) / score.std(axis=1, keepdims=True)
    shifted = score * np.array([1, 5, 1e-3, 1])[:, None] + np.array([0, 100, 3, -7])[:, None]
    result = sign_quality(shifted, delta, se, zero=False)
    assert result.auroc == pytest.approx(auroc_by_pairs(clear_points(standardised, delta, se)))
    assert result.mcc is None
    assert "zero" in result.reason("mcc")


def test_a_run_whose_scores_are_equal_stands_at_its_mean():
    score, delta, se = made_runs()
    constant = score.copy()
    constant[1] = 0.1
    standardised = (constant - constant.mean(axis=1, keepdims=True)) / score.std(axis=1, keepdims=True)
    standardised[1] = 0
    others = constant.std(axis=1, keepdims=True)
    standardised[[0, 2, 3]] = ((constant - constant.mean(axis=1, keepdims=True)) / others)[[0, 2, 3]]
    expected = auroc_by_pairs(clear_points(standardised, delta, se))
    assert sign_quality(constant, delta, se, zero=False).auroc == pytest.approx(expected)


def test_the_interval_repeats_runs_and_domains():
    score, delta, se = made_runs(n_runs=8)
    drawn = resamples(Units.separate(8), 14, 60, seed=5)
    clear = np.abs(delta) > 1.96 * se
    values = [
        roc_auc_score(delta[clear] > 0, score[clear], sample_weight=np.outer(rows, columns)[clear])
        for rows, columns in zip(drawn.runs, drawn.domains, strict=True)
    ]
    interval = sign_quality(score, delta, se, zero=True, n_resamples=60, seed=5, level=0.8).interval
    assert (interval.low, interval.high) == pytest.approx(tuple(np.quantile(values, [0.1, 0.9])))


def test_only_changes_beyond_their_noise_count():
    delta = np.array([[3.0, -3, 1.9, -1.9, 1.97, -1.97]])
    score = np.array([[1.0, -1, -9, 9, 1, -1]])
    result = sign_quality(score, delta, np.ones_like(delta), zero=True)
    assert (result.n_up, result.n_down) == (2, 2)
    assert (result.auroc, result.mcc) == pytest.approx((1, 1))


def test_cells_without_a_score_a_change_or_an_error_do_not_count():
    score, delta, se = made_runs()
    missing = [part.copy() for part in (score, delta, se)]
    for part, cell in zip(missing, [(0, 0), (1, 3), (2, 5)], strict=True):
        part[cell] = np.nan
    result = sign_quality(*missing, zero=True)
    points = clear_points(*missing)
    kept = [(s, d) for s, d in points if not math.isnan(s)]
    assert result.n_up + result.n_down == len(kept)
    assert result.auroc == pytest.approx(auroc_by_pairs(kept))


def test_always_down_earns_nothing():
    _, delta, se = made_runs()
    result = sign_quality(np.full_like(delta, -1.0), delta, se, zero=True)
    assert result.auroc == pytest.approx(0.5)
    assert result.mcc is None
    assert "one sign" in result.reason("mcc")


@pytest.mark.parametrize(("sign", "reason"), [(1, "loses"), (-1, "gains")])
def test_one_class_alone_is_undefined(sign, reason):
    score, delta, se = made_runs()
    result = sign_quality(score, sign * np.abs(delta), se, zero=True)
    assert (result.auroc, result.mcc, result.interval) == (None, None, None)
    assert min(result.n_up, result.n_down) == 0 < max(result.n_up, result.n_down)
    assert reason in result.reason("auroc")


def test_one_gaining_domain_has_no_interval():
    delta = np.full((3, 14), -5.0)
    delta[:, 4] = 5
    result = sign_quality(delta + np.arange(14), delta, np.ones_like(delta), zero=True)
    assert result.auroc is not None
    assert result.interval is None
    assert "resamples" in result.reason("interval")


def test_a_negative_error_is_a_mistake():
    score, delta, se = made_runs()
    with pytest.raises(ValueError, match="negative"):
        sign_quality(score, delta, -se, zero=True)
