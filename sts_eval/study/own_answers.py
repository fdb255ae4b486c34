"""Answers as the SAE's layer sees them: the training set's, the untuned model's own, and a benchmark's options.

The model answers questions of the training set itself, with the likeliest token at each step, in batches. Nowhere else
does a prediction generate.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sts_eval.data.benchmark import Question
from sts_eval.data.prompt import Turn
from sts_eval.data.sampling import shuffled
from sts_eval.data.training_set import TrainingSet
from sts_eval.model.generation import generated_answers
from sts_eval.progress import Progress, silent
from sts_eval.study.extractor import Extractor
from sts_eval.study.losses import option_ids
from sts_eval.study.span_means import read_span_means
from sts_eval.study.study import OwnAnswers
from sts_eval.study.training_losses import drawn_rows

ROWS = 32  # most rows of the training set
ANSWER_TOKENS = 64  # that are generated, and of a solution that are read, from its start
QUESTIONS = 64  # most questions of a domain

Floats = NDArray[np.float64]


def read_own_answers(
    extractor: Extractor,
    training_set: TrainingSet,
    domains: Mapping[str, Sequence[Question]],
    seed: int,
    progress: Progress = silent,
) -> OwnAnswers:
    """Let the model answer rows of the training set, and read these answers, the solutions and the domains' options.

    Nothing is read behind demonstrations. A row that the model answers with nothing is left out, and so is a question
    with a single option. Of a domain with many questions, some are drawn.

    Raises:
        UserError: A right option is not given, or a question exceeds the context.
    """
    prompter = extractor.prompter
    rows = drawn_rows(extractor, training_set, seed, ROWS)
    turns = [prompter.turn(row.text, suffix=training_set.suffix) for row in rows]
    generated = generated_answers(
        extractor.reader.model,
        prompter,
        turns,
        longest=ANSWER_TOKENS,
        progress=progress,
        stage="the model answers the training set",
    )
    answers = [answer.text for answer in generated]
    answered = [number for number, text in enumerate(answers) if text]

    def means(texts: Sequence[str], stage: str) -> Floats:
        whole = [_with(turns[number], [prompter.answer(texts[number])[:ANSWER_TOKENS]]) for number in answered]
        parts = [(len(turn.span),) for turn in whole]
        found = read_span_means(extractor, [turn._replace(branches=()) for turn in whole], parts, progress, stage)
        return np.array([one[0] for one in found])

    options: dict[str, tuple[Floats, Floats]] = {}
    for name, questions in domains.items():
        drawn = sorted(shuffled(len(questions), seed, "options", name)[:QUESTIONS])
        asked = [questions[index] for index in drawn if len(questions[index].choices) > 1]
        if asked:
            options[name] = _read_options(extractor, asked, progress, f"options: {name}")
    return OwnAnswers(
        solutions=means([row.choices[0] for row in rows], "solutions of the training set"),
        own=means(answers, "the model's own answers"),
        right={name: right for name, (right, _) in options.items()},
        wrong={name: wrong for name, (_, wrong) in options.items()},
    )


def _read_options(
    extractor: Extractor, questions: Sequence[Question], progress: Progress, stage: str
) -> tuple[Floats, Floats]:
    """Mean residuals of each question's right option, and over its wrong ones: shape (n_questions, d_model)."""
    turns = [_with(extractor.prompter.turn(one.text), option_ids(extractor.prompter, one)) for one in questions]
    right, wrong = [], []
    found = read_span_means(extractor, turns, [turn.branches for turn in turns], progress, stage)
    for question, means in zip(questions, found, strict=True):
        is_right = np.arange(len(means)) == question.right
        right.append(means[is_right][0])
        wrong.append(means[~is_right].mean(axis=0))
    return np.array(right), np.array(wrong)


def _with(turn: Turn, answers: Sequence[Sequence[int]]) -> Turn:
    """A turn followed by answers that do not see one another, whose tokens alone are read."""
    lengths = tuple(map(len, answers))
    ids = (*turn.ids, *(token for answer in answers for token in answer))
    return Turn(ids, tuple(range(len(turn.ids), len(ids))), lengths)
