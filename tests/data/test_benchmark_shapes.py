"""Benchmarks in the shapes that people have: what a question says, which option is right, how it is demonstrated."""

import json

import datasets
import pandas as pd
import pytest
from helpers import tiny

from sts_eval.data.benchmark import load_benchmark
from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec

LISTED = "Which?\nOptions:\nA. x\nB. y\nC. z"


def load(folder, **spec):
    return load_benchmark(BenchmarkSpec(source=str(folder), **spec))


def write(folder, rows, shown=None):
    tiny.write_jsonl(folder / "test.jsonl", rows)
    tiny.write_jsonl(folder / "validation.jsonl", shown or rows)
    return folder


def one(folder, row):
    """The only question and the only demonstration of a benchmark with this row in both splits."""
    (domain,) = load(write(folder, [{"category": "c"} | row])).domains.values()
    return domain.questions[0], domain.demonstrations[0]


SHAPES = {
    "MMLU-Pro": {"question": "Which?", "options": ["x", "y", "z"], "answer": "B", "answer_index": 1, "cot_content": ""},
    "MMLU": {"question": "Which?", "choices": ["x", "y", "z"], "answer": 1},
    "ARC": {
        "question": {"stem": "Which?", "choices": [{"text": t, "label": n} for t, n in zip("xyz", "ABC", strict=True)]},
        "answerKey": "B",
    },
    "ARC of the hub": {
        "question": "Which?",
        "choices": {"text": ["x", "y", "z"], "label": ["A", "B", "C"]},
        "answerKey": "B",
    },
    "ARC with numbers": {
        "question": "Which?",
        "choices": {"text": ["x", "y", "z"], "label": ["1", "2", "3"]},
        "answerKey": "2",
    },
    "CommonsenseQA": {
        "question": "Which?",
        "choices": {"label": ["A", "B", "C"], "text": ["x", "y", "z"]},
        "answerKey": "B",
    },
    "OpenBookQA": {
        "question_stem": "Which?",
        "choices": {"text": ["x", "y", "z"], "label": ["A", "B", "C"]},
        "answerKey": "B",
    },
    "MedQA": {"question": "Which?", "answer": "y", "options": {"A": "x", "B": "y", "C": "z"}, "answer_idx": "B"},
    "MedQA in another order": {"question": "Which?", "answer": "y", "options": {"C": "z", "A": "x", "B": "y"}},
    "keys and values": {
        "question": "Which?",
        "options": [{"key": n, "value": t} for t, n in zip("xyz", "ABC", strict=True)],
        "answer": "B",
    },
    "CMMLU": {"Question": "Which?", "A": "x", "B": "y", "C": "z", "D": "", "Answer": "B"},
    "C-Eval": {"id": 0, "question": "Which?", "A": "x", "B": "y", "C": "z", "answer": "B", "explanation": "e"},
    "columns by number": {"question": "Which?", "option1": "x", "option2": "y", "option3": "z", "answer": "y"},
    "MedMCQA's columns": {"question": "Which?", "opa": "x", "opb": "y", "opc": "z", "cop": 1},
    "JSON text": {"question": "Which?", "options": json.dumps(["x", "y", "z"]), "answer": "B"},
    "lower-case letter": {"question": "Which?", "options": ["x", "y", "z"], "answer": "b"},
    "letter in brackets": {"question": "Which?", "options": ["x", "y", "z"], "answer": "(B)"},
    "text of the option": {"question": "Which?", "options": ["x", "y", "z"], "answer": "y"},
    "answer in a list": {"question": "Which?", "options": ["x", "y", "z"], "answer": ["B"]},
    "index as text": {"question": "Which?", "options": ["x", "y", "z"], "answer_index": "1"},
    "index as a fraction": {"question": "Which?", "options": ["x", "y", "z"], "answer_index": 1.0},
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(tmp_path, name):
    asked, shown = one(tmp_path, SHAPES[name])
    assert asked.text == shown.question == LISTED
    assert (asked.right, asked.choices) == (1, ("A", "B", "C"))
    # What the file itself gives as the answer of a plain list stays as it was before other shapes were read.
    written = {
        "lower-case letter": "b",
        "letter in brackets": "(B)",
        "text of the option": "y",
        "columns by number": "y",
    }
    assert shown.solution == written.get(name, "B")


def test_a_question_whose_options_are_not_shown(tmp_path):
    (tmp_path / "benchmark.json").write_text('{"list_options": false}', encoding="utf-8")
    asked, shown = one(tmp_path, SHAPES["MMLU"])
    assert (asked.text, asked.choices, asked.right, shown.solution) == ("Which?", ("x", "y", "z"), 1, "y")


@pytest.mark.parametrize(
    ("options", "answer", "left", "right"),
    [
        (["x", "N/A", "y", "z"], {"answer": "C", "answer_index": 2}, ("A", "B", "C"), 1),
        (["N/A", "x", "y", "z"], {"answer": "C"}, ("A", "B", "C"), 1),
        (["x", "y", "z", None], {"answer": 1}, ("A", "B", "C"), 1),
        ({"A": "x", "B": "y", "C": "z", "D": "N/A"}, {"answer": "B"}, ("A", "B", "C"), 1),
    ],
)
def test_options_that_are_none_are_left_out_and_the_answer_moves_along(tmp_path, options, answer, left, right):
    asked, shown = one(tmp_path, {"question": "Which?", "options": options, **answer})
    assert (asked.text, asked.choices, asked.right) == (LISTED, left, right)
    assert shown.solution == "ABC"[right]


def test_numbers_as_options(tmp_path):
    asked, _ = one(tmp_path, {"question": "How many?", "options": [1, 2.5, True], "answer": "B"})
    assert asked.text == "How many?\nOptions:\nA. 1\nB. 2.5\nC. True"
    asked, _ = one(tmp_path, {"question": "How many?", "options": ["3", "1", "2"], "answer": "1"})
    assert asked.right == 1  # the text of an option, not its place


def test_a_passage_comes_before_its_question(tmp_path):
    asked, _ = one(tmp_path, {"article": "Once.", **SHAPES["MMLU-Pro"]})
    assert asked.text == "Once.\n\n" + LISTED


ROW = {"question": "Which?", "options": ["x", "y", "z"], "answer": "B", "category": "c"}


def many(folder, bad, n=20):
    rows = [{**ROW, "question_id": number} for number in range(n - 1)]
    return write(folder, [*rows, {**ROW, "question_id": 99, **bad}], [ROW])


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"question": None}, "row 20 has no text in field 'question'"),
        ({"question": ["q"]}, "row 20 has a list in field 'question', not text"),
        ({"question_id": 3}, "row 20 has the question_id '3' of an earlier row of 'c'"),
        ({"options": 5}, "row 20 has 5 in field 'options', not a list"),
        ({"options": ["x"] * 27}, "row 20 has 27 options, more than the 26 letters"),
        ({"answer": 3}, r"row 20 has 3 in field 'answer' for 3 options \(an index counts from 0\)"),
        ({"answer": "D"}, "row 20 has 'D' in field 'answer' for 3 options"),
        ({"answer_index": 9, "answer": None}, "row 20 has 9 in field 'answer_index' for 3 options"),
        ({"options": ["x", "N/A", "z"]}, "row 20 names an option as right that is empty or N/A"),
        ({"category": None}, "row 20 has no text in its category"),
        ({"category": ["c"]}, "row 20 has a list in field 'category', not text"),
        ({"answer": ["A", "B"]}, "row 20 has 2 right answers, not one"),
        ({"answer": 10**30}, "row 20 has 1000000000000000000000000000000 in field 'answer' for 3 options"),
        ({"question": "\ud800"}, "row 20 has half of a surrogate pair"),
        ({"options": ["x", "\udc00"]}, "row 20 has half of a surrogate pair"),
    ],
)
def test_a_bad_question_is_left_out_of_many_and_refused_among_few(tmp_path, bad, said):
    found = load(many(tmp_path, bad))
    assert len(found.domains["c"].questions) == 19
    assert found.identity().left_out == 1
    (line,) = found.warnings
    assert line.startswith(f"{tmp_path}: 1 of 20 rows of the test split were left out: ")
    with pytest.raises(UserError, match=said.replace("row 20", "row 19")):
        load(many(tmp_path, bad, n=19))


def test_the_same_id_in_two_domains_is_two_questions(tmp_path):
    rows = [{**ROW, "question_id": 1}, {**ROW, "question_id": 1, "category": "d"}]
    assert [domain.questions[0].id for domain in load(write(tmp_path, rows)).domains.values()] == ["1", "1"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"answer_index": 0}, "an index and a letter of the answer that disagree; the index is taken (rows 1)"),
        ({"answer": "all of them"}, "options, but no right answer that is known (rows 1)"),
        ({"options": None}, "no options, so the question is shown alone (rows 1)"),
        ({"options": ["A. x", "B. y"]}, "options with letters of their own, which are shown beside ours (rows 1)"),
        ({"passage": "Once."}, "a passage, which is shown before the question (rows 1)"),
    ],
)
def test_what_was_noticed_is_said(tmp_path, row, said):
    found = load(write(tmp_path, [{**ROW, **row}], [ROW]))
    assert found.warnings == (f"{tmp_path}: 1 of 1 rows of the test split have {said}",)


def test_the_hub(tmp_path, monkeypatch):
    def load_dataset(*names, split, revision):
        assert names == ("cais/mmlu", "all")
        row = {"question": "Which?", "subject": "anatomy", "choices": ["x", "y", "z"], "answer": 1}
        return datasets.Dataset.from_list([row])

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    domain = load("cais/mmlu:all").domains["anatomy"]
    assert (domain.questions[0].text, domain.questions[0].right) == (LISTED, 1)
    assert domain.demonstrations == [(LISTED, "B")]


@pytest.mark.parametrize(
    "row",
    [
        {"Question": "q", "Correct Answer": "a", "Incorrect Answer 1": "b", "Incorrect Answer 2": "c", "category": "c"},
        {"question": "q", "correct_answer": "a", "distractor1": "b", "distractor2": "c", "category": "c"},
    ],
)
def test_right_answers_apart_from_wrong_ones(tmp_path, row):
    with pytest.raises(UserError, match=r"keeps the right answer apart from the wrong ones .*in a shuffled order"):
        load(write(tmp_path, [row]))


def test_a_demonstration_without_an_answer(tmp_path):
    with pytest.raises(UserError, match=r"rows of the validation split .*neither a chain of thought nor an answer"):
        load(write(tmp_path, [ROW], [{"question": "Which?", "options": ["x", "y"], "category": "c"}]))


HEADER = ["question", "A", "B", "C", "answer"]
LINE = ["Which?", "x", "y", "z", "B"]


@pytest.mark.parametrize("header", [False, HEADER, ["Question", *HEADER[1:-1], "Answer"]])
@pytest.mark.parametrize(
    "names",
    [
        ("test/anatomy_test.csv", "dev/anatomy_dev.csv", "test/world_history_test.csv", "dev/world_history_dev.csv"),
        ("test/anatomy.csv", "val/anatomy.csv", "test/world_history.csv", "val/world_history.csv"),
        ("anatomy_test.csv", "anatomy_val.csv", "world_history_test.csv", "world_history_val.csv"),
        ("anatomy-test.csv", "anatomy-dev.csv", "data/world_history-test.csv", "data/world_history-dev.csv"),
        ("Test/anatomy_test.CSV", "Dev/anatomy_dev.CSV", "Test/world_history_test.CSV", "Dev/world_history_dev.CSV"),
    ],
)
def test_a_file_for_each_subject(tmp_path, names, header):
    """As hendrycks/test, CMMLU and C-Eval are laid out, with and without a header line."""
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pd.DataFrame([LINE, LINE]).to_csv(tmp_path / name, index=header is not False, header=header)
    found = load(tmp_path)
    assert list(found.domains) == ["anatomy", "world_history"]
    for domain in found.domains.values():
        assert [(question.text, question.right) for question in domain.questions] == [(LISTED, 1)] * 2
        assert domain.demonstrations[0] == (LISTED, "B")
    ids = [question.id for domain in found.domains.values() for question in domain.questions]
    assert ids == ["0", "1", "2", "3"]


@pytest.mark.parametrize("inner", ["", "data"])
def test_shards_as_the_hub_names_them(tmp_path, inner):
    (tmp_path / inner).mkdir(exist_ok=True)
    for split, n in (("test", 2), ("validation", 1)):
        for part in range(n):
            frame = pd.DataFrame([{**ROW, "question_id": part}])
            frame.to_parquet(tmp_path / inner / f"{split}-{part:05}-of-{n:05}.parquet")
    assert [question.id for question in load(tmp_path).domains["c"].questions] == ["0", "1"]


def test_a_folder_for_each_subject(tmp_path):
    for subject in ("law", "math"):
        (tmp_path / subject).mkdir()
        for split in ("test", "dev"):
            pd.DataFrame([{"question": "Which?", "choices": ["x", "y", "z"], "answer": 1}]).to_parquet(
                tmp_path / subject / f"{split}-00000-of-00001.parquet"
            )
    assert list(load(tmp_path).domains) == ["law", "math"]


@pytest.mark.parametrize("field", ["category", "subject", "domain", "task", "Subject"])
def test_fields_that_name_the_category(tmp_path, field):
    row = {name: value for name, value in ROW.items() if name != "category"} | {field: "c"}
    assert list(load(write(tmp_path, [row])).domains) == ["c"]


def test_files_in_other_formats(tmp_path):
    for name in ("test.JSONL", "validation.jsonl"):
        (tmp_path / name).write_text(json.dumps(ROW), encoding="utf-8")
    assert load(tmp_path).domains["c"].questions[0].right == 1
    (tmp_path / "csv").mkdir()
    for name in ("test.csv", "dev.tsv"):
        line = ";".join if name == "test.csv" else "\t".join
        text = "\n".join(map(line, [[*HEADER, "category"], [*LINE, "c"]]))
        (tmp_path / "csv" / name).write_text(text, encoding="utf-8")
    found = load(tmp_path / "csv")
    assert found.domains["c"].questions[0].text == LISTED
    assert "columns are separated by ';'" in found.warnings[0]


def test_fingerprint_of_what_was_read_before(tmp_path):
    """Written down before other shapes than MMLU-Pro's could be read."""
    rows = [
        {**ROW, "question_id": 7, "answer_index": 1},
        {"question": 5, "options": [1, "b "], "domain": "d", "answer": "A"},
        {"question": "Why?", "category": "c", "answer": "Because."},
    ]
    shown = [{**rows[0], "cot_content": "A: Think. (B)"}, rows[1], rows[2]]
    assert (
        load(write(tmp_path, rows, shown)).sha256 == "dd439a5bdf0cf0173ff05846aee7abf9da3fbd83ce88d38a65ce19a23b7b03ad"
    )
