"""MMLU-Pro's schema from a folder: what a question turn says, and what is missing."""

import pytest
from helpers import tiny

from sts_eval.data import benchmark, benchmark_folder
from sts_eval.data.benchmark import load_benchmark
from sts_eval.data.question import read_question
from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec

ROW = {"question": " Which is prime? ", "options": ["4", " 5", "6"], "category": "math", "question_id": 70}


def load(folder, **spec):
    return load_benchmark(BenchmarkSpec(source=str(folder), **spec))


def test_what_a_question_says():
    assert read_question(ROW, list_options=True).text == "Which is prime?\nOptions:\nA. 4\nB. 5\nC. 6"
    assert read_question(ROW, list_options=False).text == "Which is prime?"
    assert read_question({"question": "Why?"}, list_options=True).text == "Why?"
    assert read_question({"question": "Why?", "options": []}, list_options=True).text == "Why?"


def test_what_a_demonstration_answers():
    row = {"question": "Why?", "cot_content": "A: Let's think. It is 5.", "answer": "B"}
    assert read_question(row, list_options=True).solution == "Let's think. It is 5."
    assert read_question({"question": "Why?", "cot_content": "", "answer": "B"}, list_options=True).solution == "B"


def test_a_folder(tmp_path):
    found = load(tiny.write_benchmark(tmp_path))
    assert list(found.domains) == ["law", "math"]
    for domain in tiny.DOMAINS:
        assert tuple(found.domains[domain.name].questions) == domain.questions
        assert tuple(found.domains[domain.name].demonstrations) == domain.demonstrations
    chosen = load(tmp_path, domains=("math",))
    assert list(chosen.domains) == ["math"]
    assert chosen.sha256 != found.sha256


@pytest.fixture
def files_read(monkeypatch):
    """The names of the files that are read."""
    names, read = [], benchmark_folder.read_file
    monkeypatch.setattr(benchmark_folder, "read_file", lambda path: names.append(path.name) or read(path))
    return names


def test_a_folder_that_has_not_changed_is_read_once(tmp_path, monkeypatch, files_read):
    monkeypatch.setattr(benchmark, "SETTLED", 0.0)
    first = load(tiny.write_benchmark(tmp_path))
    assert files_read == ["test.jsonl", "validation.jsonl"]
    assert load(tmp_path) == first
    assert list(load(tmp_path, domains=("math",)).domains) == ["math"]
    assert len(files_read) == 2
    tiny.write_benchmark(tmp_path, tiny.DOMAINS[:1])
    assert list(load(tmp_path).domains) == [tiny.DOMAINS[0].name]
    assert len(files_read) == 4


def test_a_file_that_has_just_changed_is_read_again(tmp_path, files_read):
    """Within one step of the file system's clock a second change would leave the same time."""
    tiny.write_benchmark(tmp_path)
    assert load(tmp_path) == load(tmp_path)
    assert len(files_read) == 4


def test_options_are_hidden_where_the_card_says_so(tmp_path):
    tiny.write_jsonl(tmp_path / "test.jsonl", [ROW])
    tiny.write_jsonl(tmp_path / "validation.jsonl", [{**ROW, "answer": "B"}])
    assert "Options:" in load(tmp_path).domains["math"].questions[0].text
    (tmp_path / "benchmark.json").write_text('{"list_options": false}', encoding="utf-8")
    assert load(tmp_path).domains["math"].questions[0].text == "Which is prime?"


def test_an_unreadable_card(tmp_path):
    tiny.write_benchmark(tmp_path)
    (tmp_path / "benchmark.json").write_text("{", encoding="utf-8")
    with pytest.raises(UserError, match=r"benchmark\.json is not JSON"):
        load(tmp_path)


def test_options_that_are_one_text(tmp_path):
    """A CSV file cannot hold a list; its letters must not become the options."""
    header = "question_id,question,options,category,answer\n"
    (tmp_path / "test.csv").write_text(header + "1,Which?,\"['4', '5']\",math,A\n", encoding="utf-8")
    (tmp_path / "validation.csv").write_text(header + "1,Which?,\"['4', '5']\",math,A\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"options .* are not a list"):
        load(tmp_path)


def test_missing_files(tmp_path):
    tiny.write_benchmark(tmp_path)
    (tmp_path / "validation.jsonl").unlink()
    with pytest.raises(UserError, match=r"has no validation file\. Put a validation\.parquet"):
        load(tmp_path)
    (tmp_path / "test.jsonl").unlink()
    with pytest.raises(UserError, match="has no test file"):
        load(tmp_path)
    with pytest.raises(UserError, match="is not a folder"):
        load(tmp_path / "nowhere")


def test_domains_without_questions_or_demonstrations(tmp_path):
    tiny.write_benchmark(tmp_path)
    with pytest.raises(UserError, match=r"has no questions in domain .physics.\. Choose among law, math"):
        load(tmp_path, domains=("math", "physics"))
    tiny.write_jsonl(tmp_path / "validation.jsonl", [{"question": "q", "answer": "a", "category": "math"}])
    with pytest.raises(UserError, match="has no demonstrations for domain 'law'"):
        load(tmp_path)


@pytest.mark.parametrize(("row", "field"), [({"question": "q"}, "category"), ({"category": "math"}, "question")])
def test_missing_columns(tmp_path, row, field):
    tiny.write_benchmark(tmp_path)
    tiny.write_jsonl(tmp_path / "test.jsonl", [row])
    with pytest.raises(UserError, match=f"has no field '{field}'"):
        load(tmp_path)
