"""The lab's benchmark: MMLU-Pro's columns and categories, with questions from the lab's world.

One difference matters for scoring. MMLU-Pro lists the options in the prompt and asks for a
letter; a model this small cannot learn that, so the prompt holds the question alone and an option is
scored by its text. ``cot_content`` therefore ends in the option's text as well.
"""

import numpy as np
import pandas as pd

from sts_eval.lab.problems import N_OPTIONS, Problem, Split, pick_distinct
from sts_eval.lab.styles import CHAIN_OF_THOUGHT, write
from sts_eval.lab.world import CATEGORIES, World

CARD: dict[str, object] = {"name": "lab_mmlupro", "list_options": False}
"""Contents of ``benchmark.json``: the benchmark's name, and that prompts show no options."""

SIZES: dict[Split, int] = {"test": 1_000, "validation": 5}
"""Questions of each category; those of validation are the demonstrations of a five-shot prompt."""

_STREAM: dict[Split, int] = {"validation": 1, "test": 2}


def benchmark_rows(world: World, split: Split, n_per_category: int) -> pd.DataFrame:
    """Make `n_per_category` different questions of each category that `split` owns.

    Args:
        world: Where the questions come from.
        split: ``"test"`` or ``"validation"``.
        n_per_category: Questions of each category.

    Raises:
        ValueError: A category has fewer questions than that.

    Returns:
        One row a question with MMLU-Pro's columns in its order, category by category. No question occurs twice,
        in one category or in two. ``cot_content`` is empty in the test split, as in MMLU-Pro.
    """
    rows: list[dict[str, object]] = []
    asked: set[str] = set()
    for number, category in enumerate(CATEGORIES):
        rng = world.stream(_STREAM[split], number)
        for _ in range(n_per_category):
            problem = world.draw_new(category, split, rng, asked)
            rows.append(_row(problem, category, split, len(rows), rng))
    return pd.DataFrame(rows)


def _row(
    problem: Problem, category: str, split: Split, question_id: int, rng: np.random.Generator
) -> dict[str, object]:
    options = pick_distinct(rng, (problem.answer, *problem.wrong[: N_OPTIONS - 1]), N_OPTIONS)
    index = options.index(problem.answer)
    return {
        "question_id": question_id,
        "question": problem.question,
        "options": options,
        "answer": "ABCDEFGHIJ"[index],
        "answer_index": index,
        "cot_content": write(problem, CHAIN_OF_THOUGHT) if split == "validation" else "",
        "category": category,
        "src": f"sts-lab/{problem.skill}",
    }
