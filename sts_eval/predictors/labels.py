"""Labels: how easily is it read off the residual that the untuned model answers a question right?

The scores of transfer learning, which judge features by how they go with labels. The features are the mean
residual of each question at the SAE's layer; the label is whether the untuned model prefers the right
option. A domain where it is always right, or never, has no score.
"""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sts_eval.predictors.predictor import Need, Scores, predictor
from sts_eval.study.study import Activations, Losses, Study

FOLDS = 4  # of the cross-validation; a domain needs as many questions of each label

# Where LogME looks for its maximum before it refines it: log of the signal's variance over the noise's.
_LOG_RATIOS = np.linspace(-20, 30, 201)

Floats = NDArray[np.float64]


@predictor("h_score", needs={Need.ACTIVATIONS, Need.LOSSES}, labels=True)
def h_score(study: Study) -> Scores:
    """Variance of the residual between right and wrong answers, in units of its covariance.

    tr(Σ⁻¹ Σ_y p(y) (μ_y − μ)(μ_y − μ)ᵀ) (Bao et al. 2019). There are fewer questions than dimensions, so Σ is
    shrunk towards a multiple of the identity, (1 − a) S + a tr(S)/d I, by Ledoit and Wolf (2004).
    """
    scores = {}
    for name, features, right in _labelled(study, fewest=1):
        centre = features.mean(axis=0)
        shrinkage = float(ledoit_wolf_shrinkage(features))
        # In the principal axes Σ is diagonal. Class means lie in their span, so the others do not matter.
        _, values, axes = np.linalg.svd((features - centre) / math.sqrt(len(features)), full_matrices=False)
        spread = values > values[0] * max(features.shape) * np.finfo(np.float64).eps
        variances = np.square(values) * (1 - shrinkage) + shrinkage * np.square(values).sum() / features.shape[1]
        between = sum(
            np.mean(right == label) * np.square(axes @ (features[right == label].mean(axis=0) - centre))
            for label in (True, False)
        )
        if spread.any():
            scores[name] = float(np.sum((between / variances)[spread]))
    return scores


@predictor("logme", needs={Need.ACTIVATIONS, Need.LOSSES}, labels=True)
def logme(study: Study) -> Scores:
    """Evidence of a linear model that tells right from wrong answers by the residual.

    max_{a,b} ln p(y | F, a, b) / n in nats, y = F w + ε, w ~ N(0, I/a), ε ~ N(0, I/b), averaged over the two
    one-hot columns y (You et al. 2021). F are the features, each standardised within the domain.
    """
    scores = {}
    for name, features, right in _labelled(study, fewest=1):
        axes, values, _ = np.linalg.svd(StandardScaler().fit_transform(features), full_matrices=False)
        if values[0] > 0:
            columns = (right.astype(np.float64), (~right).astype(np.float64))
            scores[name] = float(np.mean([_log_evidence(axes, np.square(values), column) for column in columns]))
    return scores


@predictor("probe_auc", needs={Need.ACTIVATIONS, Need.LOSSES}, labels=True)
def probe_auc(study: Study) -> Scores:
    """How well a linear probe on the residual tells which questions are answered right.

    Area under the ROC curve of a logistic regression (standardised features, L2 with C = 1), every question
    scored by the fit to the other folds of four that keep the share of labels (Alain and Bengio 2017). Undefined
    for fewer than four right or four wrong answers. The folds are ranked together, which costs a little: pure
    noise comes out slightly below one half.
    """
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=study.seed)
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    scores = {}
    for name, features, right in _labelled(study, fewest=FOLDS):
        decisions = cross_val_predict(probe, features, right, cv=folds, method="decision_function")
        scores[name] = float(roc_auc_score(right, decisions))
    return scores


def _labelled(study: Study, fewest: int) -> Iterator[tuple[str, Floats, NDArray[np.bool_]]]:
    """Name, features (n_questions, d_model) and labels of the domains that have enough questions of each label."""
    for name, moments in study.read(Activations).domains.items():
        right = study.read(Losses).alone[name].correct
        if min(int(right.sum()), int((~right).sum())) >= fewest:
            yield name, moments.questions, right


def _log_evidence(axes: Floats, variances: Floats, target: Floats) -> float:
    """Largest log evidence per question, in nats.

    The target is normal around zero with covariance (I + r F Fᵀ / v) / b, v the largest eigenvalue of F Fᵀ. For a
    given ratio r the best b is known, which leaves a maximum in one variable; there may be several.

    F Fᵀ is given by its eigenvectors, shape (n_questions, n_axes), and eigenvalues, largest first.
    """
    n = len(target)
    along = np.square(axes.T @ target)
    across = float(target @ target - along.sum())

    def negative(log_ratio: float) -> float:
        inflation = 1 + math.exp(log_ratio) * variances / variances[0]
        noise = (float((along / inflation).sum()) + across) / n  # 1/b
        return (math.log(2 * math.pi * noise) + 1 + float(np.log(inflation).sum()) / n) / 2

    best = int(np.argmin([negative(log_ratio) for log_ratio in _LOG_RATIOS]))
    around = _LOG_RATIOS[max(best - 1, 0)], _LOG_RATIOS[min(best + 1, len(_LOG_RATIOS) - 1)]
    return -float(minimize_scalar(negative, bounds=around, method="bounded").fun)
