import numpy as np
import pytest
from helpers.study import labelled_study
from scipy.optimize import minimize
from scipy.stats import mannwhitneyu, multivariate_normal
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from sts_eval.predictors.labels import h_score, logme, probe_auc
from sts_eval.predictors.registry import select


def drawn(n, d, signal, seed=0):
    """Features that tell the label along one dimension, as far as the signal goes."""
    random = np.random.default_rng(seed)
    right = random.permutation(np.arange(n) < n // 3)
    features = random.normal(size=(n, d)) * np.linspace(1, 3, d) + 5
    features[:, 0] += signal * right
    return features, right


def literal_h_score(features, right):
    """tr(Σ⁻¹ Σ_between) with both matrices written out."""
    covariance = LedoitWolf().fit(features).covariance_
    conditional = np.array([features[right == label].mean(axis=0) for label in right])
    return np.trace(np.linalg.inv(covariance) @ np.cov(conditional, rowvar=False, bias=True))


def literal_logme(features, right):
    """The density of the labels, maximised over both precisions by a search that knows no linear algebra."""
    standard = (features - features.mean(axis=0)) / features.std(axis=0)
    n = len(right)

    def negative(logs, column):
        signal, noise = np.exp(logs)
        covariance = noise * np.eye(n) + signal * standard @ standard.T
        return -multivariate_normal.logpdf(column, np.zeros(n), covariance)

    found = []
    for column in (right.astype(float), 1 - right.astype(float)):
        starts = [(a, b) for a in (-12.0, -6.0, -2.0) for b in (-6.0, -1.0)]
        options = {"xatol": 1e-6, "fatol": 1e-10, "maxiter": 2000}
        best = min(minimize(negative, s, (column,), "Nelder-Mead", options=options).fun for s in starts)
        found.append(-best / n)
    return np.mean(found)


SHAPES = pytest.mark.parametrize(
    ("n", "d", "signal"),
    [(40, 5, 3.0), (40, 5, 0.0), (24, 60, 20.0), (24, 60, 0.0)],
    ids=["signal", "noise", "signal in many dimensions", "noise in many dimensions"],
)


@SHAPES
def test_h_score_is_the_trace_of_explicit_matrices(n, d, signal):
    features, right = drawn(n, d, signal)
    expected = literal_h_score(features, right)
    assert h_score(labelled_study({"x": (features, right)})) == {"x": pytest.approx(expected, rel=1e-9)}


def test_h_score_without_shrinkage_by_hand():
    # ±1 has one square for all, so nothing is shrunk. Class means 1/2 and −1/2 around 0, variance 1.
    features, right = np.array([[1.0], [1.0], [1.0], [-1.0], [-1.0], [-1.0], [1.0], [-1.0]]), [True] * 3 + [False] * 3
    assert h_score(labelled_study({"x": (features, [*right, False, True])})) == {"x": pytest.approx(0.25)}


@SHAPES
def test_logme_is_the_largest_evidence(n, d, signal):
    features, right = drawn(n, d, signal)
    expected = literal_logme(features, right)
    assert logme(labelled_study({"x": (features, right)})) == {"x": pytest.approx(expected, abs=1e-6)}


def test_logme_of_a_useless_feature_is_that_of_noise_by_hand():
    # y is (1, 0, 1, 0) and orthogonal to the feature but for its mean; so the best w is none, and 1/b = mean y² = ½.
    study = labelled_study({"x": (np.array([[1.0], [1.0], [-1.0], [-1.0]]), [True, False, True, False])})
    assert logme(study) == {"x": pytest.approx(-(np.log(2 * np.pi * 0.5) + 1) / 2, abs=1e-6)}


def test_logme_does_not_know_the_unit_of_a_dimension():
    features, right = drawn(30, 8, 2.0)
    other = features * np.logspace(-3, 3, 8) - 7
    found = logme(labelled_study({"x": (features, right), "y": (other, right)}))
    assert found["y"] == pytest.approx(found["x"], rel=1e-9)


def test_probe_auc_is_the_rank_sum_of_folds_written_out():
    features, right = drawn(40, 6, 1.5)
    decisions = np.empty(40)
    for train, test in StratifiedKFold(4, shuffle=True, random_state=5).split(features, right):
        mean, sd = features[train].mean(axis=0), features[train].std(axis=0)
        fit = LogisticRegression(max_iter=1000).fit((features[train] - mean) / sd, right[train])
        decisions[test] = ((features[test] - mean) / sd) @ fit.coef_[0] + fit.intercept_[0]
    statistic = mannwhitneyu(decisions[right], decisions[~right]).statistic
    expected = statistic / (right.sum() * (~right).sum())
    assert probe_auc(labelled_study({"x": (features, right)}, seed=5)) == {"x": pytest.approx(expected)}


def test_probe_auc_of_what_can_be_told_and_what_cannot():
    clear, noise = drawn(60, 6, 50.0), drawn(60, 6, 0.0)
    found = probe_auc(labelled_study({"clear": clear, "noise": noise}))
    assert found["clear"] == 1.0
    assert 0.25 < found["noise"] < 0.75  # three standard errors of a rank sum of 20 and 40


def test_a_domain_with_one_label_has_no_score():
    features, right = drawn(12, 3, 1.0)
    study = labelled_study(
        {"all": (features, [True] * 12), "both": (features, right), "none": (features, [False] * 12)}
    )
    for column in select(["labels"]):
        assert set(column(study)) == {"both"}


def test_the_probe_needs_four_of_each_label():
    features, _ = drawn(12, 3, 1.0)
    study = labelled_study(
        {"three": (features, [True] * 3 + [False] * 9), "four": (features, [True] * 8 + [False] * 4)}
    )
    assert set(probe_auc(study)) == {"four"}
    assert set(h_score(study)) == set(logme(study)) == {"three", "four"}


def test_residuals_without_spread_have_no_score():
    study = labelled_study({"x": (np.ones((4, 2)), [True, True, False, False])})
    assert h_score(study) == logme(study) == {}


@pytest.mark.parametrize("column", [h_score, logme], ids=lambda column: column.name)
def test_order_of_questions_and_naming_of_labels_do_not_matter(column):
    features, right = drawn(24, 40, 3.0)
    order = np.random.default_rng(1).permutation(24)
    domains = {"x": (features, right), "y": (features[order], right[order]), "z": (features, ~right)}
    found = column(labelled_study(domains))
    assert list(found) == ["x", "y", "z"]
    assert found["y"] == pytest.approx(found["x"], rel=1e-9)
    assert found["z"] == pytest.approx(found["x"], rel=1e-9)


@pytest.mark.parametrize("column", select(["labels"]), ids=lambda column: column.name)
def test_a_domains_score_does_not_depend_on_the_others(column):
    domains = {name: drawn(24, 6, 2.0, seed) for seed, name in enumerate("xyz")}
    together = column(labelled_study(domains))
    for name, domain in domains.items():
        assert column(labelled_study({name: domain})) == {name: together[name]}
