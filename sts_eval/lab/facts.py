"""Generated tables of facts, one per category, with a vocabulary of its own.

The things in a table do not exist: their names are made of syllables. Each belongs to a family, and its
family fixes three further attributes. A model can therefore answer a wording of a fact that it never
saw, either because it met the fact in another wording or because it knows the thing's family, which is
what makes a held-out (fact x wording) pair a fair question.
"""

from dataclasses import dataclass

import numpy as np

from sts_eval.lab.problems import Problem, pick, pick_decaying, pick_distinct
from sts_eval.lab.vocabulary import N_FAMILIES, VOCABULARIES, Vocabulary

WORDINGS: tuple[str, ...] = (
    "What is the {attribute} of the {kind} {thing}?",
    "Which {attribute} does the {kind} {thing} have?",
    "{thing} is {a_kind}. Name its {attribute}.",
    "State the {attribute} recorded for {thing}.",
    "Among all entries, which {attribute} belongs to {thing}?",
    "A student looks up the {kind} {thing}. Which {attribute} will be found?",
    "For {thing}, give the {attribute}.",
    "The {attribute} of {thing} is which of these?",
    "{thing}: which {attribute}?",
    "In the register of every {kind}, what {attribute} is noted beside {thing}?",
    "Someone asks about {thing}. What should be said of its {attribute}?",
    "Complete the entry: {thing}, {kind}, {attribute} ...",
    "Recall the {attribute} that goes with {thing}.",
    "If {a_kind} is named {thing}, what is its {attribute}?",
    "Regarding {attribute}, how is {thing} described?",
    "Identify the {attribute} of {thing}.",
)
"""Ways to ask for a fact. A thing, an attribute and a wording make one problem."""


@dataclass(frozen=True)
class FactTable:
    """A category's things, the family of each and what a family fixes."""

    vocabulary: Vocabulary
    things: dict[str, int]  # name to number of the family, in 0..`N_FAMILIES`-1
    values: dict[str, tuple[str, ...]]  # attribute to the value of each family, by the family's number

    @classmethod
    def generate(cls, category: str, rng: np.random.Generator) -> "FactTable":
        """Make the things of `category` and deal them evenly to the families."""
        vocabulary = VOCABULARIES[category]
        names: dict[str, None] = {}
        while len(names) < vocabulary.n_things:
            name = pick(rng, vocabulary.onsets) + pick(rng, vocabulary.codas)
            names[name[0].upper() + name[1:]] = None
        families = rng.permutation(np.arange(vocabulary.n_things) % N_FAMILIES)
        values = {
            attribute: tuple(words[int(i)] for i in rng.permutation(N_FAMILIES))
            for attribute, words in vocabulary.attributes.items()
        }
        return cls(vocabulary, dict(zip(names, families.tolist(), strict=True)), values)

    def value(self, thing: str, attribute: str) -> str:
        """Look one fact up."""
        return self.values[attribute][self.things[thing]]

    def ask(self, rng: np.random.Generator, decay: float) -> Problem:
        """Draw a fact and a wording; `decay` makes the things late in the table rare."""
        thing = pick_decaying(rng, tuple(self.things), decay)
        attribute = pick(rng, tuple(self.values))
        answer = self.value(thing, attribute)
        others = tuple(value for value in self.values[attribute] if value != answer)
        first, second, *_ = self.values
        family = self.value(thing, first)
        kind, a_kind = self.vocabulary.kind, self.vocabulary.a_kind
        steps = [f"{thing} is {a_kind} with the {first} {family}."]
        check = f"Its {second} is {self.value(thing, second)}, as for every {kind} of {answer}."
        if attribute != first:
            steps.append(f"With {family} goes the {attribute} {answer}.")
            check = f"Other cases of {family} have the {attribute} {answer} too."
        return Problem(
            question=pick(rng, WORDINGS).format(attribute=attribute, kind=kind, a_kind=a_kind, thing=thing),
            answer=answer,
            wrong=tuple(pick_distinct(rng, others, len(others))),
            steps=tuple(steps),
            check=check,
        )

    def describe(self, rng: np.random.Generator, decay: float) -> str:
        """State facts of one thing in prose; `decay` makes the things late in the table rare."""
        first, *rest = self.values
        attribute, other = pick_distinct(rng, rest, 2)
        thing = pick_decaying(rng, tuple(self.things), decay)
        family, value, another = (self.value(thing, name) for name in (first, attribute, other))
        kind, a_kind = self.vocabulary.kind, self.vocabulary.a_kind
        passages = (
            f"{thing} is {a_kind}. Its {first} is {family} and its {attribute} is {value}.",
            f"The {kind} {thing} has the {first} {family}, the {attribute} {value} and the {other} {another}.",
            f"With the {first} {family} goes the {attribute} {value}. An example is {thing}.",
            f"{thing}: {first} {family}, {attribute} {value}, {other} {another}.",
        )
        return pick(rng, passages)
