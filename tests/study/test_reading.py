"""How questions are cut into rows, and what listeners hear of them."""

import numpy as np
import pytest
import torch
from helpers import tiny

from sts_eval.data.prompt import Turn
from sts_eval.model.reader import Prefix
from sts_eval.study.reading import Context, Listener, Reading, RunningSums

READER = tiny.extractor().reader


@pytest.mark.parametrize(
    ("counts", "max_tokens", "max_questions", "cut"),
    [
        ([0] * 5, 9, 9, [[3, 1, 2], [0], [4]]),
        ([0] * 5, 99, 2, [[3, 1], [2, 0], [4]]),
        ([0, 2, 2, 0, 1], 99, 9, [[1, 2], [4], [3, 0]]),
        ([0] * 5, 1, 9, [[3], [1], [2], [0], [4]]),
    ],
)
def test_rows_cut_by_tokens_questions_and_demonstrations(counts, max_tokens, max_questions, cut):
    turns = {number: Turn((1,) * length, (0,)) for number, length in enumerate((5, 3, 4, 2, 9))}
    context = Context("", READER, (Prefix(()),), dict(enumerate(counts)))
    own = tiny.extractor(batch_tokens=max_tokens, batch_questions=max_questions)
    assert list(Reading(own, turns, context, grouped_by=context).cut()) == cut


class Heard(Listener):
    encodes = True

    def __init__(self):
        self.rows, self.tokens = [], []

    def hear(self, row):
        self.rows.append(row)

    def hear_features(self, tokens):
        self.tokens.append(tokens)


def heard():
    """Three questions alone; two of them also behind a demonstration."""
    own = tiny.extractor("llama", "topk")
    texts = {7: "1 + 1?", 3: "What?", 5: "Why so?"}
    turns = {number: own.prompter.turn(text) for number, text in texts.items()}
    prefixes = own.prompter.demonstrations(tiny.TRAINING[:1]).prefixes
    shown = Context("shown", own.reader, tuple(map(Prefix, prefixes)), {3: 1, 5: 0})
    listener = Heard()
    (row,) = Reading(own, turns, shown.alone(turns), [shown]).rows()
    return own, turns, shown, row, listener


def test_a_row_has_the_states_of_every_question_in_every_context():
    own, turns, shown, row, _ = heard()
    assert set(row.turns) == {7, 3, 5}
    assert float(row.weights.sum()) == pytest.approx(3)
    for number, states in row.by_question(row.alone).items():
        torch.testing.assert_close(states, own.reader.read(shown.prefixes[0], [turns[number]]), rtol=1e-4, atol=1e-5)
    part = row.within("shown")
    assert sorted(part.turns) == [3, 5]
    assert float(part.weights.sum()) == pytest.approx(2)
    alone, behind = part.by_question(part.alone), part.by_question(part.others["shown"])
    assert not torch.allclose(alone[3], behind[3], rtol=1e-2)
    torch.testing.assert_close(alone[5], behind[5], rtol=1e-4, atol=1e-5)  # it sees no demonstration
    assert shown.n_fewer == 1
    assert shown.cost.passes > 0


def test_listeners_hear_features_only_where_they_ask_for_them():
    own, turns, shown, _, listener = heard()
    deaf = Heard()
    deaf.encodes = False
    alone = shown.alone(turns)
    told = []
    Reading(own, turns, alone).play([listener, deaf], lambda done, total: told.append((done, total)))
    assert told == [(3, 3)]
    assert len(listener.rows) == len(deaf.rows) == 1
    assert deaf.tokens == []
    wanted = own.autoencoder.sae.encode(listener.rows[0].alone)
    torch.testing.assert_close(torch.cat([tokens.alone for tokens in listener.tokens]), wanted)


def test_running_sums_are_weighted_means():
    sums, values, weights = RunningSums(), torch.rand(9, 4), torch.rand(9)
    for part in (slice(0, 2), slice(2, 9)):
        sums.add(weights[part], (values[part], values[part].square()))
    for found, wanted in zip(sums.means(), (values, values.square()), strict=True):
        np.testing.assert_allclose(found, (weights @ wanted / weights.sum()).numpy(), rtol=1e-5)
    np.testing.assert_allclose(sums.means(2)[0], (weights @ values / 2).numpy(), rtol=1e-5)
