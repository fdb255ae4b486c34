"""Sets of features on made-up activity, where the right sets can be seen."""

import numpy as np
import pytest
from helpers.tiny import extractor, training_set

from sts_eval.model.reader import Prefix
from sts_eval.study.feature_choice import FeatureActivity, balance, choose_features, n_possible, read_activity
from sts_eval.study.shifted_features import measure_shift

# Features 0 and 1 are predicted; 2 to 4 are nearly as active as 0, 5 to 7 as 1; 8 and 9 never fire.
ACTIVITY = FeatureActivity(
    shift=np.array([9.0, 8, 1, 1, 1, 1, 1, 1, 2, 0]),
    frequency=np.array([0.5, 0.01, 0.5, 0.52, 0.48, 0.01, 0.011, 0.012, 0, 0]),
    mean=np.array([4.0, 0.1, 4.1, 4.2, 3.9, 0.1, 0.11, 0.12, 0, 0]),
)


def test_rankings():
    assert choose_features("predicted", 3, ACTIVITY) == (0, 1, 8)
    assert choose_features("most_active", 3, ACTIVITY) == (3, 2, 0)


def test_matched_ones_are_as_active_and_not_predicted():
    drawn = {choose_features("matched", 2, ACTIVITY, draw=str(draw)) for draw in range(40)}
    assert {first for first, _ in drawn} == {2, 3, 4}
    assert {second for _, second in drawn} == {5, 6, 7}
    assert balance((2, 5), (0, 1), ACTIVITY) == pytest.approx((1, 4.2 / 4.1))


def test_random_ones_are_live():
    drawn = {one for draw in range(40) for one in choose_features("random", 2, ACTIVITY, draw=str(draw))}
    assert drawn == set(range(8))
    assert choose_features("random", 2, ACTIVITY, seed=1) == choose_features("random", 2, ACTIVITY, seed=1)


def test_how_many_there_are():
    assert n_possible("random", ACTIVITY) == 8
    # Of the 4 that are predicted first, 3 are live, which leaves 5; of the first 5 it leaves 4.
    assert n_possible("matched", ACTIVITY) == 4
    with pytest.raises(ValueError, match="no 5 features to choose as matched"):
        choose_features("matched", 5, ACTIVITY)


def test_activity_comes_from_the_reading_of_step_1():
    made, data = extractor(), training_set()
    shift, activity = read_activity(made, data, 0)
    assert shift.features == measure_shift(made, data, 0).features == choose_features("predicted", 12, activity)
    turns = [made.prompter.turn(data.examples[row].question) for row in shift.questions]
    hidden = [made.reader.read(Prefix(made.prompter.demonstrations([]).prefixes[0]), [turn]) for turn in turns]
    active = [made.autoencoder.sae.encode(one).detach().numpy() for one in hidden]
    assert activity.mean == pytest.approx(np.mean([one.mean(axis=0) for one in active], axis=0), rel=1e-4, abs=1e-6)
    assert np.array_equal(activity.mean > 0, activity.frequency > 0)
