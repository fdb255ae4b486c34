r"""The text that the base model is trained on.

A document is a run of ``Question: ...\nAnswer: ...\n\n`` blocks in one style, or a few passages of prose that state
facts. Most blocks answer directly; some reason first, some answer first and reason after, and a few are written in the
long styles of the tuning sets, so that tuning meets a form that the base model has seen. Documents are of every length
up to the context, because a prompt with five demonstrations must lie inside what was trained.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sts_eval.lab.problems import draw_weighted, number, pick
from sts_eval.lab.styles import ANSWER_THEN_STEPS, CHAIN_OF_THOUGHT, DIRECT, LONG, answer_first, write
from sts_eval.lab.world import CATEGORIES, CORPUS_DECAY, World

QUESTION_WEIGHT = 0.2  # of a question's tokens in the loss; those of answers weigh 1
PROSE_WEIGHT = 0.5
_PROSE_SHARE = 0.16
_ONE_CATEGORY_SHARE = 0.6


class _Form(NamedTuple):
    share: float  # of documents
    max_blocks: int  # fewer of long solutions, so that the share of documents is about that of tokens
    styles: tuple[str, ...]


_FORMS = (
    _Form(0.66, 16, (DIRECT,)),
    _Form(0.20, 7, (CHAIN_OF_THOUGHT,)),
    _Form(0.08, 6, (ANSWER_THEN_STEPS,)),
    _Form(0.03, 3, tuple(map(answer_first, LONG.values()))),
    _Form(0.03, 3, tuple(f"{style} The answer is {{answer}}." for style in LONG.values())),
)


class Segment(NamedTuple):
    """A piece of text whose tokens weigh the same in the loss."""

    text: str
    weight: float


Document = tuple[Segment, ...]


def documents(world: World, stream: int = 0) -> Iterator[Document]:
    """Write documents without end; their questions are the corpus split's.

    Every stream has other documents: base training reads the even ones, sparse autoencoders the odd ones.
    """
    rng = world.stream(4, stream)
    while True:
        yield _prose(world, rng) if rng.random() < _PROSE_SHARE else _exercises(world, rng)


def text(document: Document) -> str:
    """Join a document's segments."""
    return "".join(segment.text for segment in document)


def _prose(world: World, rng: np.random.Generator) -> Document:
    table = world.tables[pick(rng, CATEGORIES)]
    passages = [table.describe(rng, CORPUS_DECAY) for _ in range(number(rng, 2, 7))]
    return (Segment(" ".join(passages) + "\n\n", PROSE_WEIGHT),)


def _exercises(world: World, rng: np.random.Generator) -> Document:
    form = draw_weighted(rng, {form: form.share for form in _FORMS})
    style = pick(rng, form.styles)
    home = pick(rng, CATEGORIES) if rng.random() < _ONE_CATEGORY_SHARE else None
    segments = []
    for _ in range(number(rng, 1, form.max_blocks)):
        problem = world.draw(home or pick(rng, CATEGORIES), "corpus", rng)
        segments.append(Segment(f"Question: {problem.question}\nAnswer:", QUESTION_WEIGHT))
        segments.append(Segment(f" {write(problem, style)}\n\n", 1.0))
    return tuple(segments)
