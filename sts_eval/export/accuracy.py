"""Accuracy of the untuned and the tuned models, by domain and over all questions, with errors where answers are known.

The error of the untuned model is over questions. That of the tuned ones is of their mean over seeds, and covers
questions and seeds (`sts_eval.statistics.seeds`). The error of a *change*, which is all that a submission without
answers has, is another figure and is never shown as an accuracy's.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sts_eval.records.outcome import Outcome
from sts_eval.records.transfer import DomainAnswers
from sts_eval.statistics import mean_change_over_seeds
from sts_eval.statistics.paired import POINTS

State = Literal["before", "after"]  # of the model: untuned, or tuned


@dataclass(frozen=True)
class Accuracy:
    """One accuracy."""

    value: float  # proportion of right answers; for tuned models the mean over seeds
    n: int  # questions
    se: float | None = None  # standard error, a proportion; None where answers are not known or there is one question
    by_seed: tuple[float, ...] = ()  # proportion of each tuned model; empty for the untuned model or if not known

    @property
    def se_over(self) -> str:
        """What the error covers."""
        return "questions and seeds" if len(self.by_seed) > 1 else "questions"


@dataclass(frozen=True)
class Scores:
    """Accuracies on one domain, or on all of them."""

    domain: str | None  # None for all questions together, each counting once
    before: Accuracy
    after: Accuracy

    def of(self, state: State) -> Accuracy:
        """The untuned model's accuracy or the tuned ones'."""
        return self.before if state == "before" else self.after


def of_answers(answers: Iterable[DomainAnswers]) -> tuple[Scores, ...]:
    """All questions together and then each domain that has questions, from the answers themselves."""
    asked = [table for table in answers if table.question_ids]
    if not asked:
        return ()
    right = [np.array([replies.right for replies in (table.before, *table.after)], dtype=np.float64) for table in asked]
    domains = [_measured(table.domain, rows) for table, rows in zip(asked, right, strict=True)]
    return (_measured(None, np.concatenate(right, axis=1)), *domains)


def of_outcome(outcome: Outcome) -> tuple[Scores, ...]:
    """All questions together, where every domain is known, and then each domain that is, without errors."""
    domains = []
    for one in outcome.domains:
        if (was := one.accuracy_before) is not None:
            by_seed = tuple(_proportion(was + delta / POINTS) for delta in one.accuracy.by_seed)
            after = Accuracy(_proportion(was + one.accuracy.delta / POINTS), one.n, by_seed=by_seed)
            domains.append(Scores(one.domain, Accuracy(was, one.n), after))
    if len(domains) < len(outcome.domains):
        return tuple(domains)
    pooled = Scores(None, _pooled([one.before for one in domains]), _pooled([one.after for one in domains]))
    return (pooled, *domains)


def _measured(domain: str | None, right: NDArray[np.float64]) -> Scores:
    """From answers of shape (1 + seeds, questions), 1 where right; the first row is the untuned model's."""
    before, after, n = right[:1], right[1:], right.shape[1]
    by_seed = tuple(map(float, after.mean(axis=1)))
    return Scores(
        domain,
        Accuracy(float(before.mean()), n, _standard_error(before)),
        Accuracy(float(after.mean()), n, _standard_error(after), by_seed),
    )


def _standard_error(right: NDArray[np.float64]) -> float | None:
    """Of the mean of answers of shape (models, questions)."""
    n = right.shape[1]
    if n <= 1:
        return None
    change = mean_change_over_seeds(np.zeros(n), right)  # an accuracy is the change from nothing right
    return change.item_se if change.se is None else change.se


def _pooled(parts: list[Accuracy]) -> Accuracy:
    """The mean over questions; that of each seed too, where all parts have the same number of seeds."""
    weights = [part.n for part in parts]
    by_seed: tuple[float, ...] = ()
    if len({len(part.by_seed) for part in parts}) == 1:
        by_seed = tuple(map(float, np.average([part.by_seed for part in parts], axis=0, weights=weights)))
    value = float(np.average([part.value for part in parts], weights=weights))
    return Accuracy(_proportion(value), sum(weights), by_seed=by_seed)


def _proportion(value: float) -> float:
    """Rounded figures of papers may add up to a little more than everything."""
    return min(max(value, 0.0), 1.0)
