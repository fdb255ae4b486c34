"""Answers as the SAE's layer sees them: the training set's, the untuned model's own, and a benchmark's options.

The model answers questions of the training set itself, with the likeliest token at each step, in batches. Nowhere else
does a prediction generate.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sts_eval.data.benchmark import Question
from sts_eval.data.prompt import Turn
from sts_eval.data.sampling import shuffled
from sts_eval.data.training_set import TrainingSet
from sts_eval.model.hook import unwrapped
from sts_eval.progress import Progress, silent
from sts_eval.study.extractor import Extractor
from sts_eval.study.losses import option_ids
from sts_eval.study.span_means import read_span_means
from sts_eval.study.study import OwnAnswers
from sts_eval.study.training_losses import drawn_rows

ROWS = 32  # most rows of the training set
ANSWER_TOKENS = 64  # that are generated, and of a solution that are read, from its start
QUESTIONS = 64  # most questions of a domain
BATCH = 16  # answers at once

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
    answers = generated_answers(extractor, turns, progress)
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


@torch.inference_mode()
def generated_answers(extractor: Extractor, turns: Sequence[Turn], progress: Progress = silent) -> list[str]:
    """What the model answers to each turn without demonstrations, with the likeliest token at each step.

    An answer ends where the model stops, or after `ANSWER_TOKENS`; in plain prompts also where it goes on to a next
    question.
    """
    from transformers import GenerationConfig

    model, tokenizer = unwrapped(extractor.reader.model), extractor.prompter.tokenizer
    prefix = extractor.prompter.demonstrations([]).prefixes[0]
    stops = model.generation_config.eos_token_id
    padding = tokenizer.eos_token_id or 0
    settings = GenerationConfig(  # type: ignore[no-untyped-call]  # transformers' own
        do_sample=False, max_new_tokens=ANSWER_TOKENS, eos_token_id=stops, pad_token_id=padding, use_cache=True
    )
    answers = [""] * len(turns)
    done = 0
    for batch in _batches([len(turn.ids) for turn in turns]):
        prompts = [[*prefix, *turns[number].ids] for number in batch]
        longest = max(map(len, prompts))
        ids = torch.tensor([[padding] * (longest - len(one)) + one for one in prompts])
        present = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in prompts])
        device = extractor.reader.device
        found = model.generate(ids.to(device), attention_mask=present.to(device), generation_config=settings)
        for number, own in zip(batch, found[:, longest:].tolist(), strict=True):
            answers[number] = _text(own, stops, tokenizer, plain=not extractor.prompter.chat)
        done += len(batch)
        progress("the model answers the training set", done, len(turns))
    return answers


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Prompts of like length, so that little is padded."""
    order = sorted(range(len(lengths)), key=lambda number: (lengths[number], number))
    return (order[start : start + BATCH] for start in range(0, len(order), BATCH))


def _text(ids: Sequence[int], stops: int | Sequence[int] | None, tokenizer: Any, *, plain: bool) -> str:
    ends = {stops} if isinstance(stops, int) else set(stops or ())
    end = next((at for at, token in enumerate(ids) if token in ends), len(ids))
    text: str = tokenizer.decode(ids[:end], skip_special_tokens=True)
    return (text.partition("\nQuestion:")[0] if plain else text).strip()


def _with(turn: Turn, answers: Sequence[Sequence[int]]) -> Turn:
    """A turn followed by answers that do not see one another, whose tokens alone are read."""
    lengths = tuple(map(len, answers))
    ids = (*turn.ids, *(token for answer in answers for token in answer))
    return Turn(ids, tuple(range(len(turn.ids), len(ids))), lengths)
