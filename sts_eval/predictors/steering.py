"""Steering: directions in the residual stream that stand in for what tuning would do to a domain's answers."""

import numpy as np

from sts_eval.predictors.predictor import Need, Scores, predictor
from sts_eval.study.study import Injection, Losses, OwnAnswers, Study


@predictor("injection_logprob", needs={Need.LOSSES, Need.INJECTION}, labels=True)
def injection_logprob(study: Study) -> Scores:
    """Rise of the right option's log-probability among the options while the training set's mean states are added.

    E log [p(y | x) / Σ_o p(o | x)] with α μ_T added behind every block minus without, in nats. μ_T is the mean state
    of the training set's rows at their last token, block by block (arXiv 2602.04735). α is where next-token
    probabilities of a neutral text have moved by KL = 0.1 nats, so that no question of a domain has a say in it.
    """
    alone, moved = study.read(Losses).alone, study.read(Injection).answers
    return {name: float((after.share_logprob - alone[name].share_logprob).mean()) for name, after in moved.items()}


@predictor("projection_difference", needs={Need.OWN_ANSWERS}, labels=True)
def projection_difference(study: Study) -> Scores:
    """How far the training set's solutions lie from the model's own answers towards the domain's right answers.

    E_(x,y) [ā(x, y) − ā(x, y')] · v̂_k, ā the mean residual over an answer's tokens, y' the untuned model's own answer
    to x, v̂_k of length one along E_x̃ [ā(x̃, right) − mean over wrong options]. The projection difference of persona
    vectors (arXiv 2507.21509, section 6), with right answers for the trait.
    """
    read = study.read(OwnAnswers)
    if not len(read.own):
        return {}
    moved = (read.solutions - read.own).mean(axis=0)
    scores = {}
    for name, right in read.right.items():
        direction = (right - read.wrong[name]).mean(axis=0)
        length = float(np.linalg.norm(direction))
        scores[name] = float(moved @ direction) / length if length > 0 else np.nan
    return scores
