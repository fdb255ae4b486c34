"""Representation: how like the training set's residuals are a domain's, at the SAE's layer.

Means are over questions; covariances and distributions are of the tokens drawn into each `Moments.sample`.
Estimates from a small sample carry its size: compare domains whose samples are equally large.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import euclidean_distances

from sts_eval.predictors.predictor import Need, Scores, predictor
from sts_eval.predictors.similarity import cosine, ratio
from sts_eval.study.study import Activations, LastTokens, Study

POOLED = 4096  # tokens that stand for all samples together, an equal share of each: their pairs must fit in memory
PCA_DIMENSIONS = 64
SUBSPACE = 8  # dimensions of the subspaces that are compared

Floats = NDArray[np.float64]


@predictor("residual_cosine", needs={Need.ACTIVATIONS})
def residual_cosine(study: Study) -> Scores:
    """Cosine between the mean residuals of the training set and the domain.

    cos(μ_k, μ_T), μ = E a(x). The embedding of a task by its mean input (Vu et al. 2020, TextEmb).
    """
    target = study.read(Activations).training.residual
    return {name: cosine(own.residual, target) for name, own in study.read(Activations).domains.items()}


@predictor("residual_cosine_centred", needs={Need.ACTIVATIONS})
def residual_cosine_centred(study: Study) -> Scores:
    """The same cosine, from the mean residual of generic text instead of from zero.

    cos(μ_k − μ_0, μ_T − μ_0), because residuals of any text share a large mean (Ethayarajh 2019). Generic text
    is all domains of this study together, each with equal weight: μ_0 = mean_k μ_k. So a domain's score
    depends on which others there are, and a single domain has none.
    """
    domains = study.read(Activations).domains
    generic = np.mean([own.residual for own in domains.values()], axis=0)
    target = study.read(Activations).training.residual - generic
    return {name: cosine(own.residual - generic, target) for name, own in domains.items()}


@predictor("covariance_alignment", needs={Need.ACTIVATIONS})
def covariance_alignment(study: Study) -> Scores:
    """Cosine between the residual covariances of the training set and the domain.

    tr(C_k C_T) / (‖C_k‖_F ‖C_T‖_F), 1 where both vary in the same directions by the same proportions (the RV
    coefficient of Robert and Escoufier 1976, of covariances). Undefined for a sample without spread.
    """
    target = _centred(study.read(Activations).training.sample)
    norm = math.sqrt(_inner(target, target))
    centred = {name: _centred(domain.sample) for name, domain in study.read(Activations).domains.items()}
    return {name: ratio(_inner(own, target), math.sqrt(_inner(own, own)) * norm) for name, own in centred.items()}


@predictor("mmd", needs={Need.ACTIVATIONS})
def mmd(study: Study) -> Scores:
    """Minus the maximum mean discrepancy between the residuals of the training set and the domain.

    −MMD² = 2 E k(x, y) − E k(x, w) − E k(y, z), x and w different tokens of the domain, y and z of the training
    set: the unbiased estimate, so the score may lie above zero (Gretton et al. 2012, equation 3). k(x, y) =
    exp(−‖x − y‖² / 2s²), s the median distance between tokens of the training set and all domains together, the
    same for all. Undefined for a single token.
    """
    target = study.read(Activations).training.sample
    pooled = _pooled(study.read(Activations))
    bandwidth = float(np.median(euclidean_distances(pooled)[np.triu_indices(len(pooled), k=1)]))
    if bandwidth == 0:
        return {}

    def similarity(a: Floats, b: Floats) -> Floats:
        return np.asarray(np.exp(-euclidean_distances(a, b, squared=True) / (2 * bandwidth**2)), dtype=np.float64)

    within = _off_diagonal_mean(similarity(target, target))
    scores = {}
    for name, domain in study.read(Activations).domains.items():
        own = _off_diagonal_mean(similarity(domain.sample, domain.sample))
        scores[name] = 2 * float(similarity(domain.sample, target).mean()) - own - within
    return scores


@predictor("frechet", needs={Need.ACTIVATIONS})
def frechet(study: Study) -> Scores:
    """Minus the Fréchet distance between normal distributions fitted to the residuals.

    −(‖μ_k − μ_T‖² + tr(C_k + C_T − 2 (C_k C_T)^½)) in the first 64 principal components of the training set
    and all domains together, or as many as there are (Dowson and Landau 1982; Heusel et al. 2017, the squared
    distance). Undefined for a single token.
    """
    pooled = _pooled(study.read(Activations))
    components = PCA(min(PCA_DIMENSIONS, *pooled.shape), random_state=study.seed).fit(pooled)
    target = _Normal(components.transform(study.read(Activations).training.sample))
    domains = study.read(Activations).domains
    normals = {name: _Normal(components.transform(domain.sample)) for name, domain in domains.items()}
    return {name: -own.distance(target) for name, own in normals.items()}


@predictor("subspace_overlap", needs={Need.LAST_TOKENS})
def subspace_overlap(study: Study) -> Scores:
    """Overlap of the main directions of the prompts' last tokens, beyond that of random subspaces.

    (o − c) / (1 − c), o = ‖U_kᵀ U_T‖²_F / r, U the r leading principal axes of the residuals of one set at the last
    token of each prompt, c = r/d its mean for a random subspace of dimension r = 8 out of d: 1 for the same subspace,
    0 on average for unrelated ones. Residuals of any text share directions, so that scores lie above 0. Undefined for
    sets of eight questions or fewer, whose centred residuals do not span so many directions.
    """
    read = study.read(LastTokens)
    chance: float = SUBSPACE / read.training.shape[1]

    def axes(sample: Floats) -> Floats:
        return np.asarray(np.linalg.svd(_centred(sample), full_matrices=False)[2][:SUBSPACE])

    def beyond_chance(one: Floats, other: Floats) -> float:
        if min(len(one), len(other)) <= SUBSPACE or chance >= 1:
            return math.nan
        overlap = float(np.square(axes(one) @ axes(other).T).sum()) / SUBSPACE
        return (overlap - chance) / (1 - chance)

    return {name: beyond_chance(own, read.training) for name, own in read.domains.items()}


def _centred(sample: Floats) -> Floats:
    return np.asarray(sample - sample.mean(axis=0))


def _inner(a: Floats, b: Floats) -> float:
    """tr(AᵀA BᵀB) = ‖A Bᵀ‖²_F: a matrix over pairs of tokens, which is small, and none over pairs of dimensions."""
    return float(np.square(a @ b.T).sum())


def _pooled(activations: Activations) -> Floats:
    """Tokens of the training set and all domains, every so many of each, shape (about POOLED at most, d_model)."""
    samples = [activations.training.sample, *(domain.sample for domain in activations.domains.values())]
    step = math.ceil(sum(map(len, samples)) / POOLED)
    return np.concatenate([sample[::step] for sample in samples])


def _off_diagonal_mean(matrix: Floats) -> float:
    n = len(matrix)
    return float(matrix.sum() - matrix.trace()) / (n * (n - 1)) if n > 1 else math.nan


class _Normal:
    """The normal distribution with a sample's mean and covariance. Sample of shape (n, d)."""

    def __init__(self, sample: Floats) -> None:
        self.mean = sample.mean(axis=0)
        centred = _centred(sample)
        # The root of CᵀC / (n − 1) from the singular values: no eigenvalue can come out below zero.
        _, values, axes = np.linalg.svd(centred, full_matrices=False)
        self.root = (axes.T * (values / math.sqrt(len(sample) - 1))) @ axes if len(sample) > 1 else None

    def distance(self, other: _Normal) -> float:
        """Squared Fréchet distance; tr (C D)^½ is the sum of the singular values of C^½ D^½."""
        if self.root is None or other.root is None:
            return math.nan
        traces = float(np.square(self.root).sum() + np.square(other.root).sum())
        overlap = float(np.linalg.norm(self.root @ other.root, "nuc"))
        return float(np.square(self.mean - other.mean).sum()) + traces - 2 * overlap
