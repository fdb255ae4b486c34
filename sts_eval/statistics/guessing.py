"""Questions lost and gained, counted apart, with the luck of guessing taken off.

The net change of accuracy hides how many questions change sides. After Harmon et al. (arXiv 2510.17776), questions that
were right before and wrong after (lost) and the other way round (gained) are counted apart, under their model of
an answer: a model knows it, or takes one of the k options at random. They subtract the transitions that the two
accuracies lead one to expect; here the questions that are wrong on both sides say how many to subtract, which needs no
independence of what is known before and after.

Let l, g and u be the shares of questions that are known only before, only after, and on neither side, and c = 1/k.
Guesses before and after are taken to be independent. Then

    P(right, wrong) = (1 - c) (l + c u)
    P(wrong, right) = (1 - c) (g + c u)
    P(wrong, wrong) = (1 - c)² u

and with shares of questions in place of the probabilities

    l = k/(k - 1) · [lost - (wrong on both sides)/(k - 1)]
    g = k/(k - 1) · [gained - (wrong on both sides)/(k - 1)]

so that g - l is the net change times k/(k - 1). Both are sums over questions, each with its own k. An answer that could
not be read is no guess: it has c = 0. A model that guesses the same option twice makes fewer lucky changes than
independent guesses do, so that l and g are then too low, by the same amount.

Worked example: 100 questions with 4 options, 12 lost, 10 gained, 18 wrong on both sides. Luck explains 18/3 = 6 of
either; l = 4/3 · (12 - 6) = 8 and g = 4/3 · (10 - 6) = 5.3 of a hundred, where the net change is -2.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sts_eval.statistics.paired import POINTS, right_or_wrong
from sts_eval.statistics.result import Floats


class KnownChanges(NamedTuple):
    """Per hundred questions; below 0 where fewer changed than luck leads one to expect."""

    lost: float
    lost_se: float | None  # over questions; None for one question
    gained: float
    gained_se: float | None


def known_changes(
    before: ArrayLike, after: ArrayLike, chance_before: ArrayLike, chance_after: ArrayLike
) -> KnownChanges:
    """Questions known before and not after, and the other way round, by the formula above.

    Args:
        before: Right (True or 1) or wrong answers of the untuned model, shape (n,).
        after: Of the tuned models, shape (n_seeds, n). Figures are means over seeds.
        chance_before: What a guess is right by, 1/k, or 0 where no answer was read, shape (n,).
        chance_after: The same of the tuned models, shape (n_seeds, n).

    Raises:
        ValueError: A value is neither 0 nor 1, a chance is not in [0, 1), or the shapes do not fit.
    """
    was, is_now = right_or_wrong(before), right_or_wrong(after)
    luck_was, luck_now = (np.asarray(chance, dtype=np.float64) for chance in (chance_before, chance_after))
    if was.ndim != 1 or is_now.ndim != 2 or is_now.shape[1:] != was.shape or not is_now.size:  # noqa: PLR2004 -- seeds
        raise ValueError(f"needs answers of shapes (n,) and (n_seeds, n), not {was.shape} and {is_now.shape}")
    if luck_was.shape != was.shape or luck_now.shape != is_now.shape:
        raise ValueError("needs a chance for every answer")
    if not all(((luck >= 0) & (luck < 1)).all() for luck in (luck_was, luck_now)):
        raise ValueError("a chance is not in [0, 1): a question needs two options")
    lost, gained = _lost(was, is_now, luck_was, luck_now), _lost(is_now, was, luck_now, luck_was)
    return KnownChanges(*_mean(lost), *_mean(gained))


def _lost(first: NDArray[np.bool_], second: NDArray[np.bool_], luck_first: Floats, luck_second: Floats) -> Floats:
    """What each question adds to those known in the first answers and not in the second."""
    right_by_luck = ~first * luck_first / (1 - luck_first)
    added: Floats = ~second * (first - right_by_luck) / (1 - luck_second)
    return added


def _mean(by_seed: Floats) -> tuple[float, float | None]:
    """Mean over questions of the mean over seeds, and its standard error, in points."""
    each = POINTS * by_seed.mean(axis=0)
    return float(each.mean()), float(each.std(ddof=1) / np.sqrt(len(each))) if len(each) > 1 else None
