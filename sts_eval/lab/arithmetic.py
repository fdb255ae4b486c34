"""Computations in words: the skills that the lab's categories share.

A skill is one computation; a scene lends it a category's nouns. Two categories that use the same skill
ask for the same computation in different words, which is how tuning on one of them can move the other.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sts_eval.lab.problems import N_OPTIONS, Problem, number, pick, pick_decaying


class Scene(NamedTuple):
    """The nouns that a category lends to a computation."""

    holder: str  # one container
    holders: str
    items: str  # what it contains, in the plural
    person: str  # who says something in this category


Skill = Callable[[np.random.Generator, Scene, float], Problem]
"""Draws a problem; the last argument is how fast the world's rarer things thin out (`pick_decaying`)."""

_UNITS = (
    "hours minutes 60, kilometers meters 1000, meters centimeters 100, weeks days 7, years months 12, "
    "kilograms grams 1000, decades years 10, yards feet 3, liters deciliters 10, feet inches 12, gallons quarts 4, "
    "fathoms feet 6, bushels pecks 4, quarts gills 8, shillings pence 12, chains rods 4, pounds shillings 20, "
    "miles furlongs 8, hands inches 4, leagues miles 3"
)

UNITS: tuple[tuple[str, str, int], ...] = tuple(
    (large, small, int(factor)) for large, small, factor in (unit.split() for unit in _UNITS.split(", "))
)
"""Conversions that the world knows, the common ones first: a large unit, a small one, and how many make it."""

PERCENTAGES = (5, 10, 20, 25, 30, 40, 50, 60, 75, 80)  # of a multiple of 20 each gives a whole number


def numeric_problem(
    rng: np.random.Generator, question: str, answer: int, lures: tuple[int, ...], steps: tuple[str, ...], check: str
) -> Problem:
    """Complete a problem whose answer is a whole number of at least 0 with nine wrong numbers near it.

    Lures are results of likely mistakes; those equal to the answer or below 0 are dropped.
    """
    wrong = dict.fromkeys(lure for lure in lures if lure >= 0 and lure != answer)
    spread = max(10, answer // 4)
    while len(wrong) < N_OPTIONS - 1:
        near = number(rng, answer - spread, answer + spread)
        if near >= 0 and near != answer:
            wrong[near] = None
    return Problem(question, str(answer), tuple(map(str, wrong)), steps, check)


def multiply(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask for a * b."""
    holder, holders, items, _ = scene
    a, b = number(rng, 2, 12), number(rng, 2, 20)
    templates = (
        f"Each {holder} has {a} {items}. How many {items} are in {b} {holders}?",
        f"There are {b} {holders} with {a} {items} each. How many {items} is that?",
        f"{b} {holders} hold {a} {items} apiece. Give the number of {items}.",
        f"Multiply {a} {items} by {b} {holders}.",
    )
    lures = (a * (b + 1), a * (b - 1), (a + 1) * b, a + b, a * b + 10)
    tens, ones = b // 10 * 10, b % 10
    steps: tuple[str, ...] = (f"{a} * {b} = {a * b}.",)
    if tens and ones:
        steps = (f"{a} * {tens} = {a * tens}.", f"{a} * {ones} = {a * ones}.", f"{a * tens} + {a * ones} = {a * b}.")
    return numeric_problem(rng, pick(rng, templates), a * b, lures, steps, f"{a * b} / {b} = {a}.")


def add(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask for a + b."""
    holder, _, items, _ = scene
    a, b = number(rng, 10, 49), number(rng, 2, 9)
    templates = (
        f"A {holder} has {a} {items} and gains {b} more. How many {items} has it now?",
        f"One {holder} holds {a} {items}, another {b}. How many {items} together?",
        f"Add {a} {items} to {b} {items}.",
    )
    lures = (a + b + 10, a + b - 10, a + b + 1, a + b - 1, abs(a - b))
    tens, ones = a // 10 * 10, a % 10 + b
    steps = (f"Tens: {tens}.", f"Ones: {ones}.", f"{tens} + {ones} = {a + b}.")
    return numeric_problem(rng, pick(rng, templates), a + b, lures, steps, f"{a + b} - {b} = {a}.")


def subtract(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask for a - b."""
    holder, _, items, _ = scene
    a, b = number(rng, 22, 61), number(rng, 2, 9)
    templates = (
        f"A {holder} has {a} {items} and loses {b}. How many {items} are left?",
        f"One {holder} holds {a} {items}, another {b}. What is the difference?",
        f"Take {b} {items} from {a} {items}.",
    )
    lures = (a - b + 10, a - b - 10, a - b + 1, a - b - 1, a + b)
    steps = (f"{a} - 0 = {a}.", f"{a} - {b} = {a - b}.")
    return numeric_problem(rng, pick(rng, templates), a - b, lures, steps, f"{a - b} + {b} = {a}.")


def divide(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask for an exact quotient."""
    holder, holders, items, _ = scene
    b, quotient = number(rng, 2, 12), number(rng, 2, 15)
    n = b * quotient
    templates = (
        f"{n} {items} are shared by {b} {holders}. How many {items} does each get?",
        f"{n} {items} fill {b} {holders} evenly. How many are in one {holder}?",
        f"Divide {n} {items} by {b}.",
    )
    lures = (quotient + 1, quotient - 1, quotient + b, n - b, quotient + 10)
    steps = (f"{b} times what is {n}?", f"{b} * {quotient} = {n}.", f"{n} / {b} = {quotient}.")
    return numeric_problem(rng, pick(rng, templates), quotient, lures, steps, f"{quotient} * {b} = {n}.")


def percent(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask for p% of n, a multiple of 20."""
    holder, _, items, _ = scene
    p, n = pick(rng, PERCENTAGES), 20 * number(rng, 1, 20)
    answer = p * n // 100
    templates = (
        f"A {holder} has {n} {items}; {p}% are lost. How many are lost?",
        f"What is {p}% of {n} {items}?",
        f"Of {n} {items}, {p} percent go to one {holder}. How many go there?",
    )
    lures = (n - answer, n // p, answer + 10, answer * 2, n // 10)
    steps = (f"1% of {n} is {n / 100:g}.", f"{p} * {n / 100:g} = {answer}.")
    return numeric_problem(rng, pick(rng, templates), answer, lures, steps, f"{answer} / {n} = {p / 100:g}.")


def convert(rng: np.random.Generator, scene: Scene, decay: float) -> Problem:
    """Ask for n large units in a smaller one."""
    (large, small, factor), n = pick_decaying(rng, UNITS, decay), number(rng, 2, 20)
    templates = (
        f"The record of one {scene.holder} shows {n} {large}. How many {small} is that?",
        f"Convert the {n} {large} noted for the {scene.items} to {small}.",
        f"In the {scene.person}'s notes, how many {small} equal {n} {large}?",
    )
    question, answer = pick(rng, templates), n * factor
    others = sorted({other for _, _, other in UNITS} - {factor})
    lures = (*(n * pick(rng, others) for _ in range(3)), (n + 1) * factor, (n - 1) * factor)
    steps = (f"There are {factor} {small} in 1 of the {large}.", f"{n} * {factor} = {answer}.")
    return numeric_problem(rng, question, answer, lures, steps, f"{answer} / {factor} = {n}.")


def mean(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask for the mean of two numbers whose sum is even."""
    holder, holders, items, _ = scene
    middle, half = number(rng, 11, 30), number(rng, 1, 8)
    low, high = middle - half, middle + half
    templates = (
        f"Two {holders} show {low} and {high} {items}. What is the mean?",
        f"What is the average of {low} {items} and {high} {items}?",
        f"One {holder} has {low} {items}, one {high}. Give the mean number.",
    )
    lures = (low + high, high - low, middle + 1, middle - 1, middle + 10)
    steps = (f"{low} + {high} = {low + high}.", f"{low + high} / 2 = {middle}.")
    check = f"{low} and {high} lie {half} from {middle}."
    return numeric_problem(rng, pick(rng, templates), middle, lures, steps, check)


def sequence(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask for the next term of an arithmetic sequence."""
    start, step = number(rng, 1, 20), number(rng, 2, 9)
    first, second, third, last = (start + i * step for i in range(4))
    answer, shown = last + step, f"{first}, {second}, {third}, {last}"
    templates = (
        f"What comes next: {shown}?",
        f"The {scene.items} of a {scene.holder} grow as {shown}. What is the next number?",
        f"Continue the series of {scene.items} {shown}.",
    )
    lures = (answer + 1, answer - 1, answer + step, last + 1, last)
    steps = (f"{last} - {third} = {step}.", f"{last} + {step} = {answer}.")
    return numeric_problem(rng, pick(rng, templates), answer, lures, steps, f"{second} - {first} = {step} as well.")


def equation(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask for the x of a * x + b = c."""
    a, x, b = number(rng, 2, 5), number(rng, 2, 10), number(rng, 1, 9)
    c = a * x + b
    templates = (
        f"Solve {a} * x + {b} = {c} for x.",
        f"A {scene.holder} takes {a} * x + {b} = {c} {scene.items}. What is x?",
        f"Find the x for which {b} + {a} * x = {c}.",
    )
    lures = (x + 1, x - 1, c - b, x + a, x + b)
    steps = (f"{c} - {b} = {c - b}.", f"{c - b} / {a} = {x}.")
    return numeric_problem(rng, pick(rng, templates), x, lures, steps, f"{a} * {x} + {b} = {c}.")


def remainder(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask for what is left of n after groups of m."""
    _, holders, items, _ = scene
    n, m = number(rng, 13, 40), number(rng, 3, 7)
    templates = (
        f"What is {n} % {m}?",
        f"{n} {items} go into {holders} of {m}. How many are left over?",
        f"Give the remainder of {n} {items} divided by {m}.",
    )
    quotient, answer = divmod(n, m)
    lures = (quotient, answer + 1, answer - 1, m - answer, m)
    steps = (f"{quotient} * {m} = {quotient * m}.", f"{n} - {quotient * m} = {answer}.")
    return numeric_problem(rng, pick(rng, templates), answer, lures, steps, f"{quotient * m} + {answer} = {n}.")


def trace(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask what a variable holds after x = a; x = x + b; x = x * c."""
    a, b, c = number(rng, 1, 9), number(rng, 1, 9), number(rng, 2, 3)
    answer = (a + b) * c
    templates = (
        f"x = {a}; x = x + {b}; x = x * {c}. What is x?",
        f"A {scene.holder} runs x = {a}; x += {b}; x *= {c}; print(x). What does it print?",
        f"def f(x): return (x + {b}) * {c}. What is f({a})?",
    )
    lures = (a + b * c, a * c + b, answer + c, answer - c, a + b)
    steps = (f"{a} + {b} = {a + b}.", f"{a + b} * {c} = {answer}.")
    return numeric_problem(rng, pick(rng, templates), answer, lures, steps, f"{answer} / {c} = {a + b}.")


SKILLS: dict[str, Skill] = {
    skill.__name__: skill
    for skill in (multiply, add, subtract, divide, percent, convert, mean, sequence, equation, remainder, trace)
}
