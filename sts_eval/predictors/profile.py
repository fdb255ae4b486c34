"""Profile: what the SAE says without the choice of features that makes STS, and with other choices.

The first four compare how often each feature fires, `decoder_spillover` the directions of those that shift. The others
are STS_act and STS_ICL (equations 4 and 5 of the paper) summed over as many other dimensions as D_N has features: if
they do as well, the choice of D_N by demonstrations adds nothing. `act` sums mean activations, `icl` mean squared
changes under the domain's own demonstrations.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sts_eval.data.sampling import generator
from sts_eval.model.sae import SparseAutoencoder
from sts_eval.predictors.predictor import Need, Scores, predictor
from sts_eval.predictors.similarity import cosine, ratio
from sts_eval.study.activations import Moments
from sts_eval.study.shifted_features import Shift, top
from sts_eval.study.study import Activations, Study

TOP = 100
DRAWS = 20
BIN = 20  # features in a bin of firing frequency, before bins are joined
SPARE = 2  # features outside D_N for each one inside that a bin must hold, so that there is something to draw from

Floats = NDArray[np.float64]
Dimensions = NDArray[np.intp]


@predictor("frequency_cosine", needs={Need.ACTIVATIONS})
def frequency_cosine(study: Study) -> Scores:
    """Cosine between the firing frequencies of the training set and the domain.

    cos(f_k, f_T), f_j the share of tokens on which feature j is active. Our own control.
    """
    target = study.read(Activations).training.frequency
    return {name: cosine(own.frequency, target) for name, own in study.read(Activations).domains.items()}


@predictor("frequency_jaccard", needs={Need.ACTIVATIONS})
def frequency_jaccard(study: Study) -> Scores:
    """Overlap of the firing frequencies of the training set and the domain.

    Σ_j min(f_kj, f_Tj) / Σ_j max(f_kj, f_Tj) (Ruzicka 1958).
    """
    target = study.read(Activations).training.frequency
    pairs = {name: (own.frequency, target) for name, own in study.read(Activations).domains.items()}
    return {name: ratio(float(np.minimum(*two).sum()), float(np.maximum(*two).sum())) for name, two in pairs.items()}


@predictor("top_jaccard", needs={Need.ACTIVATIONS})
def top_jaccard(study: Study) -> Scores:
    """Share of common features among the 100 that fire most often in either.

    |A ∩ B| / (|A| + |B| − |A ∩ B|), A and B the two lists (Jaccard 1901). A feature that never fires is in
    no list; among equals the first counts.
    """
    target = _most_frequent(study.read(Activations).training.frequency)
    lists = {name: _most_frequent(own.frequency) for name, own in study.read(Activations).domains.items()}
    return {name: ratio(len(own & target), len(own | target)) for name, own in lists.items()}


@predictor("feature_coverage", needs={Need.ACTIVATIONS})
def feature_coverage(study: Study) -> Scores:
    """Share of the features active in the domain that are active on the training set too.

    |A_k ∩ A_T| / |A_k|, A the features that fire on any token that is read. Not symmetric: what the training set
    has beyond the domain does not count. Coverage of benchmarks by SAE features: Qwen-Scope (arXiv 2605.11887). More
    tokens make more features active, so domains should be read to the same budget of tokens.
    """
    target = study.read(Activations).training.frequency > 0
    active = {name: own.frequency > 0 for name, own in study.read(Activations).domains.items()}
    return {name: ratio(float((own & target).sum()), float(own.sum())) for name, own in active.items()}


@predictor("decoder_spillover", needs={Need.ACTIVATIONS, Need.SHIFT, Need.DECODER})
def decoder_spillover(study: Study) -> Scores:
    """Likeness of the decoder directions that training set and domain shift, weighted by how far.

    Σ_{i∈D_N(T)} Σ_{j∈D_N(k)} w_i w_j cos(d_i, d_j), d_j the decoder's row of feature j. D_N(k) are the N features
    that the domain's own demonstrations move most, as D_N(T) are the training set's, and w a feature's mean squared
    change as a share of that of its set. Decoder geometry of features: arXiv 2605.00842, which compares rows
    of data; sums over two sets are our own form.
    """
    autoencoder, n = study.read(SparseAutoencoder), len(study.read(Shift).features)

    def direction(shift: Floats) -> Floats:
        features = top(shift, n)
        total = float(shift[features].sum())
        rows = autoencoder.directions(features.tolist())
        return np.asarray(shift[features] @ rows / total) if total > 0 else np.full(rows.shape[1], np.nan)

    # The double sum is the product of the two weighted means of directions of length one.
    target = direction(study.read(Shift).score)
    domains = study.read(Activations).domains
    return {name: float(direction(own.feature_shift) @ target) for name, own in domains.items()}


@predictor("act_random", needs={Need.ACTIVATIONS, Need.SHIFT})
def act_random(study: Study) -> Scores:
    """STS_act on random features that fire as often as the shifted ones.

    The mean over 20 draws of Σ_{j∈R} E h_j(x), R as many features outside D_N, from the same bins of firing
    frequency on the training set. Undefined where D_N is more than half of all features. Our own control.
    """
    return _mean_sums(study, lambda domain: domain.feature, _matched(study))


@predictor("icl_random", needs={Need.ACTIVATIONS, Need.SHIFT})
def icl_random(study: Study) -> Scores:
    """STS_ICL on random features that fire as often as the shifted ones.

    The mean over 20 draws of Σ_{j∈R} E (Δh_j(x))², with the sets R of `act_random`. Our own control.
    """
    return _mean_sums(study, lambda domain: domain.feature_shift, _matched(study))


@predictor("act_active", needs={Need.ACTIVATIONS, Need.SHIFT})
def act_active(study: Study) -> Scores:
    """STS_act on the features most active on the training set.

    Σ_{j∈A} E h_j(x), A the N features with the largest mean activation on the training set. Our own control.
    """
    return _mean_sums(study, lambda domain: domain.feature, [_most(study, lambda training: training.feature)])


@predictor("icl_active", needs={Need.ACTIVATIONS, Need.SHIFT})
def icl_active(study: Study) -> Scores:
    """STS_ICL on the features most active on the training set.

    Σ_{j∈A} E (Δh_j(x))², with the set A of `act_active`. Our own control.
    """
    return _mean_sums(study, lambda domain: domain.feature_shift, [_most(study, lambda training: training.feature)])


@predictor("act_residual", needs={Need.ACTIVATIONS, Need.SHIFT})
def act_residual(study: Study) -> Scores:
    """STS_act on the residual dimensions that demonstrations shift most, without an SAE.

    Σ_{j∈D} E |a_j(x)|, D the N residual dimensions with the largest E (Δa_j(x))² on the training set, or all
    of them if there are fewer. Sizes, because residuals have signs. Our own control.
    """
    return _mean_sums(study, lambda domain: domain.residual_size, [_most(study, lambda one: one.residual_shift)])


@predictor("icl_residual", needs={Need.ACTIVATIONS, Need.SHIFT})
def icl_residual(study: Study) -> Scores:
    """STS_ICL on the residual dimensions that demonstrations shift most, without an SAE.

    Σ_{j∈D} E (Δa_j(x))², with the set D of `act_residual`. Our own control.
    """
    return _mean_sums(study, lambda domain: domain.residual_shift, [_most(study, lambda one: one.residual_shift)])


def _most_frequent(frequency: Floats) -> set[int]:
    return {int(feature) for feature in top(frequency, TOP) if frequency[feature] > 0}


def _most(study: Study, of: Callable[[Moments], Floats]) -> Dimensions:
    """As many dimensions as D_N has features, with the largest values on the training set."""
    return top(of(study.read(Activations).training), len(study.read(Shift).features))


def _mean_sums(study: Study, of: Callable[[Moments], Floats], sets: Sequence[Dimensions]) -> Scores:
    """By domain, the sum of values over a set of dimensions, and the mean of that over the sets; none without sets."""
    domains = study.read(Activations).domains
    return {name: float(np.mean([of(one)[own].sum() for own in sets])) for name, one in domains.items() if sets}


def _matched(study: Study) -> list[Dimensions]:
    """Sets of features outside D_N, as many from each bin of frequency as D_N has there; none if they run out."""
    frequency = study.read(Activations).training.frequency
    inside = np.zeros(len(frequency), dtype=np.bool_)
    inside[list(study.read(Shift).features)] = True
    bins = _bins(frequency, inside)
    pools = [(features[~inside[features]], int(inside[features].sum())) for features in bins]
    if any(wanted > len(pool) for pool, wanted in pools):
        return []
    random = generator(study.seed, "random features")
    return [
        np.concatenate([random.choice(pool, wanted, replace=False) for pool, wanted in pools]) for _ in range(DRAWS)
    ]


def _bins(frequency: Floats, inside: NDArray[np.bool_]) -> list[Dimensions]:
    """Runs of features by rank of frequency, joined with the next until there are enough outside D_N."""

    def short(features: Dimensions) -> bool:
        return int((~inside[features]).sum()) < SPARE * int(inside[features].sum())

    bins: list[Dimensions] = []
    for features in np.array_split(top(frequency, len(frequency)), max(1, len(frequency) // BIN)):
        if bins and short(bins[-1]):
            bins[-1] = np.concatenate([bins[-1], features])
        else:
            bins.append(features)
    while len(bins) > 1 and short(bins[-1]):
        last = bins.pop()
        bins[-1] = np.concatenate([bins[-1], last])
    return bins
