r"""Final answers in texts, and whether two are the same.

A text marks its final answer as MATH and LIMO do (`\boxed{}`), as GSM8K does (`####`), or in words.
"""

import re
from decimal import Decimal

LONGEST = 200  # characters of a final answer; a longer line is a paragraph

_MARKED = (
    re.compile(r"####\s*(.+)"),  # GSM8K
    re.compile(r"(?:final answer|the answer|answer)\s*(?:is\s*:?|:)\s*(.+)", re.IGNORECASE),
)


def final_answer(text: str) -> str | None:
    r"""The final answer in a text.

    That is what the last `\boxed{}` holds, or what follows the last `####` or "the answer is" on its line, or else the
    first line of the text; None where that is empty or longer than an answer is.
    """
    found = _boxed(text)
    if found is None:
        marked = next((hits[-1] for pattern in _MARKED if (hits := pattern.findall(text))), None)
        found = text.strip().partition("\n")[0] if marked is None else marked
    found = found.strip().strip("*$").rstrip(".").strip()
    return found if 0 < len(found) <= LONGEST else None


def same_answer(text: str, answer: str) -> bool:
    """Whether the final answer of a text is a given one: the same number, or the same words."""
    given = final_answer(text)
    return given is not None and _plain(given) == _plain(answer)


def _boxed(text: str) -> str | None:
    """What the last box holds, braces matched."""
    start = text.rfind("\\boxed{")
    if start < 0:
        return None
    start += len("\\boxed{")
    depth = 1
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return text[start:at]
    return None


def _plain(answer: str) -> str | Decimal:
    """A number by its value, anything else without case, outer punctuation and double blanks."""
    text = " ".join(answer.casefold().strip().strip("$").rstrip(".").split())
    number = text.replace(",", "")
    return Decimal(number) if re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", number) else text
