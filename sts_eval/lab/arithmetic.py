"""Computations in words: the skills that the lab's categories share.

A skill is one computation; a scene lends it a category's nouns. Two categories that use the same skill
ask for the same computation in different words, which is how tuning on one of them can move the other.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sts_eval.lab.problems import N_OPTIONS, Problem, pick, pick_decaying


@dataclass(frozen=True)
class Scene:
    """The nouns that a category lends to a computation.

    Attributes:
        category: Whose nouns they are.
        holder: One container.
        holders: Its plural.
        items: What it contains, in the plural.
        person: Who says something in this category.
    """

    category: str
    holder: str
    holders: str
    items: str
    person: str


Skill = Callable[[np.random.Generator, Scene, float], Problem]
"""Draws a problem; the last argument is how fast the world's rarer things thin out (`pick_decaying`)."""


@dataclass(frozen=True)
class _Unit:
    """One large unit in terms of a small one."""

    large: str
    small: str
    factor: int


UNITS: tuple[_Unit, ...] = (
    _Unit("hours", "minutes", 60),
    _Unit("kilometers", "meters", 1000),
    _Unit("meters", "centimeters", 100),
    _Unit("weeks", "days", 7),
    _Unit("years", "months", 12),
    _Unit("kilograms", "grams", 1000),
    _Unit("decades", "years", 10),
    _Unit("yards", "feet", 3),
    _Unit("liters", "deciliters", 10),
    _Unit("feet", "inches", 12),
    _Unit("gallons", "quarts", 4),
    _Unit("fathoms", "feet", 6),
    _Unit("bushels", "pecks", 4),
    _Unit("quarts", "gills", 8),
    _Unit("shillings", "pence", 12),
    _Unit("chains", "rods", 4),
    _Unit("pounds", "shillings", 20),
    _Unit("miles", "furlongs", 8),
    _Unit("hands", "inches", 4),
    _Unit("leagues", "miles", 3),
)
"""Conversions that the world knows, the common ones first."""

PERCENTAGES: tuple[int, ...] = (5, 10, 20, 25, 30, 40, 50, 60, 75, 80)
"""Percentages asked for; of a multiple of 20 each gives a whole number."""


def numeric_problem(
    rng: np.random.Generator,
    *,
    skill: str,
    question: str,
    answer: int,
    lures: tuple[int, ...],
    steps: tuple[str, ...],
    check: str,
) -> Problem:
    """Complete a problem whose answer is a whole number with nine wrong numbers near it.

    Args:
        rng: Draws the wrong numbers that `lures` leaves open.
        skill: Name of the computation.
        question: The text.
        answer: A number of at least 0.
        lures: Results of likely mistakes; those equal to the answer or below 0 are dropped.
        steps: The workings.
        check: A confirmation.
    """
    wrong = dict.fromkeys(lure for lure in lures if lure >= 0 and lure != answer)
    spread = max(10, answer // 4)
    while len(wrong) < N_OPTIONS - 1:
        near = answer + int(rng.integers(-spread, spread + 1))
        if near >= 0 and near != answer:
            wrong[near] = None
    return Problem(question, str(answer), tuple(map(str, wrong)), steps, check, skill)


def multiply(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask for a * b, with a from 2 to 12 and b from 2 to 20."""
    a, b = int(rng.integers(2, 13)), int(rng.integers(2, 21))
    templates = (
        f"Each {scene.holder} has {a} {scene.items}. How many {scene.items} are in {b} {scene.holders}?",
        f"There are {b} {scene.holders} with {a} {scene.items} each. How many {scene.items} is that?",
        f"{b} {scene.holders} hold {a} {scene.items} apiece. Give the number of {scene.items}.",
        f"Multiply {a} {scene.items} by {b} {scene.holders}.",
    )
    tens, ones = divmod(b, 10)
    steps: tuple[str, ...] = (f"{a} * {b} = {a * b}.",)
    if tens and ones:
        steps = (
            f"{a} * {10 * tens} = {10 * tens * a}.",
            f"{a} * {ones} = {a * ones}.",
            f"{10 * tens * a} + {a * ones} = {a * b}.",
        )
    return numeric_problem(
        rng,
        skill="multiply",
        question=pick(rng, templates),
        answer=a * b,
        lures=(a * (b + 1), a * (b - 1), (a + 1) * b, a + b, a * b + 10),
        steps=steps,
        check=f"{a * b} / {b} = {a}.",
    )


def add(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask for a + b, with a from 10 to 49 and b from 2 to 9."""
    a, b = int(rng.integers(10, 50)), int(rng.integers(2, 10))
    templates = (
        f"A {scene.holder} has {a} {scene.items} and gains {b} more. How many {scene.items} has it now?",
        f"One {scene.holder} holds {a} {scene.items}, another {b}. How many {scene.items} together?",
        f"Add {a} {scene.items} to {b} {scene.items}.",
    )
    tens = 10 * (a // 10 + b // 10)
    ones = a % 10 + b % 10
    return numeric_problem(
        rng,
        skill="add",
        question=pick(rng, templates),
        answer=a + b,
        lures=(a + b + 10, a + b - 10, a + b + 1, a + b - 1, abs(a - b)),
        steps=(f"Tens: {tens}.", f"Ones: {ones}.", f"{tens} + {ones} = {a + b}."),
        check=f"{a + b} - {b} = {a}.",
    )


def subtract(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask for a - b, with a from 22 to 61 and b from 2 to 9."""
    a, b = int(rng.integers(22, 62)), int(rng.integers(2, 10))
    templates = (
        f"A {scene.holder} has {a} {scene.items} and loses {b}. How many {scene.items} are left?",
        f"One {scene.holder} holds {a} {scene.items}, another {b}. What is the difference?",
        f"Take {b} {scene.items} from {a} {scene.items}.",
    )
    tens = 10 * (b // 10)
    return numeric_problem(
        rng,
        skill="subtract",
        question=pick(rng, templates),
        answer=a - b,
        lures=(a - b + 10, a - b - 10, a - b + 1, a - b - 1, a + b),
        steps=(f"{a} - {tens} = {a - tens}.", f"{a - tens} - {b % 10} = {a - b}."),
        check=f"{a - b} + {b} = {a}.",
    )


def divide(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask for an exact quotient from 2 to 15 by a divisor from 2 to 12."""
    b, quotient = int(rng.integers(2, 13)), int(rng.integers(2, 16))
    n = b * quotient
    templates = (
        f"{n} {scene.items} are shared by {b} {scene.holders}. How many {scene.items} does each get?",
        f"{n} {scene.items} fill {b} {scene.holders} evenly. How many are in one {scene.holder}?",
        f"Divide {n} {scene.items} by {b}.",
    )
    return numeric_problem(
        rng,
        skill="divide",
        question=pick(rng, templates),
        answer=quotient,
        lures=(quotient + 1, quotient - 1, quotient + b, n - b, quotient + 10),
        steps=(f"{b} times what is {n}?", f"{b} * {quotient} = {n}.", f"{n} / {b} = {quotient}."),
        check=f"{quotient} * {b} = {n}.",
    )


def percent(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask for p% of n, n a multiple of 20 up to 400."""
    p, n = pick(rng, PERCENTAGES), 20 * int(rng.integers(1, 21))
    answer = p * n // 100
    templates = (
        f"A {scene.holder} has {n} {scene.items}; {p}% are lost. How many are lost?",
        f"What is {p}% of {n} {scene.items}?",
        f"Of {n} {scene.items}, {p} percent go to one {scene.holder}. How many go there?",
    )
    return numeric_problem(
        rng,
        skill="percent",
        question=pick(rng, templates),
        answer=answer,
        lures=(n - answer, n // p, answer + 10, answer * 2, n // 10),
        steps=(f"1% of {n} is {n / 100:g}.", f"{p} * {n / 100:g} = {answer}."),
        check=f"{answer} / {n} = {p / 100:g}.",
    )


def convert(rng: np.random.Generator, scene: Scene, decay: float) -> Problem:
    """Ask for n large units in a smaller one, n from 2 to 20."""
    unit, n = pick_decaying(rng, UNITS, decay), int(rng.integers(2, 21))
    templates = (
        f"The record of one {scene.holder} shows {n} {unit.large}. How many {unit.small} is that?",
        f"Convert the {n} {unit.large} noted for the {scene.items} to {unit.small}.",
        f"In the {scene.person}'s notes, how many {unit.small} equal {n} {unit.large}?",
    )
    answer = n * unit.factor
    others = sorted({other.factor for other in UNITS} - {unit.factor})
    return numeric_problem(
        rng,
        skill="convert",
        question=pick(rng, templates),
        answer=answer,
        lures=(*(n * pick(rng, others) for _ in range(3)), (n + 1) * unit.factor, (n - 1) * unit.factor),
        steps=(
            f"There are {unit.factor} {unit.small} in 1 of the {unit.large}.",
            f"{n} * {unit.factor} = {answer}.",
        ),
        check=f"{answer} / {unit.factor} = {n}.",
    )


def mean(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask for the mean of two numbers up to 38 whose sum is even."""
    middle, half = int(rng.integers(11, 31)), int(rng.integers(1, 9))
    low, high = middle - half, middle + half
    templates = (
        f"Two {scene.holders} show {low} and {high} {scene.items}. What is the mean?",
        f"What is the average of {low} {scene.items} and {high} {scene.items}?",
        f"One {scene.holder} has {low} {scene.items}, one {high}. Give the mean number.",
    )
    return numeric_problem(
        rng,
        skill="mean",
        question=pick(rng, templates),
        answer=middle,
        lures=(low + high, high - low, middle + 1, middle - 1, middle + 10),
        steps=(f"{low} + {high} = {low + high}.", f"{low + high} / 2 = {middle}."),
        check=f"{low} and {high} lie {half} from {middle}.",
    )


def sequence(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask for the next term of an arithmetic sequence with a step from 2 to 9."""
    start, step = int(rng.integers(1, 21)), int(rng.integers(2, 10))
    terms = [start + i * step for i in range(4)]
    shown = ", ".join(map(str, terms))
    templates = (
        f"What comes next: {shown}?",
        f"The {scene.items} of a {scene.holder} grow as {shown}. What is the next number?",
        f"Continue the series of {scene.items} {shown}.",
    )
    answer = terms[-1] + step
    return numeric_problem(
        rng,
        skill="sequence",
        question=pick(rng, templates),
        answer=answer,
        lures=(answer + 1, answer - 1, answer + step, terms[-1] + 1, terms[-1]),
        steps=(f"{terms[3]} - {terms[2]} = {step}.", f"{terms[3]} + {step} = {answer}."),
        check=f"{terms[1]} - {terms[0]} = {step} as well.",
    )


def equation(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask for the x of a * x + b = c, with a from 2 to 5, x from 2 to 10 and b from 1 to 9."""
    a, x, b = int(rng.integers(2, 6)), int(rng.integers(2, 11)), int(rng.integers(1, 10))
    c = a * x + b
    templates = (
        f"Solve {a} * x + {b} = {c} for x.",
        f"A {scene.holder} takes {a} * x + {b} = {c} {scene.items}. What is x?",
        f"Find the x for which {b} + {a} * x = {c}.",
    )
    return numeric_problem(
        rng,
        skill="equation",
        question=pick(rng, templates),
        answer=x,
        lures=(x + 1, x - 1, c - b, x + a, x + b),
        steps=(f"{c} - {b} = {c - b}.", f"{c - b} / {a} = {x}."),
        check=f"{a} * {x} + {b} = {c}.",
    )


def remainder(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask for what is left of n, from 13 to 40, after groups of m from 3 to 7."""
    n, m = int(rng.integers(13, 41)), int(rng.integers(3, 8))
    templates = (
        f"What is {n} % {m}?",
        f"{n} {scene.items} go into {scene.holders} of {m}. How many are left over?",
        f"Give the remainder of {n} {scene.items} divided by {m}.",
    )
    quotient, answer = divmod(n, m)
    return numeric_problem(
        rng,
        skill="remainder",
        question=pick(rng, templates),
        answer=answer,
        lures=(quotient, answer + 1, answer - 1, m - answer, m),
        steps=(f"{quotient} * {m} = {quotient * m}.", f"{n} - {quotient * m} = {answer}."),
        check=f"{quotient * m} + {answer} = {n}.",
    )


def trace(rng: np.random.Generator, scene: Scene, _decay: float) -> Problem:
    """Ask what a variable holds after x = a; x = x + b; x = x * c."""
    a, b, c = int(rng.integers(1, 10)), int(rng.integers(1, 10)), int(rng.integers(2, 4))
    templates = (
        f"x = {a}; x = x + {b}; x = x * {c}. What is x?",
        f"A {scene.holder} runs x = {a}; x += {b}; x *= {c}; print(x). What does it print?",
        f"def f(x): return (x + {b}) * {c}. What is f({a})?",
    )
    answer = (a + b) * c
    return numeric_problem(
        rng,
        skill="trace",
        question=pick(rng, templates),
        answer=answer,
        lures=(a + b * c, a * c + b, answer + c, answer - c, a + b),
        steps=(f"{a} + {b} = {a + b}.", f"{a + b} * {c} = {answer}."),
        check=f"{answer} / {c} = {a + b}.",
    )


SKILLS: dict[str, Skill] = {
    skill.__name__: skill
    for skill in (
        multiply,
        add,
        subtract,
        divide,
        percent,
        convert,
        mean,
        sequence,
        equation,
        remainder,
        trace,
    )
}
"""Every computation by its name."""
