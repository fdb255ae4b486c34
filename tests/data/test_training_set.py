"""Columns are found by name, and what is missing is named."""

import pytest
from helpers import tiny

from sts_eval.data.prompt import Prompter
from sts_eval.data.training_set import Example, load_training_set
from sts_eval.errors import UserError
from sts_eval.experiment import TrainingSetSpec


def load(path, rows, **spec):
    return load_training_set(TrainingSetSpec(source=str(tiny.write_jsonl(path / "set.jsonl", rows)), **spec))


def test_columns_by_name(tmp_path):
    assert load(tmp_path, [{"question": "q", "solution": "s", "answer": "a"}]).examples == [Example("q", "s")]
    assert load(tmp_path, [{"problem": "q", "id": 1, "answer": "a"}]).examples == [Example("q", "a")]
    assert load(tmp_path, [{"prompt": "q", "completion": "s"}]).examples == [Example("q", "s")]


def test_columns_as_told(tmp_path):
    rows = [{"question": "q", "solution": "s", "short": "a"}]
    assert load(tmp_path, rows, question_field="short", solution_field="question").examples == [Example("a", "q")]


def test_suffix_is_part_of_the_fingerprint(tmp_path):
    rows = [{"question": "q", "solution": "s"}]
    plain, told = load(tmp_path, rows), load(tmp_path, rows, suffix=" Think.")
    assert (plain.suffix, told.suffix) == ("", " Think.")
    assert plain.sha256 != told.sha256
    assert load(tmp_path, [{**rows[0], "id": 7}]).sha256 == plain.sha256


def test_a_question_with_blank_edges_fits_a_template_that_trims(tmp_path):
    found = load(tmp_path, [{"question": "\n What is 2 + 2? \n", "solution": " 4\n"}])
    assert found.examples[0] == ("What is 2 + 2?", "4")
    made = Prompter(tiny.tokenizer(template=tiny.LLAMA_3))
    made.turn(found.examples[0].question)
    made.check_joint(found.examples, found.examples[0].question)


BAD = [
    (
        [{"text": "q"}],
        {},
        r"has no question field \(question, problem.*user\); its fields are text\. Name .*--question-field",
    ),
    ([{"question": "q"}], {}, r"has no solution field .*--solution-field"),
    (
        [{"question": "q", "solution": "s"}],
        {"solution_field": "proof"},
        "has no field 'proof'; its fields are question",
    ),
    (
        [{"question": "q", "solution": "s"}, {"question": " ", "solution": "s"}],
        {},
        "row 2 has no text in field 'question'",
    ),
    ([{"question": "q", "solution": ""}], {}, "row 1 has no text in field 'solution'"),
    ([{"question": "q", "solution": None}], {}, "row 1 has no text in field 'solution'"),
    ([{"question": "q", "solution": {"a": 3}}], {}, "row 1 has an object in field 'solution', not text"),
    ([{"question": "q", "solution": "s"}, {"question": "q"}], {}, "row 2 has no text in field 'solution'"),
]


@pytest.mark.parametrize(("rows", "spec", "message"), BAD)
def test_mistakes(tmp_path, rows, spec, message):
    with pytest.raises(UserError, match=message):
        load(tmp_path, rows, **spec)
