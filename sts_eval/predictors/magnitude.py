"""Raw magnitude: how large a domain's activations are, whatever the training set.

STS_ICL and STS_act grow with the size of what they sum over. These predictors say how much of their success is
that alone. All are means over questions without demonstrations, at the SAE's layer.
"""

from sts_eval.predictors.predictor import Need, Scores, predictor
from sts_eval.study.study import Activations, Study


@predictor("residual_norm", needs={Need.ACTIVATIONS})
def residual_norm(study: Study) -> Scores:
    """Mean length of the residual vector of a token.

    E ‖a(x)‖₂. Our own control.
    """
    return {name: domain.residual_norm for name, domain in study.read(Activations).domains.items()}


@predictor("residual_l1", needs={Need.ACTIVATIONS})
def residual_l1(study: Study) -> Scores:
    """Mean sum of the absolute residual over all dimensions.

    E Σ_j |a_j(x)|. Our own control.
    """
    return {name: float(domain.residual_size.sum()) for name, domain in study.read(Activations).domains.items()}


@predictor("feature_sum", needs={Need.ACTIVATIONS})
def feature_sum(study: Study) -> Scores:
    """Mean sum of all feature activations.

    E Σ_j h_j(x) over every feature j: STS_act (equation 4 of the paper) without its choice of features.
    """
    return {name: float(domain.feature.sum()) for name, domain in study.read(Activations).domains.items()}
