import math

import numpy as np
import pytest
from helpers.study import active_study, moments
from scipy.linalg import sqrtm

from sts_eval.predictors import representation
from sts_eval.predictors.registry import select
from sts_eval.predictors.representation import (
    covariance_alignment,
    frechet,
    mmd,
    residual_cosine,
    residual_cosine_centred,
    subspace_overlap,
)


def samples(d, sizes=(7, 9, 8)):
    random = np.random.default_rng(0)
    return [random.normal(size=(n, d)) @ random.normal(size=(d, d)) + random.normal(size=d) for n in sizes]


def study_of(training, *domains, seed=0):
    named = zip("xyz", domains, strict=False)
    return active_study(moments(training), {name: moments(sample) for name, sample in named}, seed=seed)


def literal_mmd2(domain, training, bandwidth):
    """Unbiased MMD², pair by pair."""

    def kernel(a, b):
        return math.exp(-sum((p - q) ** 2 for p, q in zip(a, b, strict=True)) / (2 * bandwidth**2))

    def within(sample):
        pairs = [(a, b) for a in range(len(sample)) for b in range(len(sample)) if a != b]
        return sum(kernel(sample[a], sample[b]) for a, b in pairs) / len(pairs)

    across = sum(kernel(a, b) for a in domain for b in training) / (len(domain) * len(training))
    return within(domain) + within(training) - 2 * across


def full_frechet(a, b):
    """The textbook formula with the matrix root of all dimensions."""
    c, d = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    return np.square(a.mean(axis=0) - b.mean(axis=0)).sum() + np.trace(c + d - 2 * sqrtm(c @ d).real)


def test_cosines_of_means_by_hand():
    study = study_of([[1.0, 0.0], [3.0, 0.0]], [[3.0, 4.0]], [[-1.0, 0.0]], [[1.0, 1.0], [-1.0, -1.0]])
    assert residual_cosine(study) == {"x": pytest.approx(0.6), "y": pytest.approx(-1.0)}  # z has a mean of zero


def test_centred_cosine_by_hand():
    # The mean over domains is (2, 2), whatever the number of tokens; T − μ0 = (0, 3).
    study = study_of([[2.0, 5.0]], [[4.0, 4.0]], [[0.0, 0.0], [0.0, 0.0]])
    half = 1 / math.sqrt(2)
    assert residual_cosine_centred(study) == {"x": pytest.approx(half), "y": pytest.approx(-half)}


def test_one_domain_alone_has_no_centred_cosine():
    assert residual_cosine_centred(study_of([[2.0, 5.0]], [[4.0, 4.0]])) == {}


@pytest.mark.parametrize("d", [3, 40], ids=["more tokens than dimensions", "fewer"])
def test_covariance_alignment_is_that_of_explicit_matrices(d):
    training, *domains = samples(d)
    target = np.cov(training, rowvar=False)
    for name, sample in zip("xy", domains, strict=True):
        own = np.cov(sample, rowvar=False)
        expected = np.trace(own @ target) / (np.linalg.norm(own) * np.linalg.norm(target))
        assert covariance_alignment(study_of(training, *domains))[name] == pytest.approx(expected, rel=1e-10)


def test_covariances_along_one_line_and_across_by_hand():
    along, across, point = [[0.0, 5.0], [9.0, 5.0]], [[1.0, 0.0], [1.0, 2.0]], [[1.0, 0.0]]
    found = covariance_alignment(study_of([[1.0, 0.0], [-1.0, 0.0]], along, across, point))
    assert found == {"x": pytest.approx(1.0), "y": pytest.approx(0.0)}


def test_mmd_is_the_double_loop():
    training, *domains = samples(4)
    pooled = np.concatenate([training, *domains])
    distances = [math.dist(pooled[a], pooled[b]) for a in range(len(pooled)) for b in range(a)]
    bandwidth = float(np.median(distances))
    expected = [-literal_mmd2(domain, training, bandwidth) for domain in domains]
    assert mmd(study_of(training, *domains)) == {
        "x": pytest.approx(expected[0], rel=1e-10),
        "y": pytest.approx(expected[1], rel=1e-10),
    }


def test_mmd_of_four_tokens_by_hand():
    # The unit square: distances 1, 1, 1, 1, √2, √2, whose median is 1.
    across_near, across_far, within = math.exp(-1 / 2), math.exp(-1), math.exp(-1 / 2)
    found = mmd(study_of([[0.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 1.0]]))
    assert found == {"x": pytest.approx((across_near + across_far) - 2 * within, rel=1e-12)}


def test_mmd_needs_two_tokens_and_a_distance():
    pair, point = [[0.0], [1.0]], [[3.0]]
    assert set(mmd(study_of(pair, pair, point))) == {"x"}
    assert mmd(study_of(point, pair)) == {}
    assert mmd(study_of([[1.0], [1.0]], [[1.0], [1.0]])) == {}


def test_the_median_is_of_an_equal_share_of_each_sample(monkeypatch):
    monkeypatch.setattr(representation, "POOLED", 6)
    training, x, y = samples(3, sizes=(6, 4, 2))
    pooled = np.concatenate([training[::2], x[::2], y[::2]])
    distances = [math.dist(pooled[a], pooled[b]) for a in range(len(pooled)) for b in range(a)]
    expected = -literal_mmd2(x, training, float(np.median(distances)))
    assert mmd(study_of(training, x, y))["x"] == pytest.approx(expected, rel=1e-10)


def test_frechet_is_the_full_matrix_formula():
    training, *domains = samples(4, sizes=(30, 20, 25))
    expected = [-full_frechet(domain, training) for domain in domains]
    assert frechet(study_of(training, *domains)) == {
        "x": pytest.approx(expected[0], rel=1e-8),
        "y": pytest.approx(expected[1], rel=1e-8),
    }


def test_frechet_in_one_dimension_by_hand():
    # Means 1 and 5, variances 2 and 8: 16 + (√8 − √2)² = 18.
    assert frechet(study_of([[0.0], [2.0]], [[3.0], [7.0]])) == {"x": pytest.approx(-18.0)}


def test_frechet_finds_the_few_directions_of_a_wide_residual():
    training, *domains = samples(4, sizes=(30, 20, 25))
    directions, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(100, 4)))
    narrow = frechet(study_of(training, *domains))
    wide = frechet(study_of(training @ directions.T, *(domain @ directions.T for domain in domains)))
    assert wide == {name: pytest.approx(value, rel=1e-8) for name, value in narrow.items()}


def test_frechet_of_samples_smaller_than_their_dimensions_is_the_full_formula_in_their_span():
    training, domain = samples(12, sizes=(5, 6))
    # Eleven tokens span at most ten directions around their mean.
    pooled = np.concatenate([training, domain])
    _, _, axes = np.linalg.svd(pooled - pooled.mean(axis=0), full_matrices=False)
    c, d = (np.cov(sample @ axes[:10].T, rowvar=False) for sample in (domain, training))
    # The root of a singular product is ill-conditioned; its trace is the sum of the roots of its eigenvalues.
    root = np.sqrt(np.abs(np.linalg.eigvals(c @ d))).sum()
    means = np.square(domain.mean(axis=0) - training.mean(axis=0)).sum()
    assert frechet(study_of(training, domain))["x"] == pytest.approx(-(means + np.trace(c + d) - 2 * root), rel=1e-5)


def test_a_sample_is_at_no_distance_from_itself():
    training, *_ = samples(4)
    assert frechet(study_of(training, training)) == {"x": pytest.approx(0, abs=1e-9)}


def test_a_single_token_has_no_frechet_distance():
    pair, point = [[0.0], [1.0]], [[3.0]]
    assert set(frechet(study_of(pair, pair, point))) == {"x"}
    assert frechet(study_of(point, pair)) == {}


def spanning(dimensions, *, d=40, n=30, seed=0):
    """Points around a centre of their own that vary in the given dimensions only."""
    random = np.random.default_rng(seed)
    points = np.zeros((n, d))
    points[:, dimensions] = random.normal(size=(n, len(dimensions)))
    return points + random.normal(size=d)


def test_subspaces_by_hand():
    training = spanning(range(8))
    half = spanning([0, 1, 2, 3, 20, 21, 22, 23], seed=1)
    apart = spanning(range(10, 18), seed=2)
    study = study_of(training, training[::-1] * 3, half, apart)
    # Shares 1, 1/2 and 0 of the eight directions; 8/40 is what chance gives.
    assert subspace_overlap(study) == {
        "x": pytest.approx(1),
        "y": pytest.approx((0.5 - 0.2) / 0.8),
        "z": pytest.approx(-0.2 / 0.8),
    }


def test_random_subspaces_overlap_by_nothing_on_average():
    random = np.random.default_rng(0)
    # The overlap tr(PQ)/r of random projections has variance 2 (d − r)² / (d² (d − 1)(d + 2)).
    d, r, draws = 40, 8, 200
    found = [subspace_overlap(study_of(*random.normal(size=(2, 20, d))))["x"] for _ in range(draws)]
    sd = math.sqrt(2 * (d - r) ** 2 / (d**2 * (d - 1) * (d + 2))) / (1 - r / d)
    assert np.mean(found) == pytest.approx(0, abs=4 * sd / math.sqrt(draws))
    assert np.std(found) == pytest.approx(sd, rel=0.25)


def test_few_questions_span_no_subspace():
    training = spanning(range(8))
    assert set(subspace_overlap(study_of(training, training[:9], training[:8]))) == {"x"}
    assert subspace_overlap(study_of(training[:8], training)) == {}


@pytest.mark.parametrize("column", select(["representation"]), ids=lambda column: column.name)
def test_order_of_tokens_and_domains_does_not_matter(column):
    training, x, y = samples(9, (12, 14, 13))
    found = column(study_of(training, x, y))
    domains = {"y": moments(y[::-1]), "x": moments(x[::-1])}
    other = column(active_study(moments(training[::-1]), domains))
    assert list(other) == ["y", "x"]
    assert other == {name: pytest.approx(value, rel=1e-9) for name, value in found.items()}


@pytest.mark.parametrize("column", select(["representation"]), ids=lambda column: column.name)
def test_a_rotation_of_the_residual_does_not_matter(column):
    everything = samples(9, (12, 14, 13))
    rotation, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(9, 9)))
    found = column(study_of(*everything))
    turned = column(study_of(*(sample @ rotation for sample in everything)))
    assert turned == {name: pytest.approx(value, rel=1e-8) for name, value in found.items()}
