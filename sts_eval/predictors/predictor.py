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

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sts_eval.records.prediction import Score

if TYPE_CHECKING:
    from sts_eval.study.study import Study

Scores = Mapping[str, float | Score]  # by domain a number, or one with its standard error and its spread over seeds


class Need(StrEnum):
    """A part of a study, in the order of what it costs."""

    TEXTS = "texts"
    EMBEDDINGS = "embeddings"
    DECODER = "decoder"
    SHIFT = "shift"
    QUESTION_SCORES = "question scores"
    ON_POLICY = "on-policy demonstrations"
    ACTIVATIONS = "activations"
    LAST_TOKENS = "last tokens"
    TRAINING_LOSSES = "training losses"
    LOSSES = "losses"
    REVERSED_LOSSES = "reversed losses"
    INJECTION = "injection"
    OWN_ANSWERS = "own answers"
    GRADIENTS = "gradients"
    PROBE = "probe"


class Flag(StrEnum):
    """What a predictor takes beyond forward passes of the untuned model over questions."""

    LABELS = "L"
    GRADIENTS = "G"
    TRAINING = "P"
    ORACLE = "O"


@dataclass(frozen=True)
class Predictor:
    """One number per domain."""

    name: str
    group: str  # its family, which can be asked for by name
    needs: frozenset[Need]  # parts of the study that it reads
    flags: tuple[Flag, ...]
    summary: str
    score: Callable[[Study], Scores]

    def __call__(self, study: Study) -> Scores:
        """Score the domains of a study.

        A domain without a finite value (an angle to the zero vector, a covariance of one token) is left out. A number
        made up for it would enter a correlation as if it had been measured.
        """
        found = self.score(study)
        return {name: one for name, one in found.items() if isinstance(one, Score) or math.isfinite(one)}


def predictor(
    name: str, *, needs: Collection[Need], labels: bool = False, group: str | None = None
) -> Callable[[Callable[[Study], Scores]], Predictor]:
    """Make a predictor of a function, whose docstring's first line is its summary.

    The name is in lower case with underscores. `labels` says whether it looks at the right answers of the domains'
    questions. Its group is by default the name of the module that it stands in.
    """

    def make(score: Callable[[Study], Scores]) -> Predictor:
        takes = {Flag.LABELS: labels, Flag.GRADIENTS: Need.GRADIENTS in needs, Flag.TRAINING: Need.PROBE in needs}
        summary = (score.__doc__ or "").strip().partition("\n")[0]
        family = group or score.__module__.rpartition(".")[2]
        return Predictor(name, family, frozenset(needs), tuple(flag for flag in takes if takes[flag]), summary, score)

    return make
