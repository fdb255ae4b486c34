"""How the model reads and answers questions: nats per question token, and how likely each option is.

A question is read as STS reads it, alone or behind demonstrations of the training set, and each option
as the text that follows it. Hidden states are collected where they enter the language-model head, by
the reader that STS uses, so that the demonstrations are computed once and questions share a row; the
head is then applied to those positions that predict a token that is asked for.

The difference between both contexts is in-context learning without an SAE: what the demonstrations of
the training set do to a domain's losses and answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from sts_eval.data.benchmark import Question
from sts_eval.data.prompt import Demonstrations, Prompter, Turn
from sts_eval.data.training_set import TrainingSet
from sts_eval.errors import UserError
from sts_eval.model.head import Head
from sts_eval.model.reader import Prefix, Reader
from sts_eval.progress import Progress, silent
from sts_eval.study.draws import draw_training_rows
from sts_eval.study.extractor import Extractor
from sts_eval.study.reading import Context, Listener, Reading, Row
from sts_eval.study.study import Answering, Losses


def read_losses(
    extractor: Extractor,
    training_set: TrainingSet,
    domains: Mapping[str, Sequence[Question]],
    seed: int,
    progress: Progress = silent,
) -> Losses:
    """Read the domains' questions and options, alone and behind the demonstrations of step 1.

    Raises:
        UserError: A question does not say which option is right, or exceeds the context.
    """
    alone = extractor.prompter.demonstrations([])
    shown = draw_training_rows(extractor, training_set, seed).shown
    return Losses(
        alone=read_answering(extractor, domains, alone, progress, stage="losses alone"),
        shown=read_answering(extractor, domains, shown, progress, stage="losses behind demonstrations"),
    )


def read_answering(
    extractor: Extractor,
    domains: Mapping[str, Sequence[Question]],
    demonstrations: Demonstrations,
    progress: Progress = silent,
    *,
    stage: str = "answers",
    suffix: str = "",
    most_tokens: int | None = None,
) -> dict[str, Answering]:
    """Read questions and their options in one context, behind as many demonstrations as fit.

    An option is the text that follows the question's turn, up to its end (see `option_ids`). A question's own
    tokens are those of its turn's span; its first token has no likelihood where nothing stands before it. The suffix
    follows every question, and options are cut after so many tokens.

    Raises:
        UserError: A question does not say which option is right, or exceeds the context.
    """
    head = Head(extractor.reader.model)
    # Keys and values are kept anew at every call: other readers stop earlier, and an adapter may have changed.
    reader = Reader(extractor.reader.model, head.hook)
    # The last token of what stands before a question opens its turn, where it predicts the turn's first.
    shown = Context("answers", reader, tuple(Prefix(ids[:-1]) for ids in demonstrations.prefixes), {})
    read = {}
    for name, questions in domains.items():
        prepared = [_prepare(extractor, demonstrations, question, suffix, most_tokens) for question in questions]
        context = replace(shown, counts=dict(enumerate(one.count for one in prepared)))
        if context.n_fewer:
            extractor.reader.warnings[
                f"{name}: {context.n_fewer} of {len(prepared)} questions were answered behind fewer than "
                f"{len(demonstrations.prefixes) - 1} demonstrations, because the context is {extractor.context} tokens"
            ] = None
        turns = {number: one.turn for number, one in enumerate(prepared)}
        answers = _Answers(head, prepared)
        reading = Reading(extractor, turns, context, grouped_by=context)
        reading.play([answers], partial(progress, f"{stage}: {name}"))
        read[name] = answers.answering()
    extractor.reader.warnings.update(reader.warnings)
    return read


def option_ids(prompter: Prompter, question: Question) -> list[list[int]]:
    """Token ids of each option as an answer.

    Letters stand without an end, as is usual where options are listed: none is the beginning of another. All
    other texts are closed by the prompter.

    Raises:
        UserError: The question does not say which option is right.
    """
    if question.right is None:
        raise UserError(
            f"question {question.id} of {question.domain} does not say which of its options is right",
            "Give the benchmark's rows the columns options and answer_index, or leave out predictors that read answers",
        )
    letters = all(len(choice) == 1 and choice.isalpha() for choice in question.choices)
    return [prompter.answer(choice, closed=not letters) for choice in question.choices]


@dataclass(frozen=True)
class _Prepared:
    """A question and its options as one turn, every option a branch of its own."""

    turn: Turn  # ids of all; the span holds the positions that predict a wanted token
    asked: list[tuple[int, int]]  # the question's own tokens, each as (row of the span, id)
    options: list[list[tuple[int, int]]]  # the same of each option
    right: int
    count: int  # demonstrations that the question sees


def _prepare(
    extractor: Extractor, demonstrations: Demonstrations, question: Question, suffix: str, most_tokens: int | None
) -> _Prepared:
    """An option's last token predicts nothing, so options that differ in it alone share a branch; letters need none."""
    options = [option[:most_tokens] for option in option_ids(extractor.prompter, question)]
    turn = extractor.prompter.turn(question.text, suffix=suffix)
    longest = max(options, key=len)
    count = demonstrations.fitting(Turn((*turn.ids, *longest), turn.span), extractor.context)
    last = demonstrations.prefixes[count][-1:]
    ids = (*last, *turn.ids)
    stems = {tuple(option[:-1]): 0 for option in options if len(option) > 1}
    whole = list(ids)
    for stem in stems:
        stems[stem] = len(whole)
        whole += stem
    asked = [len(last) + position for position in turn.span if len(last) + position > 0]
    places = [
        [len(ids) - 1, *range(start := stems.get(tuple(option[:-1]), 0), start + len(option) - 1)] for option in options
    ]
    predicting = sorted({position - 1 for position in asked}.union(*places))
    row = {position: index for index, position in enumerate(predicting)}
    assert question.right is not None  # noqa: S101 -- `option_ids` has looked; this tells the type checker
    return _Prepared(
        turn=Turn(tuple(whole), tuple(predicting), tuple(map(len, stems))),
        asked=[(row[position - 1], ids[position]) for position in asked],
        options=[
            [(row[at], token) for at, token in zip(places[number], option, strict=True)]
            for number, option in enumerate(options)
        ],
        right=question.right,
        count=count,
    )


class _Answers(Listener):
    """Log-probabilities of questions and options, from hidden states at the head."""

    def __init__(self, head: Head, prepared: Sequence[_Prepared]) -> None:
        self._head = head
        self._prepared = prepared
        self._nll = np.full(len(prepared), np.nan)
        self._logprobs = [np.zeros(len(one.options)) for one in prepared]

    def hear(self, row: Row) -> None:
        wanted: list[tuple[int, int]] = []
        start = 0
        for number, turn in row.turns.items():
            one = self._prepared[number]
            for pairs in (one.asked, *one.options):
                wanted += [(start + at, token) for at, token in pairs]
            start += len(turn.span)
        found = iter(self._head.logprobs(row.alone, wanted))
        for number in row.turns:
            one = self._prepared[number]
            asked = [next(found) for _ in one.asked]
            if asked:
                self._nll[number] = -np.mean(asked)
            for option, pairs in enumerate(one.options):
                self._logprobs[number][option] = sum(next(found) for _ in pairs)

    def answering(self) -> Answering:
        return Answering(
            question_nll=self._nll,
            option_logprobs=self._logprobs,
            option_tokens=[np.array([len(pairs) for pairs in one.options]) for one in self._prepared],
            right=np.array([one.right for one in self._prepared]),
        )
