"""The strongest firings of a feature, one per question."""

import torch

from sts_eval.data.prompt import Turn
from sts_eval.study.question_scores import Firing, TopTokens, strongest
from sts_eval.study.reading import Row, question_weights

TURN = Turn(tuple(range(100, 120)), (2, 3, 15))


def row(*questions):
    """Questions that all have the same turn, by the activations of their three tokens."""
    turns = dict(enumerate([TURN] * len(questions)))
    return Row(
        question_weights(turns.values()), torch.tensor([token for one in questions for token in one]), {}, turns, {}
    )


def test_the_strongest_token_of_a_question_and_what_stands_before_it():
    mathematics = TopTokens("math", {7: 0, 9: 1})
    mathematics.hear(row([[0.0, 1.0], [0.0, 3.0], [0.0, 2.0]]))
    assert mathematics.firings[7] == []  # it never fired
    assert mathematics.firings[9] == [Firing(3.0, "math", (100, 101, 102, 103))]
    law = TopTokens("law", {9: 0})
    law.hear(row([[0.0], [0.0], [5.0]]))
    both = strongest([*mathematics.firings[9], *law.firings[9]])
    assert both[0] == Firing(5.0, "law", tuple(range(108, 116)))  # eight tokens at most
    assert both[1:] == mathematics.firings[9]


def test_only_the_strongest_are_kept():
    tokens = TopTokens("math", {0: 0}, keep=3)
    for strengths in ((4.0, 1.0), (5.0, 3.0, 2.0), (6.0,)):
        tokens.hear(row(*([[strength], [0.5], [0.0]] for strength in strengths)))
    assert [firing.activation for firing in tokens.firings[0]] == [6.0, 5.0, 4.0]
