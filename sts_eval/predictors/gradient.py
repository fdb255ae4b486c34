"""Gradient: does the first step on the training set lower the loss of a domain's right answers?

g_T is the gradient of the training loss, the mean over minibatches, and g_k that of domain k's right answers, both with
respect to a fresh adapter's B matrices, which start at zero. Larger scores mean a larger expected fall of the loss.
"""

import numpy as np
from numpy.typing import NDArray

from sts_eval.predictors.predictor import Need, Scores, predictor
from sts_eval.predictors.similarity import cosine
from sts_eval.study.study import Gradients, Study

EPSILON = 1e-8  # what Adam adds to the root of the second moment; PyTorch's default


@predictor("gradient_cosine", needs={Need.GRADIENTS}, labels=True)
def gradient_cosine(study: Study) -> Scores:
    """Cosine between the gradients of the training loss and of the right answers.

    ⟨g_k, g_T⟩ / (‖g_k‖ ‖g_T‖). LESS (Xia et al. 2024, arXiv 2402.04333, section 4) with plain gradients. A domain
    with a gradient of zero has no direction and is left out.
    """
    training = _direction(study.read(Gradients))
    return {name: cosine(own.astype(np.float64), training) for name, own in study.read(Gradients).domains.items()}


@predictor("gradient_first_order", needs={Need.GRADIENTS}, labels=True)
def gradient_first_order(study: Study) -> Scores:
    """Expected fall of the right answers' loss at one step of gradient descent, in nats.

    η ⟨g_k, g_T⟩ = L_k(θ) − L_k(θ − η g_T) to first order. TracIn (Pruthi et al. 2020, arXiv 2002.08484, section 3).
    """
    return _fall(study.read(Gradients), _direction(study.read(Gradients)))


@predictor("gradient_adam", needs={Need.GRADIENTS}, labels=True)
def gradient_adam(study: Study) -> Scores:
    """Expected fall of the right answers' loss at one step of Adam, in nats.

    η ⟨g_k, m / (√v + ε)⟩, with m and v the mean and the mean square of the gradients of the minibatches. LESS (Xia
    et al. 2024, arXiv 2402.04333, section 3), whose moments come from a warm-up instead.
    """
    moment = _direction(study.read(Gradients))
    square = np.mean(study.read(Gradients).training.astype(np.float64) ** 2, axis=0)
    return _fall(study.read(Gradients), moment / (np.sqrt(square) + EPSILON))


def _direction(gradients: Gradients) -> NDArray[np.float64]:
    return np.asarray(gradients.training.mean(axis=0, dtype=np.float64))


def _fall(gradients: Gradients, step: NDArray[np.float64]) -> dict[str, float]:
    return {name: gradients.learning_rate * float(own @ step) for name, own in gradients.domains.items()}
