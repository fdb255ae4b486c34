"""STS on the features that the untuned model's own accepted answers move, beside STS by ground truth.

They are made where both kinds of demonstrations are asked for, and are no part of `all`: they need a reward.
"""

from sts_eval.predictors.predictor import Need, Scores, predictor
from sts_eval.predictors.sts import domain_score
from sts_eval.study.question_scores import OnPolicyScores
from sts_eval.study.study import Study

NEEDS = frozenset({Need.ON_POLICY})


@predictor("sts_icl_on_policy", needs=NEEDS)
def sts_icl_on_policy(study: Study) -> Scores:
    """STS_ICL on the features that the untuned model's own accepted answers shift."""
    return _scores(study, "sts_icl")


@predictor("sts_act_on_policy", needs=NEEDS)
def sts_act_on_policy(study: Study) -> Scores:
    """STS_act on the features that the untuned model's own accepted answers shift."""
    return _scores(study, "sts_act")


ON_POLICY = (sts_icl_on_policy, sts_act_on_policy)


def _scores(study: Study, name: str) -> Scores:
    return {domain: domain_score(own, name) for domain, own in study.read(OnPolicyScores).domains.items()}
