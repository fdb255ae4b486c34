"""From firings to a record: pieces of text, and labels beside their base rates."""

import numpy as np
import pytest
from helpers import tiny

from sts_eval.prediction.meanings import label_rates, pieces
from sts_eval.study.firings import TRAINING, Window


def test_tokens_that_fire_stand_alone_and_others_together():
    decode = {1: "He", 2: " was", 3: " sued", 4: " in", 5: " court"}
    window = Window((1, 2, 3, 4, 5), (0.0, 0.0, 2.123456, 1.0, 0.0))
    found = pieces(window, lambda ids: "".join(decode[one] for one in ids))
    assert [(one.text, one.activation) for one in found] == [("He was", 0), (" sued", 2.123), (" in", 1), (" court", 0)]


def test_a_space_that_is_written_only_behind_other_tokens_stays():
    window = Window((1, 2), (0.0, 1.0))
    found = pieces(window, lambda ids: " ".join({1: "the", 2: "court"}[one] for one in ids))
    assert "".join(one.text for one in found) == "the court"


def test_parts_of_a_character_are_put_together():
    tokenizer = tiny.tokenizer(bos=False)
    ids = tokenizer("a😀b").input_ids
    assert len(ids) == 6  # four of them are bytes of one character
    found = list(pieces(Window(tuple(ids), (0.0, 3.0, 1.0, 0.0, 2.0, 0.0)), tokenizer.decode))
    assert [(one.text, one.activation) for one in found] == [("a", 0), ("😀", 3), ("b", 0)]
    (cut,) = pieces(Window(tuple(ids[1:2]), (3.0,)), tokenizer.decode)
    assert cut.text == "\ufffd"


def test_labels_beside_their_base_rates():
    """Ten features fire, four of them most in the training set; of three shifted ones it is two."""
    label = np.array([0, 0, 1, 0, 0, 1, 1, 1, 2, 2, -1, -1])
    rates = {one.label: one for one in label_rates(label, [0, 1, 2], np.ones(12), [TRAINING, "law", "math"])}
    assert list(rates) == [TRAINING, "law"]
    training = rates[TRAINING]
    assert (training.n, training.share, training.live_share) == (2, pytest.approx(2 / 3), 0.4)
    assert training.p_live == training.p_matched == pytest.approx(40 / 120)
    assert training.matched_share == pytest.approx(0.4)
    # Wilson: (2/3 + z²/6 ± z √(2/27 + z²/36)) / (1 + z²/3), z = 1.96.
    assert (training.low, training.high) == (pytest.approx(0.2077, abs=1e-4), pytest.approx(0.9385, abs=1e-4))


def test_features_are_compared_with_those_that_fire_as_often():
    """The only two frequent features are shifted and both of the training set, as they would be by chance."""
    label, frequency = np.array([0, 0, 1, 1, 1]), np.array([0.5, 0.5, 0.01, 0.01, 0.01])
    (rate,) = label_rates(label, [0, 1], frequency, [TRAINING, "law"])
    assert (rate.live_share, rate.p_live) == (0.4, pytest.approx(0.1))
    assert (rate.matched_share, rate.p_matched) == (1, pytest.approx(1))


def test_the_training_set_has_a_rate_even_if_no_shifted_feature_is_its_own():
    rates = {one.label: one for one in label_rates(np.array([0, 1, 1]), [1], np.ones(3), [TRAINING, "law"])}
    assert (rates[TRAINING].n, rates[TRAINING].p_live) == (0, pytest.approx(1))
