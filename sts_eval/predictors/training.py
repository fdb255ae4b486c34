"""Training: how the untuned model reads the training set, and what a domain's demonstrations change of it."""

import numpy as np

from sts_eval.predictors.predictor import Need, Scores, predictor
from sts_eval.study.study import Losses, ReversedLosses, Study, TrainingLosses


@predictor("reversed_nll_gap", needs={Need.TRAINING_LOSSES, Need.REVERSED_LOSSES})
def reversed_nll_gap(study: Study) -> Scores:
    """Fall of the training set's nats per solution token behind the domain's demonstrations.

    E_(x,y) NLL(y | x) − NLL(y | x̃_0, ỹ_0, …, x̃_m, ỹ_m, x), (x, y) rows of the training set and (x̃_i, ỹ_i) the
    domain's demonstrations: `icl_nll_gap` with the sides exchanged. In-context examples as a measure of what one set of
    data teaches about another: arXiv 2510.14459.
    """
    alone = study.read(TrainingLosses).alone.answer_nll
    return {name: float((alone - shown.answer_nll).mean()) for name, shown in study.read(ReversedLosses).shown.items()}


@predictor("training_nll", needs={Need.TRAINING_LOSSES})
def training_nll(study: Study) -> Scores:
    """Minus the nats per token of the training set's solutions, one number for all domains.

    −E_(x,y) NLL(y | x), minus the logarithm of the training set's perplexity, which predicts what tuning gains better
    than likeness does (arXiv 2506.14681). Constant within a run, so it can tell sets apart and never domains.
    """
    value = -float(study.read(TrainingLosses).alone.answer_nll.mean())
    return dict.fromkeys(study.texts.domains, value)


@predictor("training_nll_gap", needs={Need.TRAINING_LOSSES, Need.LOSSES})
def training_nll_gap(study: Study) -> Scores:
    """Minus the difference between the nats per question token of the training set and the domain.

    −|E_x̃ NLL(x̃) − E_x NLL(x)|, x questions of the training set, x̃ of the domain. Questions, because both have them in
    a like form. Without the bars it would rank domains as `question_nll` does.
    """
    own = float(np.nanmean(study.read(TrainingLosses).alone.question_nll))
    return {name: -abs(float(read.question_nll.mean()) - own) for name, read in study.read(Losses).alone.items()}
