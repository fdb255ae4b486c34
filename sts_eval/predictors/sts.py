"""STS: how active are the shifted features in a domain, and how far do the domain's own demonstrations move them?

D_N are the N features that demonstrations of the training set move most (equation 3 of the paper, arXiv 2603.02908; see
`study/shifted_features.py`), h_j(x) the activation of feature j, x a question of the domain. A question counts once,
with the mean over its tokens. All seeds are read, each with its own D_N, demonstrations and questions.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict

from sts_eval.predictors.predictor import Need, Scores, predictor
from sts_eval.records.prediction import Score
from sts_eval.statistics.drawn_questions import location
from sts_eval.study.question_scores import QuestionScores
from sts_eval.study.scoring import ScoresBySeed
from sts_eval.study.study import Study

TRIM = 0.2  # share of the questions that the robust scores leave out at either end (Wilcox 2017)


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


@predictor("sts_icl_robust", needs={Need.QUESTION_SCORES})
def sts_icl_robust(study: Study) -> Scores:
    """STS_ICL without attention sinks, as the 20% trimmed mean over questions.

    Tokens whose residual is longer than 10 times the median of their question do not count, neither in the choice of
    D_N nor in a question's score. The fifth of the questions with the largest score and the fifth with the smallest are
    left out (docs/decisions/0015). Our own control.
    """
    return _robust(study, "sts_icl")


@predictor("sts_act_robust", needs={Need.QUESTION_SCORES})
def sts_act_robust(study: Study) -> Scores:
    """STS_act without attention sinks, as the 20% trimmed mean over questions.

    The same rule as in `sts_icl_robust`. Our own control.
    """
    return _robust(study, "sts_act")


def domain_score(questions: ScoresBySeed, name: str, *, trim: float = 0.0) -> Score:
    """A domain's score of one name, from its questions' scores; `trim` is the share left out at either end."""
    values = {seed: {at: getattr(one, name) for at, one in own.items()} for seed, own in questions.items()}
    return estimate(values, trim=trim)


def estimate(values: Mapping[int, Mapping[int, float]], *, trim: float = 0.0) -> Score:
    """Mean over questions, each the mean over the seeds that drew it, its standard error, and the spread over seeds.

    The values are by seed, then by question. The standard error is over questions and, where there are several, over
    seeds (`statistics/drawn_questions.py`). A single question has none, a single seed has no spread. The spread is the
    standard deviation over seeds of the per-seed means; a seed that drew no question has none.
    """
    questions = sorted({question for scores in values.values() for question in scores})
    table = [[scores.get(question, math.nan) for question in questions] for scores in values.values()]
    return Score(**asdict(location(table, trim=trim)))


def _scores(study: Study, name: str) -> Scores:
    domains = study.read(QuestionScores).domains
    return {domain: domain_score(questions, name) for domain, questions in domains.items()}


def _robust(study: Study, name: str) -> Scores:
    domains = study.read(QuestionScores).without_sinks
    return {domain: domain_score(questions, name, trim=TRIM) for domain, questions in domains.items()}
