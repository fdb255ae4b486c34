"""A hand-made study of two features in which one question carries a score, and what is said of it."""

import pytest
import torch

from sts_eval.data.benchmark import Domain, Question
from sts_eval.data.prompt import Turn
from sts_eval.experiment import PredictSettings
from sts_eval.prediction.outliers import (
    agreement_warnings,
    carrier_warnings,
    largest_questions,
    sink_counts,
    sink_warnings,
)
from sts_eval.predictors.sts import sts_act, sts_act_robust
from sts_eval.records.prediction import DomainQuestions, PredictorScores, SeedShift
from sts_eval.statistics.agreement import rank_correlation
from sts_eval.study.question_scores import DomainReading, QuestionScores
from sts_eval.study.reading import Row, question_weights
from sts_eval.study.scoring import QuestionScoring
from sts_eval.study.sinks import BothWays
from sts_eval.study.study import Study, Texts

# Two features on two tokens of five questions; the last question carries 36 of 40, most of it feature 1 on the first.
USUAL = [[1.0, 0.0], [0.0, 1.0]]
LARGE = [[0.0, 64.0], [8.0, 0.0]]
NAMES = {10: "apple", 11: "'", 12: "pear"}


def decode(ids):
    return " ".join(NAMES[token] for token in ids)


def scored(*questions, sinks=True, where=None):
    scoring = QuestionScoring({0: [7, 9]}, sinks=sinks)
    turns = {number: Turn((10, 11, 12), (1, 2)) for number in range(len(questions))}
    states = torch.tensor([token for own in questions for token in own], dtype=torch.float64)
    rows = Row(question_weights(turns.values()), states, {0: 2 * states}, turns, {0: list(turns)}, {None: where or {}})
    scoring.hear(rows)
    return scoring


def reading(name, scoring, *, clean=None, sinks=None):
    clean = clean or scoring
    return DomainReading(
        domain=name,
        questions=scoring.scores,
        both=BothWays(scoring.scores, clean.scores),
        carriers=scoring.carriers(),
        act_by_feature=scoring.by_feature.means()[0],
        icl_by_feature=scoring.by_feature.means()[1],
        n_tokens=10,
        demonstrations=((0,),),
        seen=(0, 5),
        sinks=sinks or {},
        prompts_sha256="0",
        on_policy={},
    )


def recorded(found):
    domain = Domain("law", [Question(f"q{n}", "law", "?") for n in range(5)], [])
    return DomainQuestions(
        domain="law",
        n_questions=5,
        n_tokens=10,
        prompts_sha256="0",
        question_ids=tuple(question.id for question in domain.questions),
        sinks=sink_counts(found.sinks, decode),
        largest=largest_questions(domain, found, decode),
    )


def test_a_question_that_carries_a_score_is_named_with_its_token_and_feature():
    record = recorded(reading("law", scored(*[USUAL] * 4, LARGE)))
    largest = record.largest["sts_act"]
    assert (largest.question_id, largest.share) == ("q4", 0.9)
    assert largest.chance == pytest.approx(5 * 0.1**4)
    assert [(one.token, one.before, one.sink) for one in largest.tokens] == [
        ("'", "apple", False),
        ("pear", "apple '", False),
    ]
    assert [one.share for one in largest.tokens] == pytest.approx([64 / 72, 8 / 72])
    assert [(one.feature, one.share) for one in largest.features] == [(9, 64 / 72), (7, 8 / 72)]
    line = next(line for line in carrier_warnings([record]) if "sts_act" in line)
    assert line.startswith("law: question q4 carries 90% of sts_act, a mean over 5 questions")
    assert "\"'\" 89%, 'pear' 11%" in line
    assert "9 89%, 7 11%" in line


def test_what_chance_gives_among_few_questions_is_no_warning():
    assert list(carrier_warnings([recorded(reading("law", scored(*[USUAL] * 5)))])) == []
    few = recorded(reading("law", scored(USUAL, [[3.0, 0.0], [3.0, 0.0]])))
    assert few.largest["sts_act"].share == 0.75
    assert list(carrier_warnings([few])) == []


def test_the_plain_score_is_the_papers_mean_and_the_robust_one_leaves_the_question_out():
    scores = scored(*[USUAL] * 4, LARGE).scores
    study = Study(Texts([], {"law": []}), [QuestionScores({"law": scores}, {"law": scores})])
    assert sts_act(study)["law"].value == (4 * 1 + 36) / 5
    robust = sts_act_robust(study)["law"]
    assert (robust.value, robust.se) == (1.0, 0.0)


def predictor(name, values):
    scores = {domain: {"value": value} for domain, value in values.items()}
    return PredictorScores(name=name, group="sts", flags=(), summary="", scores=scores, seeds=(0,), cost=None)


def test_two_ways_that_rank_differently_are_said():
    plain = {"law": 9.0, "math": 2.0, "art": 3.0, "tax": 4.0}
    robust = {"law": 1.0, "math": 2.0, "art": 3.0, "tax": 4.0}
    names = ("sts_icl", "sts_act", "sts_icl_robust", "sts_act_robust")
    scores = [predictor(name, values) for name, values in zip(names, (plain, plain, robust, plain), strict=True)]
    (line,) = agreement_warnings(scores, [], PredictSettings())
    assert "sts_icl and sts_icl_robust rank the domains differently (Spearman -0.20; first law and tax)" in line
    assert rank_correlation(plain, {"law": 1.0}) is None


@pytest.mark.parametrize("chosen", ["keep", "exclude"])
def test_sinks_are_counted_and_the_way_that_was_not_chosen_is_compared(chosen):
    settings = PredictSettings(sink_tokens=chosen)
    questions = {"law": LARGE, "math": [[2.0, 0.0], [2.0, 0.0]], "art": [[3.0, 0.0], [3.0, 0.0]]}
    found = []
    for name, own in questions.items():
        where = {0: (0,)} if name == "law" else {}
        kept, clean = (scored(own, sinks=sinks, where=where) for sinks in (True, False))
        assert clean.scores[0][0].sts_act == {"law": 8.0, "math": 2.0, "art": 3.0}[name]
        way = kept if chosen == "keep" else clean
        found.append(reading(name, way, clean=clean, sinks={11: 1} if where else {}))
    shift = SeedShift(
        **{"seed": 0, "features": (), "shift": (), "share_of_total": 0, "demonstrations": ()},
        **{"n_questions": 1, "n_tokens": 4, "prompts_sha256": "0"},
    )
    (line,) = sink_warnings([shift], [recorded(found[0])], settings)
    assert line.startswith("1 of 10 of the domains' question tokens are attention sinks")
    assert '"\'" 1; they are ' + {"keep": "kept", "exclude": "left out"}[chosen] in line
    values = {"law": 1.0, "math": 2.0, "art": 3.0}
    scores = [predictor(name, values) for name in ("sts_icl", "sts_act", "sts_icl_robust", "sts_act_robust")]
    lines = list(agreement_warnings(scores, found, settings))
    other = {"keep": "without", "exclude": "with"}[chosen]
    assert [line.split(" rank ")[0] for line in lines] == [
        f"{name} and {name} {other} attention sinks" for name in ("sts_icl", "sts_act")
    ]
