"""How the model reads and answers questions: nats per question token, and how likely each option is.

A question is read as STS reads it, alone or behind demonstrations of the training set, and each option
as the text that follows it. Hidden states are collected where they enter the language-model head, by
the reader that STS uses, so that the demonstrations are computed once and questions share a row; the
head is then applied to those positions that predict a token that is asked for.

The difference between both contexts is in-context learning without an SAE: what the demonstrations of
the training set do to a domain's losses and answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from sts_eval.data.benchmark import Question
from sts_eval.data.prompt import Demonstrations, Prompter, Turn
from sts_eval.data.sampling import shuffled
from sts_eval.data.training_set import TrainingSet
from sts_eval.errors import UserError
from sts_eval.model.head import Head
from sts_eval.model.reader import Reader
from sts_eval.progress import Progress, silent
from sts_eval.study.extractor import Extractor, Shown
from sts_eval.study.study import Answering, Losses


def read_losses(
    extractor: Extractor,
    training_set: TrainingSet,
    domains: Mapping[str, Sequence[Question]],
    seed: int,
    progress: Progress = silent,
) -> Losses:
    """Read the domains' questions and options, alone and behind the demonstrations of step 1.

    Args:
        extractor: Model, tokenizer and dials.
        training_set: Gives the demonstrations, with its suffix, which the domains' questions do not get.
        domains: By domain, the questions to read.
        seed: Draws the demonstrations, as in step 1.
        progress: Told of every row.

    Raises:
        UserError: A question does not say which option is right, or exceeds the context.
    """
    order = shuffled(len(training_set.examples), seed, "training set")[: extractor.settings.shots]
    drawn = [training_set.examples[index] for index in order]
    alone = extractor.prompter.demonstrations([])
    shown = extractor.prompter.demonstrations(drawn, suffix=training_set.suffix)
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
) -> dict[str, Answering]:
    """Read questions and their options in one context.

    An option is the text that follows the question's turn, up to its end (see `option_ids`). A question's own
    tokens are those of its turn's span; its first token has no likelihood where nothing stands before it.

    Args:
        extractor: Model, tokenizer and dials.
        domains: By domain, the questions.
        demonstrations: What is shown before each question, as much of it as fits the context.
        progress: Told of every row.
        stage: What progress is told.

    Returns:
        By domain, nats per question token and the log-probability of each option.

    Raises:
        UserError: A question does not say which option is right, or exceeds the context.
    """
    head = Head(extractor.reader.model)
    # Keys and values are kept anew at every call: other readers stop earlier, and an adapter may have changed.
    shown = Shown.of(Demonstrations(tuple(ids[:-1] for ids in demonstrations.prefixes)))
    at_head = replace(extractor, reader=Reader(extractor.reader.model, head.hook))
    read = {}
    for name, questions in domains.items():
        prepared = [_prepare(extractor, demonstrations, question) for question in questions]
        fewer = sum(one.count < len(demonstrations.prefixes) - 1 for one in prepared)
        if fewer:
            extractor.reader.warnings[
                f"{name}: {fewer} of {len(prepared)} questions were answered behind fewer than "
                f"{len(demonstrations.prefixes) - 1} demonstrations, because the context is {extractor.context} tokens"
            ] = None
        read[name] = _read(at_head, shown, head, prepared, partial(progress, f"{stage}: {name}"))
    extractor.reader.warnings.update(at_head.reader.warnings)
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
    """A question in token ids.

    Attributes:
        turn: Its turn, opened by the last token of what stands before it, which predicts the turn's first.
        options: Ids of each option.
        right: Position of the right one.
        count: Demonstrations that it sees.
    """

    turn: Turn
    options: list[list[int]]
    right: int
    count: int


def _prepare(extractor: Extractor, demonstrations: Demonstrations, question: Question) -> _Prepared:
    options = option_ids(extractor.prompter, question)
    turn = extractor.prompter.turn(question.text)
    longest = max(options, key=len)
    count = demonstrations.fitting(Turn((*turn.ids, *longest), turn.span), extractor.context)
    last = demonstrations.prefixes[count][-1:]
    opened = Turn((*last, *turn.ids), tuple(position + len(last) for position in turn.span))
    assert question.right is not None  # noqa: S101 -- `option_ids` has looked; this tells the type checker
    return _Prepared(opened, options, question.right, count)


@dataclass(frozen=True)
class _Laid:
    """A question and its options as one turn, every option a branch of its own.

    Attributes:
        turn: Ids of all; the span holds the positions that predict a wanted token.
        asked: The question's own tokens, each as (row of the span, id).
        options: The same of each option.
    """

    turn: Turn
    asked: list[tuple[int, int]]
    options: list[list[tuple[int, int]]]


def _lay(one: _Prepared) -> _Laid:
    """An option's last token predicts nothing, so options that differ in it alone share a branch; letters need none."""
    ids, span, _ = one.turn
    stems = {tuple(option[:-1]): 0 for option in one.options if len(option) > 1}
    whole = list(ids)
    for stem in stems:
        stems[stem] = len(whole)
        whole += stem
    asked = [position for position in span if position > 0]
    places = [
        [len(ids) - 1, *range(start := stems.get(tuple(option[:-1]), 0), start + len(option) - 1)]
        for option in one.options
    ]
    predicting = sorted({position - 1 for position in asked}.union(*places))
    row = {position: index for index, position in enumerate(predicting)}
    return _Laid(
        turn=Turn(tuple(whole), tuple(predicting), tuple(map(len, stems))),
        asked=[(row[position - 1], ids[position]) for position in asked],
        options=[
            [(row[at], token) for at, token in zip(places[number], option, strict=True)]
            for number, option in enumerate(one.options)
        ],
    )


def _read(
    at_head: Extractor,
    shown: Shown,
    head: Head,
    prepared: Sequence[_Prepared],
    progress: Callable[[int, int], None],
) -> Answering:
    laid = [_lay(one) for one in prepared]
    counts = [one.count for one in prepared]
    nll = np.full(len(prepared), np.nan)
    logprobs = [np.zeros(len(one.options)) for one in prepared]
    done = 0
    for row in at_head.rows([one.turn for one in laid], counts):
        hidden = at_head.read(shown, [laid[number].turn for number in row], [counts[number] for number in row])
        wanted: list[tuple[int, int]] = []
        start = 0
        for number in row:
            for pairs in (laid[number].asked, *laid[number].options):
                wanted += [(start + at, token) for at, token in pairs]
            start += len(laid[number].turn.span)
        found = iter(head.logprobs(hidden, wanted))
        for number in row:
            asked = [next(found) for _ in laid[number].asked]
            if asked:
                nll[number] = -np.mean(asked)
            for option, pairs in enumerate(laid[number].options):
                logprobs[number][option] = sum(next(found) for _ in pairs)
        done += len(row)
        progress(done, len(laid))
    return Answering(
        question_nll=nll,
        option_logprobs=logprobs,
        option_tokens=[np.array([len(ids) for ids in one.options]) for one in prepared],
        right=np.array([one.right for one in prepared]),
    )
