"""The collected inputs: each is read in full, or refused in one line that says what was found and what to do."""

from pathlib import Path

import pytest
from helpers import tiny

from sts_eval.data.benchmark import load_benchmark
from sts_eval.data.prompt import Prompter
from sts_eval.data.training_set import load_training_set
from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec, TrainingSetSpec

CASES = Path(__file__).parents[1] / "cases"


def training_set(name):
    return load_training_set(TrainingSetSpec(source=str(CASES / "sft" / name)))


def benchmark(name):
    return load_benchmark(BenchmarkSpec(source=str(CASES / "bench" / name)))


@pytest.mark.parametrize(
    ("name", "first", "n", "said"),
    [
        (
            "alpaca_with_input.json",
            ("Sort the numbers from small to large.\n\n2, 0, 1", "0, 1, 2"),
            24,
            "field 'input' was added to the question in 24 of 24 rows",
        ),
        (
            "openai_messages.jsonl",
            ("You are brief.\n\nWhat is 0+1?", "1"),
            24,
            "in 24 of 24 conversations system texts and earlier turns were joined into the question",
        ),
        ("openai_messages_bom.jsonl", ("What is 0+1?", "1"), 24, ""),
        ("sharegpt.json", ("What is 0+1?", "1"), 24, ""),
        ("number_answer.jsonl", ("What is 0+1?", "1.0"), 24, ""),
        ("jsonl_named_json.json", ("Say 0.", "0"), 24, ""),
        ("semicolon.csv", ("Say 0, please", "0"), 24, "columns are separated by ';'"),
        ("surrogate.jsonl", ("x", "y"), 20, "1 of 21 rows were left out: row 21 has half of a surrogate pair"),
        ("duplicates.jsonl", ("What is 0 plus 1?", "It is 1."), 60, "59 of 60 rows repeat an earlier one"),
    ],
)
def test_training_sets(name, first, n, said):
    found = training_set(name)
    assert found.examples[0] == first
    assert len(found.examples) == n
    assert said in " ".join(found.warnings)
    assert said or not found.warnings


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "some_empty_outputs.json",
            r"3 of 24 rows .* row 6 has no text in field 'output' \(also rows 10, 18\).*up to 5%",
        ),
        ("latin1.csv", r"not UTF-8 text \(line 2\); as Windows-1252.* reads 'Qui est né en 0\?,René 0'.*`iconv -f"),
    ],
)
def test_refused_training_sets(name, message):
    with pytest.raises(UserError, match=message):
        training_set(name)


def test_a_file_that_is_nested_without_end(tmp_path):
    (tmp_path / "deep.jsonl").write_text("[" * 100_000 + "]" * 100_000, encoding="utf-8")
    with pytest.raises(UserError, match="nested too deeply"):
        load_training_set(TrainingSetSpec(source=str(tmp_path / "deep.jsonl")))


def test_a_template_that_drops_the_thoughts():
    template = (CASES / "template" / "strips_think.jinja").read_text(encoding="utf-8")
    examples = training_set("think_tags.jsonl").examples
    prompter = Prompter(tiny.tokenizer(template=template))
    for render in (lambda: prompter.worked(examples[0]), lambda: prompter.demonstrations(examples[:2])):
        with pytest.raises(UserError, match=r"drops part of a solution.*'<think>.*--no-chat-template"):
            render()
    plain = Prompter(tiny.tokenizer(template=template), chat_template=False)
    assert "I count on from 0" in plain.tokenizer.decode(plain.worked(examples[0])[1])


def test_a_template_that_raises():
    template = (CASES / "template" / "raises.jinja").read_text(encoding="utf-8")
    with pytest.raises(UserError, match=r"a system turn must come first.*--no-chat-template"):
        Prompter(tiny.tokenizer(template=template))


@pytest.mark.parametrize(
    ("name", "text", "right", "solution"),
    [
        ("options_dict", "What treats illness 0?\nOptions:\nA. noise\nB. rest\nC. smoke\nD. dust", 1, "B"),
        ("arc_ai2", "What is 0+1?\nOptions:\nA. 0\nB. 1", 1, "B"),
        ("na_options", "Which number is 0 plus one?\nOptions:\nA. 1\nB. 0", 0, "A"),
        ("letter_answer_only", "Which number is 0 plus one?\nOptions:\nA. 1\nB. 0\nC. 2\nD. 3", 0, "A"),
    ],
)
def test_benchmarks(name, text, right, solution):
    found = benchmark(name)
    for domain in found.domains.values():
        assert all(question.right is not None for question in domain.questions)
        assert all(example.solution for example in domain.demonstrations)
    first = min(
        (question for domain in found.domains.values() for question in domain.questions), key=lambda one: int(one.id)
    )
    assert (first.text, first.right) == (text, right)
    assert first.choices == tuple("ABCD"[: text.count("\n") - 1])
    assert next(iter(found.domains.values())).demonstrations[0].solution == solution
    assert any("N/A" in line for line in found.warnings) is (name == "na_options")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "mmlu_csv_headerless",
            r"no header line: its first line is a question .*Write question,A,B,C,D,answer,category",
        ),
        ("same_id_twice", "11 of 12 rows .*row 2 has the question_id '1000' of an earlier row"),
        ("options_numbers", "12 of 12 rows .*row 1 has 5 in field 'options', not a list of options"),
        ("question_null", "12 of 12 rows .*row 1 has no text in field 'question'"),
        ("thirty_options", "12 of 12 rows .*row 1 has 30 options, more than the 26 letters"),
    ],
)
def test_refused_benchmarks(name, message):
    with pytest.raises(UserError, match=message):
        benchmark(name)
