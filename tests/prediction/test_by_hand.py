"""Scores that a pencil gives: an identity SAE on models whose residual stream is chosen.

Words are tokens, so `Question: a b\\nAnswer:` is [Question:, a, b, Answer:].
"""

import math

import pytest
from helpers.pencil import embedding_only, identity, position_only, words
from helpers.tiny import draw, silent, training_set

from sts_eval.data.benchmark import Domain, Question
from sts_eval.data.training_set import Example
from sts_eval.experiment import PredictSettings
from sts_eval.predictors.sts import estimate
from sts_eval.study.extractor import assemble
from sts_eval.study.question_scores import read_domain
from sts_eval.study.scoring import QuestionScore
from sts_eval.study.shifted_features import measure_shift

TRAINING = training_set([Example("a b", "c"), Example("b a", "c"), Example("a b", "d")])


def measure(model, hook_name, domain, **settings):
    dials = PredictSettings(**{"top_n": 2, "shots": 2, "domain_shots": 1, **settings})
    extractor = assemble(model, words(), identity(hook_name), dials)
    shift = measure_shift(extractor, TRAINING, 0, silent)
    reading = read_domain(extractor, domain, {shift.seed: shift.features}, {0: draw(extractor, domain, 0)})
    return shift, reading


def test_what_depends_on_the_token_alone_is_never_shifted():
    questions = [Question("0", "x", "a b"), Question("1", "x", "a a b a")]
    domain = Domain("x", questions, [Example("c", "c")])
    shift, reading = measure(embedding_only(), "blocks.1.hook_resid_post", domain)
    assert shift.score.tolist() == [0.0, 0.0, 0.0, 0.0]
    assert shift.features == (0, 1)  # all equal: the first
    # After ReLU, on features 0 and 1: a = (1, 0), b = (0, 3).
    assert reading.questions[0] == {
        0: QuestionScore((1 + 3) / 2, 0.0, (1 + 9) / 4),
        1: QuestionScore((1 + 1 + 3 + 1) / 4, 0.0, (1 + 1 + 9 + 1) / 8),
    }
    assert reading.act_by_feature.tolist() == [(1 / 2 + 3 / 4) / 2, (3 / 2 + 3 / 4) / 2]
    assert reading.icl_by_feature.tolist() == [0.0, 0.0]
    assert reading.n_tokens == 6


def test_what_is_the_position_is_shifted_by_the_length_of_the_prefix():
    domain = Domain("x", [Question("0", "x", "a b")], [Example("c", "d d")])
    shift, reading = measure(position_only(), "blocks.0.hook_resid_pre", domain)
    # Two demonstrations [Question: q q Answer: s] are 10 tokens.
    assert shift.score.tolist() == [10.0**2, 0.0, 0.0, 0.0]
    assert shift.features == (0, 1)
    assert shift.n_questions == 1
    assert shift.n_tokens == 2
    # Alone at positions 1 and 2; behind [Question: c Answer: d d] five further on.
    assert reading.questions[0][0] == QuestionScore((1 + 2) / 2, 5.0**2, (1 + 4) / 4)


def test_notebook_estimator_pairs_every_token_with_every_token():
    domain = Domain("x", [Question("0", "x", "a b")], [Example("c", "d d")])
    shift, _ = measure(position_only(), "blocks.0.hook_resid_pre", domain, estimator="notebook")
    # Positions 1, 2 against 11, 12.
    assert shift.score.tolist() == [(10**2 + 11**2 + 9**2 + 10**2) / 4, 0.0, 0.0, 0.0]


def test_estimate():
    found = estimate({0: {0: 1.0, 1: 3.0}, 1: {1: 5.0, 2: 7.0}})
    assert found.value == 4.0  # of 1, (3 + 5) / 2 and 7
    # Over questions 3. Over seeds: (2 − 6)² less 0.5 + 2 + 0.5 that the questions explain, halved, times ½² + ½².
    assert found.se == pytest.approx(math.sqrt(3 + 6.5 / 2), rel=1e-12)
    assert found.seed_sd == pytest.approx(math.sqrt(8), rel=1e-12)  # of 2 and 6


def test_estimate_of_one_question_has_no_spread():
    found = estimate({0: {7: 2.5}})
    assert found.value == 2.5
    assert found.se is None
    assert found.seed_sd is None
