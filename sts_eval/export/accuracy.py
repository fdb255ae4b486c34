"""Accuracy of the untuned and the tuned models, by domain and over all questions, with errors where answers are known.

The error of the untuned model is over questions. That of the tuned ones is of their mean over seeds, and covers
questions and seeds (`sts_eval.statistics.seeds`). The error of a *change*, which is all that a submission without
answers has, is another figure and is never shown as an accuracy's.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sts_eval.records.outcome import DomainOutcome, Outcome
from sts_eval.records.transfer import DomainAnswers
from sts_eval.statistics import mean_change_over_seeds
from sts_eval.statistics.paired import POINTS

State = Literal["before", "after"]


@dataclass(frozen=True)
class Accuracy:
    """One accuracy.

    Attributes:
        value: Proportion of right answers; for tuned models the mean over seeds.
        n: Questions.
        se: Standard error, a proportion; None where answers are not known or there is one question.
        by_seed: Proportion of each tuned model, in the order of seeds; empty for the untuned model or if not known.
    """

    value: float
    n: int
    se: float | None
    by_seed: tuple[float, ...] = ()

    @property
    def se_over(self) -> str:
        """What the error covers."""
        return "questions and seeds" if len(self.by_seed) > 1 else "questions"


@dataclass(frozen=True)
class Scores:
    """One domain, or all of them.

    Attributes:
        domain: Its name; None for all questions together, each counting once.
        before: The untuned model; None where it is not known.
        after: The tuned models.
    """

    domain: str | None
    before: Accuracy | None
    after: Accuracy | None

    def of(self, state: State) -> Accuracy | None:
        """The untuned model's accuracy or the tuned ones'."""
        return self.before if state == "before" else self.after


def of_answers(answers: Iterable[DomainAnswers]) -> tuple[Scores, ...]:
    """All questions together and then each domain, from the answers themselves."""
    names, before, after = [], [], []
    for table in answers:
        names.append(table.domain)
        before.append(np.array([table.before.right], dtype=np.float64))
        after.append(np.array([replies.right for replies in table.after], dtype=np.float64))
    domains = [
        Scores(name, _measured(was), _measured(now, tuned=True))
        for name, was, now in zip(names, before, after, strict=True)
        if was.size
    ]
    if not domains:
        return ()
    pooled = _measured(np.concatenate(before, axis=1)), _measured(np.concatenate(after, axis=1), tuned=True)
    return (Scores(None, *pooled), *domains)


def of_outcome(outcome: Outcome) -> tuple[Scores, ...]:
    """All questions together, where every domain is known, and then each domain that is, without errors."""
    domains = [_reported(one) for one in outcome.domains if one.accuracy_before is not None]
    if len(domains) < len(outcome.domains):
        return tuple(domains)
    befores = [one.before for one in domains if one.before is not None]
    afters = [one.after for one in domains if one.after is not None]
    return (Scores(None, _pooled(befores), _pooled(afters)), *domains)


def _measured(right: NDArray[np.float64], *, tuned: bool = False) -> Accuracy:
    """From answers of shape (models, questions), 1 where right."""
    n = right.shape[1]
    se = None
    if n > 1:
        change = mean_change_over_seeds(np.zeros(n), right)  # an accuracy is the change from nothing right
        se = change.item_se if change.se is None else change.se
    by_seed = tuple(map(float, right.mean(axis=1))) if tuned else ()
    return Accuracy(float(right.mean()), n, se, by_seed)


def _reported(one: DomainOutcome) -> Scores:
    was = one.accuracy_before or 0.0
    by_seed = tuple(_proportion(was + delta / POINTS) for delta in one.accuracy.by_seed)
    after = Accuracy(_proportion(was + one.accuracy.delta / POINTS), one.n, None, by_seed)
    return Scores(one.domain, Accuracy(was, one.n, None), after)


def _pooled(parts: list[Accuracy]) -> Accuracy:
    weights = [part.n for part in parts]
    seeds = {len(part.by_seed) for part in parts}
    by_seed: tuple[float, ...] = ()
    if len(seeds) == 1:
        by_seed = tuple(map(float, np.average([part.by_seed for part in parts], axis=0, weights=weights)))
    value = float(np.average([part.value for part in parts], weights=weights))
    return Accuracy(_proportion(value), sum(weights), None, by_seed)


def _proportion(value: float) -> float:
    """Rounded figures of papers may add up to a little more than everything."""
    return min(max(value, 0.0), 1.0)
