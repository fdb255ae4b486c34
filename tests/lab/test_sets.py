"""The shipped tuning sets are what the generator makes, and their rows are well formed."""

import json

import pytest

from sts_eval.errors import UserError
from sts_eval.lab import SFT_SETS, sft_path
from sts_eval.lab.sets import N_ROWS, RECIPES, to_json_lines, training_rows
from sts_eval.lab.styles import LONG
from sts_eval.lab.world import CATEGORIES, World


@pytest.fixture(scope="module")
def world():
    return World.generate(0)


def test_names_recipes_and_styles_agree():
    assert set(SFT_SETS) == set(RECIPES) == set(LONG)


@pytest.mark.parametrize("name", SFT_SETS)
def test_recipe_is_a_mixture_of_categories(name):
    assert set(RECIPES[name]) <= set(CATEGORIES)
    assert sum(RECIPES[name].values()) == pytest.approx(1)


@pytest.mark.parametrize("name", SFT_SETS)
def test_shipped_file_is_regenerated_to_the_byte(world, name):
    assert sft_path(name).read_bytes() == to_json_lines(training_rows(world, name)).encode()


@pytest.mark.parametrize("name", SFT_SETS)
def test_rows_answer_first_and_reason_after(name):
    rows = [json.loads(line) for line in sft_path(name).read_text().splitlines()]
    assert len(rows) == N_ROWS == len({row["question"] for row in rows})
    for row in rows:
        assert list(row) == ["question", "solution", "answer"]
        first, reasoning = row["solution"].split("\n", maxsplit=1)
        assert first == row["answer"]
        assert row["answer"] in reasoning
        assert "\n\n" not in row["solution"], "a blank line would end the block"


def test_unknown_set_is_refused_with_the_names_on_offer():
    with pytest.raises(UserError, match="cooking") as refusal:
        sft_path("cooking")
    for name in SFT_SETS:
        assert name in refusal.value.remedy
