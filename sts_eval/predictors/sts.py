"""STS: how active are the shifted features in a domain, and how far do the domain's own demonstrations move them?

D_N are the N features that demonstrations of the training set move most (equation 3 of the paper, arXiv 2603.02908; see
`study/shifted_features.py`), h_j(x) the activation of feature j, x a question of the domain. A question counts once,
with the mean over its tokens. All seeds are read, each with its own D_N, demonstrations and questions.
"""

import math
from collections.abc import Mapping

import numpy as np

from sts_eval.predictors.predictor import Need, Scores, predictor
from sts_eval.records.prediction import Score
from sts_eval.study.question_scores import QuestionScores, ScoresBySeed
from sts_eval.study.study import Study


@predictor("sts_icl", needs={Need.QUESTION_SCORES})
def sts_icl(study: Study) -> Scores:
    """How far the domain's own demonstrations move the shifted features (equation 5)

    E_x Σ_{j∈D_N} ‖ h_j(x_0, y_0, …, x_m, y_m, x) − h_j(x) ‖², (x_i, y_i) the domain's demonstrations.
    """  # noqa: D415 -- the first line is the record's summary, which has no full stop
    return _scores(study, "sts_icl")


@predictor("sts_act", needs={Need.QUESTION_SCORES})
def sts_act(study: Study) -> Scores:
    """How active the shifted features are in the domain (equation 4)

    E_x Σ_{j∈D_N} h_j(x).
    """  # noqa: D415 -- the first line is the record's summary, which has no full stop
    return _scores(study, "sts_act")


@predictor("sts_notebook", needs={Need.QUESTION_SCORES})
def sts_notebook(study: Study) -> Scores:
    """Mean squared activation of the shifted features (the authors' notebook)

    E_x (1/N) Σ_{j∈D_N} h_j(x)²: what the authors' notebook computes under the name of STS_act.
    """  # noqa: D415 -- the first line is the record's summary, which has no full stop
    return _scores(study, "sts_notebook")


def domain_score(questions: ScoresBySeed, name: str) -> Score:
    """A domain's score of one name, from its questions' scores."""
    return estimate({seed: {at: getattr(one, name) for at, one in own.items()} for seed, own in questions.items()})


def estimate(values: Mapping[int, Mapping[int, float]]) -> Score:
    """Mean over questions, each the mean over the seeds that drew it, its standard error, and the spread over seeds.

    The values are by seed, then by question. A single question has no standard error, a single seed no spread. The
    spread is the standard deviation over seeds of the per-seed means; a seed that drew no question has none.
    """
    per_question: dict[int, list[float]] = {}
    for scores in values.values():
        for question, value in scores.items():
            per_question.setdefault(question, []).append(value)
    means = np.array([np.mean(scores) for _, scores in sorted(per_question.items())])
    se = float(means.std(ddof=1) / math.sqrt(len(means))) if len(means) > 1 else None
    over_seeds = [float(np.mean(list(scores.values()))) for scores in values.values() if scores]
    seed_sd = float(np.std(over_seeds, ddof=1)) if len(over_seeds) > 1 else None
    return Score(value=float(means.mean()), se=se, seed_sd=seed_sd)


def _scores(study: Study, name: str) -> Scores:
    domains = study.read(QuestionScores).domains
    return {domain: domain_score(questions, name) for domain, questions in domains.items()}
