"""Which shifted features are particular to the training set, and which source of text they stand for.

A feature that fires on everything moves under anything, and so do features of how questions are put. What is
particular to a training set moves although it is rarely active elsewhere:

    particular_j = s_j / (s_j + u_j)      s_j = E_x (h_j(x) - h_j(demonstrations, x))²   over the training set
                                          u_j = mean over the other sources of E_x h_j(x)²

The other sources are the domains and a neutral text; each weighs one. Both terms are squared activations, so the value
has no unit. It changes no score: D_N are the features with the largest s_j, as in the paper.
"""

import numpy as np
from numpy.typing import NDArray

SPREAD = 0.5  # from which a feature is taken to fire everywhere
FURNITURE = 0.5  # of the domains' mean activation; below it in the neutral text, it fires on questions only
LITTLE, FAR = (
    1.5,
    3.0,
)  # times as active in the training set as elsewhere: below, hardly more; from, whatever the spread

Floats = NDArray[np.float64]


def particularity(shift: Floats, usual: Floats) -> Floats:
    """The particularity s / (s + u) of each feature, shape (n,); 0 where neither is above zero."""
    total = shift + usual
    return np.divide(shift, total, out=np.zeros_like(total), where=total > 0)


def spread(means: Floats) -> Floats:
    """How evenly a feature's mean activation m is spread over n sources: ((Σm)² / Σm² − 1) / (n − 1).

    (Σm)² / Σm² is the number of sources if all fire it alike, and 1 if only one does. `means` have shape
    (n_sources, n_features); with one source, and where nothing fires it, the result is 0.
    """
    sums, squares = means.sum(axis=0), np.square(means).sum(axis=0)
    number = np.divide(np.square(sums), squares, out=np.ones_like(sums), where=squares > 0)
    return np.asarray((number - 1) / max(1, len(means) - 1), dtype=np.float64)


def reasons_to_drop(training: Floats, domains: Floats, neutral: Floats) -> list[str]:
    """Why a table of meanings leaves a feature out; empty where it does not.

    It is left out if it fires in all domains alike and hardly in the neutral text, or in all sources alike, unless it
    is three times as active in the training set; and if it is less than one and a half times as active there as
    elsewhere.

    Args:
        training: Mean activation of each feature in the training set, shape (n_features,).
        domains: Those in the domains, shape (n_domains, n_features).
        neutral: Those in the neutral text, shape (n_features,).
    """
    others = np.vstack([domains, neutral])
    usual = others.mean(axis=0)
    near = training < FAR * usual
    in_questions = (spread(domains) >= SPREAD) & (neutral < FURNITURE * domains.mean(axis=0)) & (len(domains) > 1)
    rules = {
        "fires on how questions are put, in all domains alike": near & in_questions,
        "fires on text of every kind": near & (spread(others) >= SPREAD),
        "fires hardly more in the training set than elsewhere": training < LITTLE * usual,
    }
    return [next((reason for reason, holds in rules.items() if holds[place]), "") for place in range(len(neutral))]


def labels(counts: NDArray[np.int64], means: Floats) -> NDArray[np.intp]:
    """The source of most of a feature's strongest samples; among equals the one in which it is more active.

    Both have shape (n_sources, n_features); the result holds places of sources, -1 where there are no samples.
    """
    total = means.sum(axis=0)
    part = np.divide(means, total, out=np.zeros_like(means), where=total > 0)
    return np.where(counts.any(axis=0), (counts + part / 2).argmax(axis=0), -1)
