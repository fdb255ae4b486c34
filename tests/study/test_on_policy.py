"""Demonstrations on policy: which answers are shown, what the scores are then, and when there are none to show."""

import numpy as np
import pytest
from helpers import tiny

from sts_eval.data.reward import verifier_of
from sts_eval.errors import UserError
from sts_eval.experiment import TuneSettings
from sts_eval.model.generation import Answer
from sts_eval.prediction.collect import collect_scores
from sts_eval.predictors.on_policy import ON_POLICY
from sts_eval.predictors.registry import select
from sts_eval.study import on_policy
from sts_eval.study.cost import CostMeter
from sts_eval.study.draws import draw_training_rows
from sts_eval.study.on_policy import with_own_answers
from sts_eval.study.shifted_features import measure_shift

DATA = tiny.training_set()
SHORT = tiny.training_set([example._replace(solution=f"{number}") for number, example in enumerate(tiny.TRAINING)])


def answering(monkeypatch, answer):
    """Let the model answer a question as `answer` says; returns the questions asked."""
    asked = []

    def answers(_model, prompter, turns, **_further):
        texts = [prompter.tokenizer.decode(turn.ids) for turn in turns]
        asked.extend(texts)
        return [Answer(answer(text, number), True) for number, text in enumerate(texts)]

    monkeypatch.setattr(on_policy, "generated_answers", answers)
    return asked


def solution_of(text):
    return next(example.solution for example in SHORT.examples if example.question in text)


def test_the_first_rows_that_are_solved_are_shown(monkeypatch):
    """Of four tries the third is right, and the second row in the seed's order is never solved."""
    made = tiny.extractor(seeds=(0,))
    order = list(draw_training_rows(made, SHORT, 0).rows) + list(draw_training_rows(made, SHORT, 0).turns)
    unsolved = SHORT.examples[order[1]].question

    def answer(text, number):
        return "wrong" if number % 4 != 2 or unsolved in text else f"{solution_of(text)}\nby my own way"

    answering(monkeypatch, answer)
    shown, found = with_own_answers(made, SHORT, verifier_of(SHORT, "exact"))
    expected = {row: f"{row}\nby my own way" for row in (order[0], order[2])}
    assert found[0].answers == expected
    assert (found[0].sampled, found[0].accepted) == (4 * len(order), len(order) - 1)
    drawn = draw_training_rows(made, shown, 0)
    assert drawn.rows == (order[0], order[2])
    assert sorted((*drawn.rows, *drawn.turns)) == sorted(order)
    assert "by my own way" in made.prompter.tokenizer.decode(drawn.shown.prefixes[-1])


def test_answers_like_the_solutions_give_the_scores_by_ground_truth(monkeypatch):
    answering(monkeypatch, lambda text, _: solution_of(text))
    scores = {}
    for kind in ("ground_truth", "on_policy", "both"):
        made = tiny.extractor(seeds=(0, 1), demonstrations=kind)
        asked = (*select(("sts",)), *(ON_POLICY if kind == "both" else ()))
        found = collect_scores(
            asked,
            made,
            SHORT,
            {domain.name: domain for domain in tiny.DOMAINS},
            tune=TuneSettings(),
            costs=CostMeter(),
            verifier=None if kind == "ground_truth" else verifier_of(SHORT, "exact"),
        )
        scores[kind] = {one.name: one.values for one in found.predictors}
        assert bool(found.own) == (kind != "ground_truth")
        assert len(found.on_policy) == (2 if kind == "both" else 0)
    for name in ("sts_icl", "sts_act"):
        truth = scores["ground_truth"][name]
        assert scores["on_policy"][name] == pytest.approx(truth)
        assert scores["both"][name] == pytest.approx(truth)
        assert scores["both"][f"{name}_on_policy"] == pytest.approx(truth)


def test_other_answers_shift_other_features(monkeypatch):
    made = tiny.extractor(seeds=(0,))
    answering(monkeypatch, lambda text, _: f"{solution_of(text)}\nZwölf Boxkämpfer jagen Viktor quer über den Deich.")
    shown, _ = with_own_answers(made, SHORT, verifier_of(SHORT, "exact"))
    before, after = (measure_shift(made, data, 0) for data in (SHORT, shown))
    assert before.demonstrations == after.demonstrations
    assert not np.allclose(before.score, after.score)


def test_a_model_that_solves_too_few_rows_is_refused(monkeypatch):
    made = tiny.extractor(seeds=(0,))
    asked = answering(monkeypatch, lambda _text, _number: "wrong")
    with pytest.raises(UserError, match=r"solves none of 7 rows of training.jsonl \(0 of 28 sampled .* 2 are needed"):
        with_own_answers(made, SHORT, verifier_of(SHORT, "exact"))
    assert len(asked) == 28
    one = SHORT.examples[3].question
    answering(monkeypatch, lambda text, _: solution_of(text) if one in text else "wrong")
    with pytest.raises(UserError, match=r"solves 1 of 7 rows"):
        with_own_answers(made, SHORT, verifier_of(SHORT, "exact"))


def test_a_reward_below_that_of_the_solution_is_not_accepted(monkeypatch, tmp_path):
    """Half a point for any answer, one for the solution."""
    made = tiny.extractor(seeds=(0,))
    (tmp_path / "half_reward.py").write_text(
        "def half(completions, solution, **_):\n"
        "    return [1.0 if text == right else 0.5 for text, right in zip(completions, solution)]\n"
    )
    monkeypatch.chdir(tmp_path)
    answering(monkeypatch, lambda _text, _number: "something")
    with pytest.raises(UserError, match="solves none"):
        with_own_answers(made, DATA, verifier_of(DATA, "half_reward:half"))
    answering(monkeypatch, lambda text, _: next(e.solution for e in DATA.examples if e.question in text))
    _, found = with_own_answers(made, DATA, verifier_of(DATA, "half_reward:half"))
    assert found[0].accepted == found[0].sampled
