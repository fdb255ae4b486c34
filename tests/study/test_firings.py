"""Where features fire: ten tokens of four sources, whose strongest samples are seen at a glance."""

import numpy as np
import pytest
import torch
from helpers.pencil import embedding_only, identity, words
from helpers.tiny import silent, training_set

from sts_eval.data.prompt import Turn
from sts_eval.data.training_set import Example
from sts_eval.experiment import PredictSettings
from sts_eval.study.extractor import assemble
from sts_eval.study.firings import NEUTRAL, TRAINING, Firings, Strongest, Window, around, read_firings
from sts_eval.study.reading import Row, question_weights, tell
from sts_eval.study.shifted_features import measure_shift

# By source, samples of the activations of features 0 and 1 on each token.
TEXT = {
    TRAINING: [[(0, 1), (4, 1), (0, 1)]],
    NEUTRAL: [[(0, 1), (0, 1)]],
    "law": [[(2, 1), (0, 1), (0, 2)]],
    "math": [[(0, 3), (0, 0)]],
}


def heard(text=TEXT, keep=10, window=3, shifted=(0, 1)):
    firings = Firings(4, shifted, keep=keep, window=window)
    autoencoder = identity("blocks.0.hook_resid_post")
    for source, samples in text.items():
        turns = {
            10 + number: Turn((90, *range(100, 100 + len(one)), 91), tuple(range(1, len(one) + 1)))
            for number, one in enumerate(samples)
        }
        states = torch.tensor([[*token, 0, 0] for one in samples for token in one], dtype=torch.float32)
        row = Row(question_weights(turns.values()), states, {}, turns, {})
        tell(row, firings.listen(source)(turns), autoencoder)
    return firings


def test_the_strongest_samples_with_the_text_around_the_peak():
    firings = heard()
    assert firings.strongest(0) == [
        Strongest(TRAINING, 4.0, Window((100, 101, 102), (0.0, 4.0, 0.0))),
        Strongest("law", 2.0, Window((100, 101, 102), (2.0, 0.0, 0.0))),
    ]
    assert [(one.source, one.strength) for one in firings.strongest(1)[:2]] == [("math", 3.0), ("law", 2.0)]
    assert firings.strongest(1)[0].window == Window((100, 101), (3.0, 0.0))
    assert firings.n_tokens == {TRAINING: 3, NEUTRAL: 2, "law": 3, "math": 2}


def test_sources_of_the_strongest_samples_of_every_feature():
    assert firings_counts(heard(), 10) == [[1, 1, 0, 0], [0, 1, 0, 0], [1, 1, 0, 0], [0, 1, 0, 0]]
    assert firings_counts(heard(), 1) == [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 0]]


def firings_counts(firings, n):
    return firings.counts(n).tolist()


def test_activity_by_source():
    activity = heard().activity()
    assert activity[TRAINING].mean.tolist() == pytest.approx([4 / 3, 1, 0, 0])
    assert activity[TRAINING].square.tolist() == pytest.approx([16 / 3, 1, 0, 0])
    assert activity[TRAINING].frequency.tolist() == pytest.approx([1 / 3, 1, 0, 0])
    assert activity["math"].mean.tolist() == pytest.approx([0, 1.5, 0, 0])


def test_blocks_that_cut_a_sample_in_two_change_nothing(monkeypatch):
    text = {"law": [*TEXT["law"], *TEXT["math"], *TEXT[TRAINING]], **{name: TEXT[name] for name in (TRAINING, NEUTRAL)}}
    whole = heard(text)
    monkeypatch.setattr("sts_eval.model.sae._BLOCK", 4 * 2)  # two tokens at once
    cut = heard(text)
    assert [cut.strongest(place) for place in (0, 1)] == [whole.strongest(place) for place in (0, 1)]
    assert np.array_equal(cut.counts(10), whole.counts(10))
    assert cut.background == whole.background


def test_only_the_strongest_are_kept():
    text = {"law": [[(strength, 0)] for strength in (1, 5, 3, 4, 2)]}
    firings = heard(text, keep=3)
    assert [one.strength for one in firings.strongest(0)] == [5.0, 4.0, 3.0]
    assert len(firings._windows) == 3


def test_background_says_which_shifted_features_fire():
    fires = {one.source: one.fires for one in heard(shifted=(1, 0)).background}
    assert fires[TRAINING] == (1, 0)
    assert fires[NEUTRAL] == (1,)


def test_a_window_is_moved_at_an_edge_and_bridges_tokens_that_are_not_read():
    turn = Turn(tuple(range(100, 110)), (1, 2, 3, 5, 6, 7, 8))
    activations = torch.tensor([0.0, 1.0, 0.0, 2.0, 0.0, 0.0, 3.0])
    assert around(turn, activations, 3, 4) == Window((102, 103, 104, 105, 106), (1.0, 0.0, 0.0, 2.0, 0.0))
    assert around(turn, activations, 6, 3) == Window((106, 107, 108), (0.0, 0.0, 3.0))
    assert around(turn, activations, 0, 50).ids == tuple(range(101, 109))


def test_training_set_and_neutral_text_are_read_through_the_model():
    """A model whose residual stream is the token's embedding: a = (1, 0, 0, 2) behind a ReLU, b = (0, 3, 0, .5)."""
    settings = PredictSettings(top_n=2, shots=1, domain_shots=1)
    extractor = assemble(embedding_only(), words(), identity("blocks.1.hook_resid_post"), settings)
    examples = training_set([Example("a b", "c"), Example("b b a", "c"), Example("b b a", "c")])
    shift = measure_shift(extractor, examples, 0, silent)
    firings = read_firings(extractor, examples, ["b b", "a b"], shift)
    assert firings.n_samples == {TRAINING: 2, NEUTRAL: 2}
    assert firings.activity()[NEUTRAL].mean[:2].tolist() == pytest.approx([1 / 4, (3 + 1.5) / 2])
    assert {one.strength for one in firings.strongest(0)} == {1.0}
    assert firings.strongest(0)[0].window.activations.count(1.0) == 1
