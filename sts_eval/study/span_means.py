"""Mean residuals of parts of a turn at the SAE's layer, and of them the last token of every prompt.

At a prompt's last token the model is about to answer.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sts_eval.data.benchmark import Question
from sts_eval.data.prompt import Turn
from sts_eval.data.training_set import TrainingSet
from sts_eval.progress import Progress, silent
from sts_eval.study.draws import draw_training_rows
from sts_eval.study.extractor import Extractor
from sts_eval.study.reading import Context, Listener, Reading, Row
from sts_eval.study.study import LastTokens

Floats = NDArray[np.float64]


class SpanMeans(Listener):
    """By question, the mean residual of each part of its span; the parts are given by their lengths."""

    def __init__(self, parts: Mapping[int, Sequence[int]]) -> None:
        self._parts = parts
        self.means: dict[int, Floats] = {}  # shape (n_parts, d_model)

    def hear(self, row: Row) -> None:
        """Add questions."""
        for number, states in row.by_question(row.alone.double().cpu()).items():
            parts: tuple[Tensor, ...] = torch.split(states, list(self._parts[number]))
            self.means[number] = np.stack([part.mean(dim=0).numpy() for part in parts])


def read_span_means(
    extractor: Extractor, turns: Sequence[Turn], parts: Sequence[Sequence[int]], progress: Progress, stage: str
) -> list[Floats]:
    """Mean residuals of the parts of each turn's span, without demonstrations: by turn, shape (n_parts, d_model).

    Raises:
        UserError: A turn exceeds the context.
    """
    numbered = dict(enumerate(turns))
    alone = Context.of("alone", extractor, extractor.prompter.demonstrations([]), numbered)
    means = SpanMeans(dict(enumerate(parts)))
    Reading(extractor, numbered, alone).play([means], partial(progress, stage))
    return [means.means[number] for number in numbered]


def read_last_tokens(
    extractor: Extractor,
    training_set: TrainingSet,
    domains: Mapping[str, Sequence[Question]],
    seed: int,
    progress: Progress = silent,
) -> LastTokens:
    """Read the last token of the prompts of the training set's and the domains' questions, without demonstrations.

    Raises:
        UserError: The set has too few rows, or a question exceeds the context.
    """

    def last(turns: Sequence[Turn], name: str) -> Floats:
        ends = [turn._replace(span=(len(turn.ids) - 1,)) for turn in turns]
        found = read_span_means(extractor, ends, [(1,)] * len(ends), progress, f"last tokens: {name}")
        return np.concatenate(found)

    return LastTokens(
        training=last(list(draw_training_rows(extractor, training_set, seed).turns.values()), "training set"),
        domains={
            name: last([extractor.prompter.turn(question.text) for question in questions], name)
            for name, questions in domains.items()
        },
    )
