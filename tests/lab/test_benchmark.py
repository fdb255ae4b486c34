"""The shipped benchmark is what the generator makes, is right, and is held out."""

import re
from itertools import islice

import pandas as pd
import pytest
from helpers.derivation import derive

from sts_eval.lab import SFT_SETS, benchmark_path
from sts_eval.lab.benchmark import SIZES, benchmark_rows
from sts_eval.lab.corpus import documents, text
from sts_eval.lab.sets import training_rows
from sts_eval.lab.world import CATEGORIES, MIXTURES, World


@pytest.fixture(scope="module")
def world():
    return World.generate(0)


@pytest.fixture(scope="module")
def shipped():
    return {split: pd.read_parquet(benchmark_path() / f"{split}.parquet") for split in ("test", "validation")}


def test_categories_are_mmlu_pros():
    assert set(CATEGORIES) == {
        *("biology", "business", "chemistry", "computer science", "economics", "engineering", "health"),
        *("history", "law", "math", "other", "philosophy", "physics", "psychology"),
    }


@pytest.mark.parametrize("category", CATEGORIES)
def test_mixture_sums_to_one(category):
    assert sum(MIXTURES[category].values()) == pytest.approx(1)


@pytest.mark.parametrize(("split", "n"), [("test", 1_000), ("validation", 5)])
def test_each_category_has_its_questions(shipped, split, n):
    assert shipped[split]["category"].value_counts().to_dict() == dict.fromkeys(CATEGORIES, n)


@pytest.mark.parametrize(("split", "n"), SIZES.items())
def test_shipped_rows_are_regenerated(shipped, world, split, n):
    again = benchmark_rows(world, split, n)
    again["options"] = again["options"].map(tuple)
    rows = shipped[split].assign(options=shipped[split]["options"].map(tuple))
    pd.testing.assert_frame_equal(rows, again, check_dtype=False)


def test_another_seed_is_another_world(world):
    other = World.generate(1)
    assert other.tables["law"].things != world.tables["law"].things


@pytest.mark.parametrize("split", ["test", "validation"])
def test_schema_is_mmlu_pros(shipped, split):
    rows = shipped[split]
    assert " ".join(rows.columns) == "question_id question options answer answer_index cot_content category src"
    assert rows["question_id"].is_unique
    assert rows["question"].is_unique
    for row in rows.itertuples():
        assert len(row.options) == len(set(row.options)) == 10
        assert "ABCDEFGHIJ"[row.answer_index] == row.answer
        assert "\n" not in row.question
        assert all(option == option.strip() and option for option in row.options)


@pytest.mark.parametrize("split", ["test", "validation"])
def test_every_answer_can_be_derived(shipped, world, split):
    for row in shipped[split].itertuples():
        skill = row.src.removeprefix("sts-lab/")
        assert row.options[row.answer_index] == derive(row.question, skill, world), row.question


def test_answer_stands_anywhere_among_the_options(shipped):
    share = shipped["test"]["answer_index"].value_counts(normalize=True)
    assert share.between(0.08, 0.12).all()


def test_worked_solutions_end_in_the_answer(shipped):
    for row in shipped["validation"].itertuples():
        reasoning, answer = row.cot_content.split(" The answer is ")
        assert answer == row.options[row.answer_index] + "."
        assert len(reasoning.split()) >= 5


def test_equations_of_worked_solutions_hold(shipped):
    equations = [
        equation
        for solution in shipped["validation"]["cot_content"]
        for equation in re.findall(r"([\d.]+) ([-+*/]) ([\d.]+) = ([\d.]+)\.", solution)
    ]
    operations = {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b,
    }
    assert len(equations) > 20
    for left, operator, right, result in equations:
        assert operations[operator](float(left), float(right)) == pytest.approx(float(result))


def test_questions_are_held_out_of_base_training(shipped, world):
    trained = {
        question
        for document in islice(documents(world), 6_000)
        for question in re.findall(r"Question: (.*)\nAnswer:", text(document))
    }
    assert len(trained) > 10_000
    assert trained.isdisjoint(shipped["test"]["question"])
    assert trained.isdisjoint(shipped["validation"]["question"])


@pytest.mark.parametrize("name", SFT_SETS)
def test_questions_are_held_out_of_tuning(shipped, world, name):
    trained = {row["question"] for row in training_rows(world, name)}
    assert trained.isdisjoint(shipped["test"]["question"])
    assert trained.isdisjoint(shipped["validation"]["question"])


def test_more_questions_than_there_are_is_refused(world):
    with pytest.raises(ValueError, match="validation split of biology"):
        benchmark_rows(world, "validation", 100_000)


def test_validation_and_test_are_disjoint(shipped):
    assert set(shipped["test"]["question"]).isdisjoint(shipped["validation"]["question"])
