"""Rewards by hand: where a final answer stands in a text, what counts as the same, and what a wrong reward says."""

import math

import pytest
from helpers import tiny

from sts_eval.data.final_answer import final_answer, same_answer
from sts_eval.data.reward import Asked, code_file, load_reward, rows_to_verify, verifier_of
from sts_eval.data.training_set import load_training_set
from sts_eval.errors import UserError
from sts_eval.experiment import TrainingSetSpec, TuneSettings


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so \boxed{3} or rather \boxed{\frac{1}{2}}.", r"\frac{1}{2}"),
        (r"\boxed{never closed", r"\boxed{never closed"),
        ("Natalia sold 48/2 = <<48/2=24>>24 clips.\n#### 72", "72"),
        ("Let us see.\nThe answer is 18.", "18"),
        ("**Answer:** 7 apples", "7 apples"),
        ("10\nOkay, let me work it out. So 11 fails and 10 holds.", "10"),
        ("", None),
        ("word " * 100, None),
    ],
)
def test_where_the_final_answer_stands(text, answer):
    assert final_answer(text) == answer


@pytest.mark.parametrize(
    ("text", "answer", "same"),
    [
        (r"\boxed{1,000}", "1000", True),
        ("10.0", "10", True),
        ("The answer is Rome.", "rome", True),
        ("$\\frac{1}{2}$", "0.5", False),  # which is for math_verify
        ("100", "10", False),
        ("", "10", False),
    ],
)
def test_what_counts_as_the_same(text, answer, same):
    assert same_answer(text, answer) is same
    row = Asked(0, "?", "", answer)
    assert load_reward("exact")([row, row], [text, "nothing"]) == [float(same), 0.0]


def test_answers_come_from_their_column_or_from_the_solution(tmp_path):
    rows = [
        {"question": "1 + 1?", "solution": "Long story.", "answer": "2"},
        {"question": "1 + 2?", "solution": "So \\boxed{3}.", "answer": None},
    ]
    path = tiny.write_jsonl(tmp_path / "rows.jsonl", rows)
    read = load_training_set(TrainingSetSpec(source=str(path)))
    assert [row.answer for row in rows_to_verify(read, "exact")] == ["2", "3"]
    named = load_training_set(TrainingSetSpec(source=str(path), answer_field="question"))
    assert [row.answer for row in rows_to_verify(named, "exact")] == ["1 + 1?", "1 + 2?"]
    assert read.sha256 == named.sha256
    assert read.fingerprints(answers=True) != named.fingerprints(answers=True)
    with pytest.raises(UserError, match=r"no field 'gold' for answers; its fields are question, solution, answer"):
        load_training_set(TrainingSetSpec(source=str(path), answer_field="gold"))


def test_rows_without_an_answer_are_named(tmp_path):
    long = "word " * 100
    rows = [
        {"question": "a?", "solution": "1"},
        {"question": "b?", "solution": long},
        {"question": "c?", "solution": long},
    ]
    read = load_training_set(TrainingSetSpec(source=str(tiny.write_jsonl(tmp_path / "rows.jsonl", rows))))
    with pytest.raises(UserError, match=r"2 of 3 rows of .* have no answer .* \(rows 1, 2, counted from 0\)"):
        rows_to_verify(read, "exact")
    assert [row.answer for row in rows_to_verify(read, "mine:own")] == ["1", "", ""]  # which may do without


OWN = """
import math

def length(completions, **further):
    return [len(text) for text in completions]

def matches(completions, answer, question, prompts, solution):
    assert question == prompts and len(solution) == len(answer)
    return [float(text == wanted) for text, wanted in zip(completions, answer)]

def raises(completions, answer, **further):
    return [1 / (wanted != "3") for wanted in answer]

def nan(completions, answer, **further):
    return [math.nan if wanted == "3" else 1.0 for wanted in answer]

def short(completions, **further):
    return [1.0]

def words(completions, **further):
    return ["good" for text in completions]

def lists(completions, **further):
    return [[1.0], [2.0]]

def leaves(completions, **further):
    raise SystemExit(0)

def two_lines(completions, **further):
    raise ValueError("first\\nsecond")

value = 3
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_reward.py").write_text(OWN)
    (tmp_path / "no_syntax.py").write_text("def f(:\n")
    (tmp_path / "needs_another.py").write_text("import no_such_package\n")
    (tmp_path / "leaves_at_once.py").write_text("raise SystemExit(0)\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "own_reward.py"


ROWS = [Asked(4, "1 + 1?", "two", "2"), Asked(9, "1 + 2?", "three", "3")]


def test_a_reward_of_the_users_own(own):
    assert load_reward("own_reward:length")(ROWS, ["ab", "abc"]) == [2.0, 3.0]
    assert load_reward("own_reward:matches")(ROWS, ["2", "2"]) == [1.0, 0.0]
    assert code_file("own_reward:matches") == str(own)
    assert code_file("exact") is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("own_reward:raises", r"raises ZeroDivisionError: .* \(training row 9, counted from 0\)"),
        ("own_reward:nan", "returns nan for training row 9, counted from 0"),
        ("own_reward:short", "returns 1 values for 2 completions"),
        ("own_reward:words", "returns 'good' for training row 4"),
        ("own_reward:lists", r"returns \[1.0\] for training row 4"),
        ("own_reward:leaves", "raises SystemExit: 0 "),
        ("own_reward:two_lines", "raises ValueError: first second "),
    ],
)
def test_a_wrong_reward_names_the_row(own, name, said):
    reward = load_reward(name)
    with pytest.raises(UserError, match=said):
        reward(ROWS, ["2", "3"])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("own_reward:nothing", "the module 'own_reward' has no function 'nothing'"),
        ("own_reward:value", "own_reward:value is no function"),
        ("no_such_module:f", "'no_such_module' of the reward cannot be imported .* PYTHONPATH"),
        ("no_syntax:f", r"SyntaxError: .*\. Mend the module"),
        ("needs_another:f", r"ModuleNotFoundError: .*\. Mend the module"),
        ("leaves_at_once:f", r"SystemExit: 0\)\. Mend the module"),
    ],
)
def test_a_reward_that_is_not_there(own, name, said):
    with pytest.raises(UserError, match=said):
        load_reward(name)


def test_math_verify_is_asked_for_where_it_is_missing(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs the package math_verify. pip install 'sts-eval\[math\]'"):
        load_reward("math_verify")


def test_mathematical_equality():
    pytest.importorskip("math_verify")
    rows = [Asked(0, "?", "", "0.5"), Asked(1, "?", "", r"\frac{1}{2}"), Asked(2, "?", "", "3")]
    assert load_reward("math_verify")(rows, [r"\boxed{\frac{1}{2}}", r"\boxed{0.5}", r"\boxed{4}"]) == [1.0, 1.0, 0.0]


def test_a_reward_is_tried_on_solutions(own):
    training_set = tiny.training_set([tiny.Example("1 + 1?", "2"), tiny.Example("1 + 2?", "3")])
    assert verifier_of(training_set, "exact").rows[1] == Asked(1, "1 + 2?", "3", "3")
    with pytest.raises(UserError, match="training row 1"):
        verifier_of(training_set, "own_reward:nan")


def test_settings_know_a_reward_by_its_form():
    assert TuneSettings(method="grpo").grpo.reward == "exact"
    assert TuneSettings(method="grpo", grpo={"reward": "a.b:c"}).grpo.reward == "a.b:c"
    with pytest.raises(ValueError, match="'exactly' is no reward; write exact, math_verify or module:function"):
        TuneSettings(method="grpo", grpo={"reward": "exactly"})
    with pytest.raises(ValueError, match="set method: grpo"):
        TuneSettings(grpo={"beta": 0.1})
    assert "grpo" not in TuneSettings().model_dump()  # so that older records keep their hashes
    made = TuneSettings(method="grpo")
    assert math.isclose(made.grpo.beta, 0.04)
    assert TuneSettings.model_validate_json(made.model_dump_json(), strict=True) == made  # as submissions are read
