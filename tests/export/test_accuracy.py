"""Accuracies and their errors, against figures worked out by hand."""

import math

import pytest
from helpers.exports import transfer
from helpers.submissions import submission

from sts_eval.export.accuracy import of_answers, of_outcome


def test_accuracies_and_errors_are_those_worked_out_by_hand():
    whole, math_, law = of_answers(transfer().answers)
    assert (whole.domain, math_.domain, law.domain) == (None, "math", "law")
    assert math_.before.value == 0.5
    assert math_.before.se == pytest.approx(math.sqrt(0.5 * 0.5 / 3))  # p(1-p)/(n-1)
    assert math_.after.value == 0.625
    assert math_.after.by_seed == (0.75, 0.5)
    # Means of the questions 1, 1/2, 1, 0: variance 11/48, of their mean 11/192. The seeds' own variance of 1/32 is
    # what noise of questions (mean square 1/8) explains, so nothing is added for them.
    assert math_.after.se == pytest.approx(math.sqrt(11 / 192))
    assert (law.before.value, law.after.value, law.after.by_seed) == (0.5, 0.75, (1.0, 0.5))


def test_over_all_domains_each_question_counts_once():
    whole = of_answers(transfer().answers)[0]
    assert whole.before.n == whole.after.n == 6
    assert whole.before.value == 3 / 6
    assert whole.after.value == pytest.approx(8 / 12)  # not the mean 0.6875 of the two domains


def test_an_error_over_seeds_is_larger_where_seeds_differ():
    alike = of_answers(transfer({"a": ("rrwwrrww", ("rrwwrrww", "rrwwrrww"))}).answers)[0].after
    apart = of_answers(transfer({"a": ("rrwwrrww", ("rrrrrrrw", "wwwwwwrw"))}).answers)[0].after
    assert alike.se == pytest.approx(math.sqrt(0.25 / 7))
    assert apart.se > 1.5 * alike.se
    assert alike.se_over == "questions and seeds"


def test_one_question_has_no_error_and_one_seed_no_error_over_seeds():
    one = of_answers(transfer({"a": ("r", ("w",))}).answers)[0]
    assert (one.before.se, one.after.se) == (None, None)
    assert one.after.se_over == "questions"


def test_without_answers_the_accuracies_are_the_same_and_have_no_errors():
    whole = submission()
    with_answers, without = of_answers(whole.transfer.answers), of_outcome(whole.outcome)
    assert [scores.domain for scores in with_answers] == [scores.domain for scores in without]
    for known, reported in zip(with_answers, without, strict=True):
        for state in ("before", "after"):
            assert reported.of(state).value == pytest.approx(known.of(state).value)
            assert reported.of(state).by_seed == pytest.approx(known.of(state).by_seed)
            assert reported.of(state).n == known.of(state).n
            assert reported.of(state).se is None
            assert known.of(state).se > 0
