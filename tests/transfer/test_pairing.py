"""What can be joined, what is left out, and what is refused."""

import pytest

from sts_eval.errors import UserError
from sts_eval.transfer.pairing import Answer, answers_of, evaluated, pair


def side(*numbers, target="A", domain="law"):
    """Right answers to some questions."""
    return [Answer(domain, str(number), target, "r") for number in numbers]


def test_order_of_the_files_does_not_matter():
    before = [Answer("law", "1", "A", "r"), Answer("law", "2", "B", "w")]
    joined = pair(before, [list(reversed(before))])
    assert joined.domains[0].before == joined.domains[0].after[0]
    assert joined.domains[0].question_ids == ("1", "2")


def test_domains_are_apart_and_sorted():
    mixed = side(1, 2) + side(1, 2, domain="biology")
    assert [table.domain for table in pair(mixed, [mixed]).domains] == ["biology", "law"]


def test_a_few_missing_are_counted():
    joined = pair(side(*range(40)), [side(*range(1, 41)), side(*range(42))])
    assert (joined.only_before, joined.only_after) == (1, 2)
    assert len(joined.domains[0].question_ids) == 39


def test_many_missing_are_refused():
    with pytest.raises(UserError, match="11 of 100 questions are not both before and after"):
        pair(side(*range(100)), [side(*range(89))])


def test_exactly_a_tenth_is_accepted():
    assert pair(side(*range(100)), [side(*range(90))]).only_before == 10


def test_a_question_twice_is_refused():
    with pytest.raises(UserError, match="1 questions occur more than once after, such as 3 of law"):
        pair(side(1, 2, 3), [side(1, 2, 3, 3)])


def test_two_right_answers_are_refused():
    with pytest.raises(UserError, match="question 2 of law has the right answer 'A' before and 'B' after"):
        pair(side(1, 2), [side(1) + side(2, target="B")])


def test_no_answers():
    with pytest.raises(UserError, match="there are no answers after"):
        pair(side(1), [[]])


def test_tables_and_answers_are_the_same():
    answers = [
        Answer("law", "1", "A", "r", -0.25, 12, truncated=False),
        Answer("law", "2", "B", "u", -2.5, 2048, truncated=True),
    ]
    assert answers_of(evaluated(answers)) == answers


def test_numbers_of_options_go_along_where_every_question_has_them():
    listed = [Answer("law", "1", "A", "r", options=("a", "b", "c")), Answer("law", "2", "B", "w", n_options=10)]
    assert pair(listed, [listed]).domains[0].n_options == (3, 10)
    stored = evaluated(listed)
    assert stored[0].n_options == (3, 10)
    assert [answer.options_known for answer in answers_of(stored)] == [3, 10]
    assert pair(answers_of(stored), [answers_of(stored)]).domains[0].n_options == (3, 10)
    one_unknown = [*listed, Answer("law", "3", "A", "w")]
    assert pair(one_unknown, [one_unknown]).domains[0].n_options is None
    assert "n_options" not in evaluated(one_unknown)[0].canonical()


def test_questions_of_one_side_are_named():
    joined = pair(side(*range(40)), [side(*range(1, 41))])
    said = "question 0 of law is missing after; question 40 of law is missing before. They were left out"
    assert joined.warnings == (f"2 of 41 questions are not both before and after: {said}",)
    with pytest.raises(UserError, match=r"before and after: question 89 of law is missing after; .*; \.\.\."):
        pair(side(*range(100)), [side(*range(89))])


def test_a_question_that_is_left_out_for_two_answers_is_not_missing():
    two = [*side(*range(40)), Answer("law", "3", "A", "w")]
    assert pair(side(*range(40)), [two]).warnings == (
        "1 questions occur more than once after, such as 3 of law; 1 of them have different answers and were left out",
    )
