"""The null against enumeration and simulation, and the whole on the lab's model."""

import itertools

import numpy as np
import pytest
from peft import PeftModel

from sts_eval import lab
from sts_eval.errors import UserError
from sts_eval.experiment import PredictSettings, SAESpec
from sts_eval.hindsight.actual_shift import read_shifts
from sts_eval.hindsight.overlap import measure_overlap, overlap_at
from sts_eval.model.load import load_model
from sts_eval.prediction.predict import silent
from sts_eval.study.extractor import load_extractor
from sts_eval.study.shifted_features import measure_shift
from sts_eval.transfer.measure import tuned_models


def test_equal_activity_is_the_hypergeometric():
    predicted, actual = np.array([9.0, 8, 7, 1, 1, 1]), np.array([9.0, 1, 8, 7, 1, 1])
    found = overlap_at(3, predicted, actual, np.ones(6))
    overlaps = [len({0, 2, 3} & set(drawn)) for drawn in itertools.combinations(range(6), 3)]
    assert found.common == 2
    assert found.expected == pytest.approx(np.mean(overlaps)) == pytest.approx(found.uniform)
    assert found.null_sd == pytest.approx(np.std(overlaps))
    assert found.p_value == pytest.approx(np.mean([overlap >= 2 for overlap in overlaps]))
    assert found.share_actual == pytest.approx(24 / 27)
    assert found.share_predicted == pytest.approx(18 / 27)


def test_activity_alone_does_not_count():
    # The four active dimensions are on top of both lists, so none of the overlap is surprising.
    values = np.array([9.0, 8, 7, 6, 1, 1, 1, 1])
    found = overlap_at(4, values, values, values >= 6)
    assert (found.common, found.expected, found.p_value) == (4, 4, 1)
    assert found.uniform == 2


def test_the_null_against_drawing():
    rng = np.random.default_rng(0)
    activity = 2.0 ** -rng.integers(0, 4, 60)
    predicted, actual = rng.random(60) * activity, rng.random(60) * activity
    found = overlap_at(15, predicted, actual, activity)
    top, marked = np.argsort(-predicted)[:15], set(np.argsort(-actual)[:15])
    drawn = [
        sum(
            len(
                marked
                & set(rng.choice(np.flatnonzero(activity == level), (activity[top] == level).sum(), replace=False))
            )
            for level in np.unique(activity[top])
        )
        for _ in range(4000)
    ]
    assert found.expected == pytest.approx(np.mean(drawn), abs=0.1)
    assert found.null_sd == pytest.approx(np.std(drawn), abs=0.1)
    assert found.p_value == pytest.approx(np.mean(np.array(drawn) >= found.common), abs=0.03)


def test_silent_dimensions():
    found = overlap_at(2, np.array([3.0, 2, 0, 0]), np.array([0.0, 0, 5, 4]), np.array([1.0, 1, 0, 0]))
    assert (found.common, found.expected, found.p_value) == (0, 0, 1)


def test_nothing_changed():
    with pytest.raises(ValueError, match="no dimension changed"):
        overlap_at(1, np.ones(3), np.zeros(3), np.ones(3))


@pytest.fixture(scope="module")
def extractor(model):
    return load_extractor(model, SAESpec(path=str(lab.sae_path())), PredictSettings(shift_tokens=400))


def test_the_lab(extractor, model, mathematics, tuned):
    weights = tuned_models(*tuned)[0].weights
    network = PeftModel.from_pretrained(load_model(model), weights)
    found = measure_overlap(read_shifts(extractor, network, mathematics, seed=0), tuning_seed=0)
    features, residual = found.spaces
    assert (features.space, features.dims) == ("sae", 1024)
    assert [at.n for at in features.at] == [50, 100, 200]
    assert (residual.dims, [at.n for at in residual.at]) == (192, [50, 100])
    for at in (*features.at, *residual.at):
        assert 0 <= at.share_predicted <= at.share_actual <= 1
        assert 0 <= at.common <= at.n
    assert features.at[0].share_actual < features.at[2].share_actual


def test_the_predicted_ones_are_the_predictions(extractor, model, mathematics, tuned):
    """Step 1 of the prediction and this comparison rank the features alike."""
    network = PeftModel.from_pretrained(load_model(model), tuned_models(*tuned)[0].weights)
    found = read_shifts(extractor, network, mathematics, seed=3)
    shift = measure_shift(extractor, mathematics, 3, silent)
    np.testing.assert_allclose(found.features.predicted, shift.score, rtol=1e-5, atol=1e-9)


def test_an_adapter_that_is_not_attached(extractor, model, mathematics):
    with pytest.raises(UserError, match="activations are those of the untuned one"):
        read_shifts(extractor, load_model(model), mathematics, seed=0)
