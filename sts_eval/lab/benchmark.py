"""The lab's benchmark: MMLU-Pro's columns and categories, with questions from the lab's world.

One difference matters for scoring. MMLU-Pro lists the options in the prompt and asks for a
letter; a model this small cannot learn that, so the prompt holds the question alone and an option is
scored by its text. ``cot_content`` therefore ends in the option's text as well.
"""

import pandas as pd

from sts_eval.lab.problems import N_OPTIONS, Split, pick_distinct
from sts_eval.lab.styles import CHAIN_OF_THOUGHT, write
from sts_eval.lab.world import CATEGORIES, World

CARD = {"name": "lab_mmlupro", "list_options": False}  # contents of ``benchmark.json``; prompts show no options
SIZES: dict[Split, int] = {"test": 1_000, "validation": 5}  # of each category; validation has the demonstrations
_STREAM: dict[Split, int] = {"validation": 1, "test": 2}


def benchmark_rows(world: World, split: Split, n_per_category: int) -> pd.DataFrame:
    """Make `n_per_category` different questions of each category that `split` owns.

    One row a question with MMLU-Pro's columns in its order, category by category. No question occurs twice, in one
    category or in two. ``cot_content`` is empty in the test split, as in MMLU-Pro.

    Raises:
        ValueError: A category has fewer questions than that.
    """
    rows: list[dict[str, object]] = []
    asked: set[str] = set()
    for number, category in enumerate(CATEGORIES):
        rng = world.stream(_STREAM[split], number)
        for _ in range(n_per_category):
            problem = world.draw_new(category, split, rng, asked)
            options = pick_distinct(rng, (problem.answer, *problem.wrong[: N_OPTIONS - 1]), N_OPTIONS)
            index = options.index(problem.answer)
            rows.append(
                {
                    "question_id": len(rows),
                    "question": problem.question,
                    "options": options,
                    "answer": "ABCDEFGHIJ"[index],
                    "answer_index": index,
                    "cot_content": write(problem, CHAIN_OF_THOUGHT) if split == "validation" else "",
                    "category": category,
                    "src": f"sts-lab/{problem.skill}",
                }
            )
    return pd.DataFrame(rows)
