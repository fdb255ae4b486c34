"""What a predictor is: a number per domain, from the untuned model and the data alone.

A predictor is a function of a `Study`. It says which parts of the study it needs; the study reads those
once, whatever the number of predictors that want them. Larger scores stand for a larger expected rise (or,
for predictors of magnitude such as STS_ICL, a larger expected change), so distances enter with a minus.

    @predictor("longest_question", needs={Need.TEXTS})
    def longest_question(study: Study) -> Scores:
        '''Characters in the longest question of the domain.'''
        return {name: max(map(len, texts)) for name, texts in study.texts.domains.items()}

A package of anybody's adds predictors as entry points of the group `sts_eval.predictors`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sts_eval.records.prediction import Score
from sts_eval.study.need import Need

if TYPE_CHECKING:
    from sts_eval.study.study import Study

__all__ = ["Flag", "Need", "Predictor", "Scores", "predictor"]

Scores = Mapping[str, float | Score]
"""By domain a number, or a number with its standard error and its spread over seeds."""


class Flag(StrEnum):
    """What a predictor takes beyond forward passes of the untuned model over questions."""

    LABELS = "L"
    GRADIENTS = "G"
    TRAINING = "P"
    ORACLE = "O"


@dataclass(frozen=True)
class Predictor:
    """One number per domain.

    Attributes:
        name: Its name.
        group: The family it belongs to, which can be asked for by name.
        needs: Parts of the study that it reads.
        flags: What it takes beyond forward passes over questions.
        summary: First line of its docstring.
        score: The formula.
    """

    name: str
    group: str
    needs: frozenset[Need]
    flags: tuple[Flag, ...]
    summary: str
    score: Callable[[Study], Scores]

    def __call__(self, study: Study) -> Scores:
        """Score the domains of a study."""
        return self.score(study)


def predictor(
    name: str, *, needs: Collection[Need], labels: bool = False, group: str | None = None
) -> Callable[[Callable[[Study], Scores]], Predictor]:
    """Make a predictor of a function.

    Args:
        name: Its name: lower case and underscores.
        needs: Parts of the study that it reads.
        labels: Whether it looks at the right answers of the domains' questions.
        group: Its family; by default the name of the module that it stands in.
    """

    def make(score: Callable[[Study], Scores]) -> Predictor:
        flags = [Flag.LABELS] if labels else []
        flags += [Flag.GRADIENTS] if Need.GRADIENTS in needs else []
        flags += [Flag.TRAINING] if Need.PROBE in needs else []
        summary = (score.__doc__ or "").strip().partition("\n")[0]
        family = group or score.__module__.rpartition(".")[2]
        return Predictor(name, family, frozenset(needs), tuple(flags), summary, score)

    return make
