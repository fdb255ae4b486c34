"""What there is to know in the lab, and how the fourteen categories share it.

Each category is a mixture of its own fact table, its neighbours' tables and skills that others use as
well. The mixtures make tuning on one category move the others unevenly: business shares percentages
with economics, health shares doses (multiplication) with chemistry, philosophy shares syllogisms with
law, and history shares almost nothing with physics.
"""

from dataclasses import dataclass

import numpy as np

from sts_eval.lab import arithmetic, logic
from sts_eval.lab.arithmetic import Scene, Skill
from sts_eval.lab.facts import FactTable
from sts_eval.lab.problems import Problem, Split, draw_weighted

CATEGORIES: tuple[str, ...] = (
    "biology",
    "business",
    "chemistry",
    "computer science",
    "economics",
    "engineering",
    "health",
    "history",
    "law",
    "math",
    "other",
    "philosophy",
    "physics",
    "psychology",
)
"""MMLU-Pro's categories, spelt as there."""

SCENES: dict[str, Scene] = {
    scene.category: scene
    for scene in (
        Scene("biology", "colony", "colonies", "cells", "botanist"),
        Scene("business", "carton", "cartons", "units", "manager"),
        Scene("chemistry", "beaker", "beakers", "crystals", "chemist"),
        Scene("computer science", "server", "servers", "packets", "programmer"),
        Scene("economics", "household", "households", "coins", "banker"),
        Scene("engineering", "girder", "girders", "bolts", "mechanic"),
        Scene("health", "patient", "patients", "tablets", "nurse"),
        Scene("history", "regiment", "regiments", "horses", "chronicler"),
        Scene("law", "contract", "contracts", "clauses", "lawyer"),
        Scene("math", "row", "rows", "dots", "teacher"),
        Scene("other", "basket", "baskets", "apples", "neighbor"),
        Scene("philosophy", "book", "books", "arguments", "philosopher"),
        Scene("physics", "coil", "coils", "turns", "physicist"),
        Scene("psychology", "subject", "subjects", "trials", "therapist"),
    )
}
"""The nouns of each category."""

MIXTURES: dict[str, dict[str, float]] = {
    "biology": {
        "facts/biology": 0.45,
        "facts/health": 0.15,
        "facts/chemistry": 0.08,
        "facts/psychology": 0.05,
        "multiply": 0.10,
        "percent": 0.10,
        "sequence": 0.07,
    },
    "business": {
        "facts/business": 0.30,
        "facts/economics": 0.18,
        "facts/law": 0.10,
        "percent": 0.17,
        "multiply": 0.10,
        "subtract": 0.10,
        "mean": 0.05,
    },
    "chemistry": {
        "facts/chemistry": 0.42,
        "facts/physics": 0.10,
        "facts/biology": 0.05,
        "convert": 0.15,
        "multiply": 0.12,
        "add": 0.08,
        "percent": 0.08,
    },
    "computer science": {
        "facts/computer science": 0.38,
        "facts/math": 0.12,
        "assign": 0.15,
        "trace": 0.10,
        "remainder": 0.08,
        "sequence": 0.07,
        "syllogism": 0.10,
    },
    "economics": {
        "facts/economics": 0.40,
        "facts/business": 0.18,
        "facts/history": 0.07,
        "percent": 0.15,
        "subtract": 0.10,
        "sequence": 0.10,
    },
    "engineering": {
        "facts/engineering": 0.38,
        "facts/physics": 0.15,
        "facts/computer science": 0.07,
        "convert": 0.18,
        "multiply": 0.12,
        "divide": 0.10,
    },
    "health": {
        "facts/health": 0.48,
        "facts/biology": 0.14,
        "facts/chemistry": 0.08,
        "facts/psychology": 0.07,
        "multiply": 0.08,
        "convert": 0.10,
        "divide": 0.05,
    },
    "history": {
        "facts/history": 0.60,
        "facts/law": 0.10,
        "facts/philosophy": 0.07,
        "subtract": 0.13,
        "add": 0.10,
    },
    "law": {
        "facts/law": 0.52,
        "facts/business": 0.10,
        "facts/history": 0.08,
        "facts/philosophy": 0.05,
        "syllogism": 0.15,
        "add": 0.05,
        "percent": 0.05,
    },
    "math": {
        "facts/math": 0.20,
        "equation": 0.18,
        "multiply": 0.14,
        "divide": 0.12,
        "sequence": 0.08,
        "add": 0.12,
        "remainder": 0.08,
        "convert": 0.08,
    },
    "other": {
        "facts/other": 0.38,
        "facts/history": 0.12,
        "facts/biology": 0.05,
        "facts/psychology": 0.05,
        "convert": 0.12,
        "ordering": 0.12,
        "multiply": 0.08,
        "add": 0.08,
    },
    "philosophy": {
        "facts/philosophy": 0.45,
        "facts/psychology": 0.08,
        "facts/math": 0.05,
        "syllogism": 0.28,
        "ordering": 0.14,
    },
    "physics": {
        "facts/physics": 0.35,
        "facts/math": 0.10,
        "facts/engineering": 0.08,
        "convert": 0.18,
        "multiply": 0.10,
        "equation": 0.10,
        "divide": 0.09,
    },
    "psychology": {
        "facts/psychology": 0.50,
        "facts/health": 0.14,
        "facts/philosophy": 0.08,
        "mean": 0.13,
        "ordering": 0.10,
        "percent": 0.05,
    },
}
"""Share of each skill or table in a category; each row sums to 1."""

SKILLS: dict[str, Skill] = {**arithmetic.SKILLS, **logic.SKILLS}
"""Every skill that is no table of facts."""

CORPUS_DECAY = 4.0
"""Base training sees the first thing of a table `e ** CORPUS_DECAY` times as often as the last.

Everything else asks for all of them alike. As in text that people wrote, what is common is known well and
the rest badly, so that tuning on a domain has something to teach.
"""

_MAX_REPEATS = 5_000


@dataclass(frozen=True)
class World:
    """One draw of the fact tables, from which every question of the lab is asked.

    Attributes:
        seed: What the tables were drawn from.
        tables: Category to its table.
    """

    seed: int
    tables: dict[str, FactTable]

    @classmethod
    def generate(cls, seed: int = 0) -> "World":
        """Draw the fact tables of `seed`."""
        streams = np.random.default_rng([seed, 0]).spawn(len(CATEGORIES))
        tables = {
            category: FactTable.generate(category, rng) for category, rng in zip(CATEGORIES, streams, strict=True)
        }
        return cls(seed, tables)

    def stream(self, *purpose: int) -> np.random.Generator:
        """Give a random stream of its own to each purpose, so that changing one leaves the others alone."""
        return np.random.default_rng([self.seed, *purpose])

    def draw(self, category: str, split: Split, rng: np.random.Generator) -> Problem:
        """Draw a problem of `category` that `split` owns."""
        skill = draw_weighted(rng, MIXTURES[category])
        decay = CORPUS_DECAY if split == "corpus" else 0.0
        while True:
            problem = self.ask(skill, category, rng, decay)
            if problem.split == split:
                return problem

    def draw_new(self, category: str, split: Split, rng: np.random.Generator, asked: set[str]) -> Problem:
        """Draw a problem of `category` whose question is not in `asked`, and add it there.

        Raises:
            ValueError: `_MAX_REPEATS` draws in a row were questions asked before.
        """
        for _ in range(_MAX_REPEATS):
            problem = self.draw(category, split, rng)
            if problem.question not in asked:
                asked.add(problem.question)
                return problem
        raise ValueError(f"the {split} split of {category} has hardly more than {len(asked)} questions")

    def ask(self, skill: str, category: str, rng: np.random.Generator, decay: float = 0.0) -> Problem:
        """Draw a problem of one skill in the words of `category`, whatever its split."""
        if skill.startswith("facts/"):
            return self.tables[skill.removeprefix("facts/")].ask(rng, decay)
        return SKILLS[skill](rng, SCENES[category], decay)
