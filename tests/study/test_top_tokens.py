"""The strongest firings of a feature, one per question."""

import torch

from sts_eval.data.prompt import Turn
from sts_eval.study.top_tokens import Evidence, Firing

TURN = Turn(tuple(range(100, 120)), (2, 3, 15))


def test_the_strongest_token_of_a_question_and_what_stands_before_it():
    evidence = Evidence([7, 9])
    evidence.see("math", TURN, torch.tensor([[0.0, 1.0], [0.0, 3.0], [0.0, 2.0]]), {7: 0, 9: 1})
    assert evidence.strongest(7) == []  # it never fired
    assert evidence.strongest(9) == [Firing(3.0, "math", (100, 101, 102, 103))]
    evidence.see("law", TURN, torch.tensor([[0.0], [0.0], [5.0]]), {7: 0, 9: 0})
    assert evidence.strongest(9)[0] == Firing(5.0, "law", tuple(range(108, 116)))  # eight tokens at most


def test_only_the_strongest_are_kept():
    evidence = Evidence([0], keep=3)
    for strength in (4.0, 1.0, 5.0, 3.0, 2.0, 6.0):
        evidence.see("math", TURN, torch.tensor([[strength], [0.5], [0.0]]), {0: 0})
    assert [firing.activation for firing in evidence.strongest(0)] == [6.0, 5.0, 4.0]
