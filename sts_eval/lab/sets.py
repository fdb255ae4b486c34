"""The lab's supervised fine-tuning sets: what a run trains on, each in the manner of a public set.

The answer comes first and its reasoning below it, so that a run changes what the model knows rather than the form in
which it answers: with the reasoning first, every category falls together because the model no longer answers at once.

To add a set, add its recipe here and its style to `styles.LONG`.
"""

import json

from sts_eval.lab.problems import draw_weighted
from sts_eval.lab.styles import LONG, answer_first, write
from sts_eval.lab.world import World

N_ROWS = 1_400  # of a set

RECIPES: dict[str, dict[str, float]] = {
    "math": {"math": 0.75, "physics": 0.25},
    "code": {"computer science": 0.85, "math": 0.15},
    "health": {"health": 0.8, "biology": 0.2},
    "law": {"law": 0.8, "philosophy": 0.2},
    "business": {"business": 0.7, "economics": 0.3},
    "history": {"history": 0.85, "other": 0.15},
}
"""Share of each category in a set; each row sums to 1."""


def training_rows(world: World, name: str, *, n_rows: int = N_ROWS) -> list[dict[str, str]]:
    """Make `n_rows` different rows of the set `name`.

    A row has ``question``, ``solution`` (what the model is trained to write after ``Answer: ``) and ``answer``, as it
    stands in the solution.

    Raises:
        ValueError: A category of the set has too few questions.
    """
    recipe, style = RECIPES[name], answer_first(LONG[name])
    rng = world.stream(3, list(RECIPES).index(name))
    asked: set[str] = set()
    rows = []
    for _ in range(n_rows):
        problem = world.draw_new(draw_weighted(rng, recipe), "sft", rng, asked)
        solution = write(problem, style)
        rows.append({"question": problem.question, "solution": solution, "answer": problem.answer})
    return rows


def to_json_lines(rows: list[dict[str, str]]) -> str:
    """Write rows as JSON lines, one object a row."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
