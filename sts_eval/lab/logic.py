"""Reasoning over invented terms: everything needed for the answer stands in the question."""

import numpy as np

from sts_eval.lab.arithmetic import Scene, Skill, numeric_problem
from sts_eval.lab.problems import N_OPTIONS, Problem, pick, pick_distinct

_KINDS = (
    "blickets daxes feps glorps hobes jarns kivs lupins mipps norgs "
    "plips quons rilks sarns tovs umpers wugs yimps zorps crels drofs"
)
_NAMES = "Ada Ben Carl Dora Emma Fred Gina Hugo Ines Jack Kate Liam Mona Nils Olga Paul Rosa Sam Tina Vera"

KINDS: tuple[str, ...] = tuple(_KINDS.split())  # invented kinds of things for syllogisms
NAMES: tuple[str, ...] = tuple(_NAMES.split())  # people to be put in order

RELATIONS: tuple[tuple[str, str, str], ...] = (
    ("older than", "oldest", "youngest"),
    ("taller than", "tallest", "shortest"),
    ("faster than", "fastest", "slowest"),
    ("richer than", "richest", "poorest"),
)
"""A relation, who is first in it and who last."""


def syllogism(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask what follows from two premises that chain, beside one that leads nowhere."""
    first, middle, last, other = pick_distinct(rng, KINDS, 4)
    premises = (f"All {first} are {middle}.", f"All {middle} are {last}.", f"All {other} are {middle}.")
    shown = " ".join(pick_distinct(rng, premises, len(premises)))
    templates = (
        f"{shown} So all {first} that are {middle} are also what?",
        f"The {scene.person} states: {shown} Beside {middle}, what are all {first}?",
        f"{shown} Which third kind must include every one of the {first}?",
    )
    question = pick(rng, templates)
    absent = [kind for kind in KINDS if kind not in (first, middle, last, other)]
    return Problem(
        question=question,
        answer=last,
        wrong=(other, first, *pick_distinct(rng, absent, N_OPTIONS - 3)),
        steps=(*premises[:2], f"So all {first} are {last}."),
        check=f"Nothing says that {first} are {other}.",
        key=question.replace(shown, " ".join(sorted(premises))),
    )


def ordering(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask who is first or last of three people from two comparisons."""
    top, centre, bottom = pick_distinct(rng, NAMES, 3)
    relation, most, least = pick(rng, RELATIONS)
    want_most = bool(rng.integers(2))
    shown = f"{top} is {relation} {centre}. {centre} is {relation} {bottom}."
    asked = most if want_most else least
    templates = (
        f"{shown} Who is the {asked}?",
        f"The {scene.person} says: {shown} Name the {asked} of the three.",
    )
    question = pick(rng, templates)
    answer, lure = (top, bottom) if want_most else (bottom, top)
    absent = [name for name in NAMES if name not in (top, centre, bottom)]
    return Problem(
        question=question,
        answer=answer,
        wrong=(lure, centre, *pick_distinct(rng, absent, N_OPTIONS - 3)),
        steps=(f"From first to last: {top}, {centre}, {bottom}.", f"The {asked} is {answer}."),
        check=f"{lure} is at the other end.",
    )


def assign(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask what a variable holds after another of three was copied into it."""
    names = pick_distinct(rng, ("x", "y", "z"), 3)
    values = dict(zip(names, pick_distinct(rng, range(2, 31), 3), strict=True))
    target, source, third = names
    shown = "; ".join(f"{name} = {values[name]}" for name in sorted(names))
    templates = (
        f"{shown}; {target} = {source}. What is {target}?",
        f"A {scene.holder} runs {shown}; {target} = {source}; print({target}). What does it print?",
        f"Given {shown}, what is {target} after {target} = {source}?",
    )
    answer = values[source]
    question = pick(rng, templates)
    lures = (values[target], values[third], answer + values[target])
    steps = (f"{source} holds {answer}.", f"{target} = {source} makes {target} hold {answer}.")
    return numeric_problem(rng, question, answer, lures, steps, f"The old {values[target]} of {target} is gone.")


SKILLS: dict[str, Skill] = {skill.__name__: skill for skill in (syllogism, ordering, assign)}
