"""The answer to a benchmark question, worked out from its text alone.

Written without the generator's skills, so that a mistake in a template and its answer cannot agree. Facts
are looked up in the world's tables, which are the only place where they exist.
"""

import re
from itertools import pairwise

from sts_eval.lab.logic import RELATIONS
from sts_eval.lab.world import World

_FACTORS = {
    ("hours", "minutes"): 60,
    ("kilometers", "meters"): 1000,
    ("meters", "centimeters"): 100,
    ("weeks", "days"): 7,
    ("years", "months"): 12,
    ("kilograms", "grams"): 1000,
    ("decades", "years"): 10,
    ("yards", "feet"): 3,
    ("liters", "deciliters"): 10,
    ("feet", "inches"): 12,
    ("gallons", "quarts"): 4,
    ("fathoms", "feet"): 6,
    ("bushels", "pecks"): 4,
    ("quarts", "gills"): 8,
    ("shillings", "pence"): 12,
    ("chains", "rods"): 4,
    ("pounds", "shillings"): 20,
    ("miles", "furlongs"): 8,
    ("hands", "inches"): 4,
    ("leagues", "miles"): 3,
}


def derive(question: str, skill: str, world: World) -> str:
    """Answer `question`, which needs `skill`."""
    if skill.startswith("facts/"):
        return _fact(question, skill.removeprefix("facts/"), world)
    if skill in _LOGIC:
        return _LOGIC[skill](question)
    return str(_computed(question, skill))


def _computed(question: str, skill: str) -> int:  # noqa: PLR0911, PLR0912 -- one case a skill
    numbers = [int(number) for number in re.findall(r"\d+", question)]
    match skill:
        case "multiply":
            return numbers[0] * numbers[1]
        case "add":
            return numbers[0] + numbers[1]
        case "subtract":
            if question.startswith("Take"):
                numbers.reverse()
            return numbers[0] - numbers[1]
        case "divide":
            assert numbers[0] % numbers[1] == 0
            return numbers[0] // numbers[1]
        case "remainder":
            return numbers[0] % numbers[1]
        case "mean":
            assert sum(numbers) % 2 == 0
            return sum(numbers) // 2
        case "sequence":
            steps = {later - earlier for earlier, later in pairwise(numbers)}
            assert len(steps) == 1
            return numbers[-1] + steps.pop()
        case "percent":
            (share,) = re.findall(r"(\d+)(?:%| percent)", question)
            numbers.remove(int(share))
            assert int(share) * numbers[0] % 100 == 0
            return int(share) * numbers[0] // 100
        case "convert":
            ((count, large),) = re.findall(r"(\d+) (\w+)", question)
            (small,) = {s for s in re.findall(r"\w+", question) if (large, s) in _FACTORS}
            return int(count) * _FACTORS[large, small]
        case "equation":
            (factor,) = re.findall(r"(\d+) \* x", question)
            numbers.remove(int(factor))
            summand, total = numbers
            (x,) = [x for x in range(200) if int(factor) * x + summand == total]
            return x
        case "trace":
            if question.startswith("def"):
                summand, factor, start = numbers
            else:
                start, summand, factor = numbers
            return (start + summand) * factor
        case _:
            raise AssertionError(f"no derivation for {skill}")


def _fact(question: str, category: str, world: World) -> str:
    table = world.tables[category]
    words = set(re.findall(r"[\w-]+", question))
    (thing,) = words & set(table.things)
    (attribute,) = words & set(table.values)
    return table.values[attribute][table.things[thing]]


def _syllogism(question: str) -> str:
    inclusions = re.findall(r"All (\w+) are (\w+)\.", question)
    asked = re.findall(r"\b(\w+) that are (\w+) are also what|Beside (\w+), what are all (\w+)\?", question)
    if asked:
        first, middle, middle_too, first_too = asked[0]
        start, between = first or first_too, middle or middle_too
    else:
        (start,) = re.findall(r"every one of the (\w+)\?", question)
        (between,) = [whole for part, whole in inclusions if part == start]
    assert (start, between) in inclusions
    (reached,) = [whole for part, whole in inclusions if part == between]
    return reached


def _ordering(question: str) -> str:
    relation, most, least = next(words for words in RELATIONS if words[0] in question)
    above = re.findall(rf"(\w+) is {relation} (\w+)\.", question)
    upper, lower = {a for a, _ in above}, {b for _, b in above}
    (answer,) = upper - lower if most in question else lower - upper
    assert (most in question) != (least in question)
    return answer


def _assign(question: str) -> str:
    values = dict(re.findall(r"([xyz]) = (\d+)", question))
    ((_, source),) = re.findall(r"([xyz]) = ([xyz])", question)
    return values[source]


_LOGIC = {"syllogism": _syllogism, "ordering": _ordering, "assign": _assign}
