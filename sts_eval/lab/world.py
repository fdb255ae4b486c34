"""What there is to know in the lab, and how the fourteen categories share it.

Each category is a mixture of its own fact table, its neighbours' tables and skills that others use as
well. The mixtures make tuning on one category move the others unevenly: business shares percentages
with economics, health shares doses (multiplication) with chemistry, philosophy shares syllogisms with
law, and history shares almost nothing with physics.
"""

from dataclasses import dataclass, replace

import numpy as np

from sts_eval.lab import arithmetic, logic
from sts_eval.lab.arithmetic import Scene, Skill
from sts_eval.lab.facts import FactTable
from sts_eval.lab.problems import Problem, Split, draw_weighted

SCENES: dict[str, Scene] = {
    "biology": Scene("colony", "colonies", "cells", "botanist"),
    "business": Scene("carton", "cartons", "units", "manager"),
    "chemistry": Scene("beaker", "beakers", "crystals", "chemist"),
    "computer science": Scene("server", "servers", "packets", "programmer"),
    "economics": Scene("household", "households", "coins", "banker"),
    "engineering": Scene("girder", "girders", "bolts", "mechanic"),
    "health": Scene("patient", "patients", "tablets", "nurse"),
    "history": Scene("regiment", "regiments", "horses", "chronicler"),
    "law": Scene("contract", "contracts", "clauses", "lawyer"),
    "math": Scene("row", "rows", "dots", "teacher"),
    "other": Scene("basket", "baskets", "apples", "neighbor"),
    "philosophy": Scene("book", "books", "arguments", "philosopher"),
    "physics": Scene("coil", "coils", "turns", "physicist"),
    "psychology": Scene("subject", "subjects", "trials", "therapist"),
}

CATEGORIES: tuple[str, ...] = tuple(SCENES)  # MMLU-Pro's, spelt as there

_MIXTURES = """
biology: facts/biology 45, facts/health 15, facts/chemistry 8, facts/psychology 5, multiply 10, percent 10, sequence 7
business: facts/business 30, facts/economics 18, facts/law 10, percent 17, multiply 10, subtract 10, mean 5
chemistry: facts/chemistry 42, facts/physics 10, facts/biology 5, convert 15, multiply 12, add 8, percent 8
computer science: facts/computer science 38, facts/math 12, assign 15, trace 10, remainder 8, sequence 7, syllogism 10
economics: facts/economics 40, facts/business 18, facts/history 7, percent 15, subtract 10, sequence 10
engineering: facts/engineering 38, facts/physics 15, facts/computer science 7, convert 18, multiply 12, divide 10
health: facts/health 48, facts/biology 14, facts/chemistry 8, facts/psychology 7, multiply 8, convert 10, divide 5
history: facts/history 60, facts/law 10, facts/philosophy 7, subtract 13, add 10
law: facts/law 52, facts/business 10, facts/history 8, facts/philosophy 5, syllogism 15, add 5, percent 5
math: facts/math 20, equation 18, multiply 14, divide 12, sequence 8, add 12, remainder 8, convert 8
other: facts/other 38, facts/history 12, facts/biology 5, facts/psychology 5, convert 12, ordering 12, multiply 8, add 8
philosophy: facts/philosophy 45, facts/psychology 8, facts/math 5, syllogism 28, ordering 14
physics: facts/physics 35, facts/math 10, facts/engineering 8, convert 18, multiply 10, equation 10, divide 9
psychology: facts/psychology 50, facts/health 14, facts/philosophy 8, mean 13, ordering 10, percent 5
"""

MIXTURES: dict[str, dict[str, float]] = {
    category: {skill: int(share) / 100 for skill, share in (part.rsplit(" ", 1) for part in shares.split(", "))}
    for category, shares in (line.split(": ") for line in _MIXTURES.strip().splitlines())
}
"""Share of each skill or table in a category (above in percent); each row sums to 1."""

SKILLS: dict[str, Skill] = {**arithmetic.SKILLS, **logic.SKILLS}  # all that is no table of facts

CORPUS_DECAY = 4.0
"""Base training sees the first thing of a table `e ** CORPUS_DECAY` times as often as the last.

Everything else asks for all of them alike. As in text that people wrote, what is common is known well and
the rest badly, so that tuning on a domain has something to teach.
"""

_MAX_REPEATS = 5_000


@dataclass(frozen=True)
class World:
    """One draw of the fact tables, from which every question of the lab is asked."""

    seed: int
    tables: dict[str, FactTable]  # by category

    @classmethod
    def generate(cls, seed: int = 0) -> "World":
        """Draw the fact tables of `seed`."""
        streams = np.random.default_rng([seed, 0]).spawn(len(CATEGORIES))
        tables = map(FactTable.generate, CATEGORIES, streams)
        return cls(seed, dict(zip(CATEGORIES, tables, strict=True)))

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
            problem = self.tables[skill.removeprefix("facts/")].ask(rng, decay)
        else:
            problem = SKILLS[skill](rng, SCENES[category], decay)
        return replace(problem, skill=skill)
