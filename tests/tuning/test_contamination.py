"""Benchmark questions inside training rows: found however they are written, and not found where they are not."""

from pathlib import Path

import pytest

from sts_eval import lab
from sts_eval.data.benchmark import Benchmark, Domain, Question, load_benchmark
from sts_eval.data.training_set import Example, TrainingSet, load_training_set
from sts_eval.errors import UserError
from sts_eval.experiment import BenchmarkSpec, TrainingSetSpec
from sts_eval.tuning.contamination import FEWEST_WORDS, check_contamination, find_contamination

LONG = "Which of the following organs of a newborn lamb is the last one to close its ductus arteriosus?"
SHORT = "What is two plus two?"
TINY = "Why?"


def benchmark(*questions):
    asked = [Question(f"q{number}", "law", text) for number, text in enumerate(questions)]
    return Benchmark("somewhere", None, {"law": Domain("law", asked, [])}, "0")


@pytest.mark.parametrize(
    "example",
    [
        Example(LONG, "none"),
        Example(f"Consider this. {LONG.upper()}  Answer briefly!", "none"),
        Example("Tell me.", f"As was asked, {LONG.replace(' ', chr(10))}"),
        Example(LONG.replace("?", ""), "none"),
        Example(f"Please {LONG.upper()}", "none"),
    ],
)
def test_found(example):
    found = find_contamination([Example("other", "text"), example], benchmark(LONG + "\nOptions:\nA. heart\nB. lung"))
    assert (found.rows, found.question_ids, found.checked) == ((1,), ("q0",), 1)


@pytest.mark.parametrize(
    "example",
    [
        Example(LONG.replace("lamb", "calf"), "none"),
        Example(LONG[:60], "half of it"),
        Example("It asks: why? And then goes on.", "none"),
    ],
)
def test_not_found(example):
    assert find_contamination([example], benchmark(LONG, TINY)).rows == ()


@pytest.mark.parametrize(("words", "found"), [(4, ()), (5, (0,))])
def test_the_shortest_question_that_is_found_within_a_row_is_as_documented(words, found):
    text = (Path(__file__).parents[2] / "docs" / "mixture.md").read_text(encoding="utf-8")
    assert f"A benchmark question of fewer than {FEWEST_WORDS} words" in text
    question = " ".join(SHORT.split()[:words])
    assert find_contamination([Example(f"Please {question.upper()}", "x")], benchmark(question)).rows == found
    assert find_contamination([Example(question.upper(), "x")], benchmark(question)).rows == (0,)


def test_the_same_id_in_two_domains():
    """Tasks of lm-eval number their documents from 0 each."""
    domains = {
        name: Domain(name, [Question("0", name, text)], []) for name, text in (("law", LONG), ("tax", LONG[::-1]))
    }
    found = find_contamination([Example(LONG, "x")], Benchmark("somewhere", None, domains, "0"))
    assert (found.rows, found.question_ids, found.checked) == ((0,), ("0",), 2)


def test_a_question_whose_options_are_not_listed_as_ours():
    text = f"{LONG}\n(A) heart\n(B) lung"
    domains = {"law": Domain("law", [Question("q0", "law", text, asked=LONG)], [])}
    assert find_contamination([Example(LONG, "x")], Benchmark("somewhere", None, domains, "0")).rows == (0,)


def test_short_questions():
    rows = [Example("So what is two plus two, then?", "4"), Example("Why", "because"), Example("why not", "because")]
    assert find_contamination(rows, benchmark(SHORT, TINY)).question_ids == ("q0", "q1")


def test_refusal_lists_the_first():
    training_set = TrainingSet("somewhere", None, "", [Example(LONG, "x")] * 7, "0")
    with pytest.raises(
        UserError, match=r"7 of 7 training rows contain benchmark questions \(row 0 holds question q0.* of somewhere"
    ):
        check_contamination(training_set, benchmark(LONG), allow=False)
    assert len(check_contamination(training_set, benchmark(LONG), allow=True).rows) == 7
    assert check_contamination(training_set, benchmark(SHORT), allow=False).rows == ()


def test_the_lab_is_clean():
    whole = load_benchmark(BenchmarkSpec(source=str(lab.benchmark_path())))
    rows = load_training_set(TrainingSetSpec(source=str(lab.sft_path("math")))).examples
    assert find_contamination(rows, whole).rows == ()
