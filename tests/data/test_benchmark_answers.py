"""How a benchmark writes its answers is decided from all of its rows: indices from 0 or 1, letters, or texts."""

import json

import pytest
from helpers import tiny

from sts_eval.data.benchmark import load_benchmark
from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec

N = 24


def load(folder, rows, shown=None):
    tiny.write_jsonl(folder / "test.jsonl", rows)
    tiny.write_jsonl(folder / "validation.jsonl", shown or rows[:5])
    return load_benchmark(BenchmarkSpec(source=str(folder)))


def rows(options, answer, field="answer"):
    """Questions whose answer is a function of their number."""
    return [
        {"question": f"q{number}", "options": options, field: answer(number), "category": "c"} for number in range(N)
    ]


def right(found):
    return [question.right for domain in found.domains.values() for question in domain.questions]


@pytest.mark.parametrize("write", [int, str])
@pytest.mark.parametrize("field", ["answer", "cop", "label", "answer_index"])
def test_indices_that_reach_the_number_of_options_and_never_0_count_from_1(tmp_path, field, write):
    """KMMLU's `answer` and MedMCQA's `cop` count from 1."""
    found = load(tmp_path, rows(list("wxyz"), lambda number: write(1 + number % 4), field))
    assert right(found) == [number % 4 for number in range(N)]
    assert [shown.solution for shown in found.domains["c"].demonstrations] == list("ABCDA")
    assert any("is read as counting from 1" in line for line in found.warnings)


def test_indices_that_reach_neither_0_nor_the_number_of_options(tmp_path):
    found = load(tmp_path, rows(list("wxyz"), lambda number: 1 + number % 3))
    assert right(found) == [1 + number % 3 for number in range(N)]
    (line,) = found.warnings
    assert line.endswith("so it may count from 0 or from 1; it is read as counting from 0")


def test_an_index_beyond_the_options_among_letters_says_nothing_of_the_others(tmp_path):
    asked = rows(list("wxyz"), lambda number: 4 if number == 9 else "B")
    found = load(tmp_path, asked)
    assert right(found) == [1] * (N - 1)
    assert "row 10 has 4 in field 'answer' for 4 options (an index counts from 0)" in found.warnings[0]


@pytest.mark.parametrize("letter", ["A", "B"])
def test_an_index_one_above_its_letter_is_refused(tmp_path, letter):
    asked = [row | {"answer_index": "ABC".index(letter) + 1} for row in rows(list("xyz"), lambda _: letter)]
    with pytest.raises(UserError, match="index of the answer is one more than the place of its letter in 29 of 29"):
        load(tmp_path, asked)


def test_indices_of_options_that_are_numbers(tmp_path):
    """Not the options' texts, which the answers are in some rows only."""
    found = load(tmp_path, rows(["1", "2", "3", "4"], lambda number: str(number % 4)))
    assert right(found) == [number % 4 for number in range(N)]


def test_options_that_are_numbers_and_answers_that_are_their_texts(tmp_path):
    found = load(tmp_path, rows(["4", "2", "0", "6"], lambda number: str(2 * (number % 4))))
    assert right(found) == [(2, 1, 0, 3)[number % 4] for number in range(N)]


def test_numbers_that_can_be_indices_or_texts_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"are numbers can be indices or the texts of options.*`answer_index`"):
        load(tmp_path, rows(["3", "2", "1", "0"], lambda number: str(number % 4)))


def test_texts_that_are_single_letters(tmp_path):
    """Vitamins: K is no letter of four options, so all answers are texts."""
    found = load(tmp_path, rows(list("CADK"), lambda number: "CADK"[number % 4]))
    assert right(found) == [number % 4 for number in range(N)]


def test_letters_that_can_be_texts_are_refused_unless_they_agree(tmp_path):
    with pytest.raises(UserError, match="are letters can be the letters of options or the texts of options"):
        load(tmp_path, rows(list("BADC"), lambda number: "ABCD"[number % 4]))
    assert right(load(tmp_path, rows(list("ABCD"), lambda number: "ABCD"[number % 4])))[:4] == [0, 1, 2, 3]


def test_a_few_texts_that_are_letters_leave_the_others_letters(tmp_path):
    asked = rows(list("wxyz"), lambda number: "ABCD"[number % 4])
    asked[3]["options"] = list("DCBA")
    assert right(load(tmp_path, asked)) == [number % 4 for number in range(N)]


def test_an_answer_key_with_a_blank(tmp_path):
    """ArabicMMLU."""
    asked = [
        {"Question": f"q{number}", "Option 1": "x", "Option 2": "y", "Answer Key": "AB"[number % 2], "Subject": "c"}
        for number in range(N)
    ]
    assert right(load(tmp_path, asked)) == [number % 2 for number in range(N)]


def test_options_as_objects_of_one_letter(tmp_path):
    found = load(tmp_path, rows([{"A": "x"}, {"B": "y"}], lambda _: "B"))
    assert found.domains["c"].questions[0].text == "q0\nOptions:\nA. x\nB. y"
    assert right(found) == [1] * N


def test_options_by_number_come_in_the_order_of_the_numbers(tmp_path):
    found = load(tmp_path, rows({str(number): f"o{number}" for number in range(1, 13)}, lambda _: "10"))
    assert (found.domains["c"].questions[0].text.split("\n")[3], right(found)) == ("B. o2", [9] * N)


def test_without_a_category_all_are_one_domain(tmp_path):
    """MedQA as it is published."""
    folder = tmp_path / "medqa"
    folder.mkdir()
    asked = [
        {"question": f"q{number}", "answer": "y", "options": {"A": "x", "B": "y"}, "answer_idx": "B"}
        for number in range(N)
    ]
    found = load(folder, asked)
    assert list(found.domains) == ["medqa"]
    assert found.warnings == (f"{folder}: no row names a category, so all are in one domain, 'medqa'",)


def test_categories_that_differ_in_case_and_blanks(tmp_path):
    asked = [
        row | {"category": ("Math", "math", "math ")[number % 3]}
        for number, row in enumerate(rows(list("xy"), lambda _: "A"))
    ]
    found = load(tmp_path, asked, asked[1:2])
    assert {name: len(domain.questions) for name, domain in found.domains.items()} == {"Math": N}
    assert "16 of 24 rows of the test split have a category that differs from 'Math' in case" in found.warnings[0]


def test_files_and_passages_that_are_not_read_are_said(tmp_path):
    asked = [row | {"passage": "p", "context": "c"} for row in rows(list("xy"), lambda _: "A")]
    (tmp_path / "test_2.jsonl").write_text(json.dumps(asked[0]))
    (tmp_path / "test.csv").write_text("question\nq\n")
    found = load(tmp_path, asked)
    assert f"{tmp_path}: test.csv, test_2.jsonl of the test split not read, beside test.jsonl" in found.warnings
    assert any("have a further passage in context, which is not shown" in line for line in found.warnings)
