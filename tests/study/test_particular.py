"""What is particular to a training set, by hand."""

import numpy as np
import pytest

from sts_eval.study.particular import labels, particularity, reasons_to_drop, spread


def test_shift_relative_to_usual_activity():
    found = particularity(np.array([2.0, 1.0, 3.0, 0.0]), np.array([2.0, 3.0, 0.0, 0.0]))
    assert found.tolist() == [0.5, 0.25, 1.0, 0.0]


def test_spread_is_0_in_one_source_and_1_in_all_alike():
    means = np.array([[4.0, 1.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
    # The third fires in two of three alike: (2 − 1) / (3 − 1). The last never fires.
    assert spread(means).tolist() == pytest.approx([0, 1, 0.5, 0])
    assert spread(means[:1]).tolist() == [0, 0, 0, 0]


def test_what_is_left_out_and_why():
    """Mean activations elsewhere are .75, 2, 1.625, 1.5 and 2: the fourth is as active as there, the fifth far more."""
    training = np.array([5.0, 5.0, 4.0, 1.5, 6.0])
    domains = np.array([[3.0, 2.0, 2.0, 6.0, 2.0], [0.0, 2.0, 2.0, 0.0, 2.0], [0.0, 2.0, 2.0, 0.0, 2.0]])
    neutral = np.array([0.0, 2.0, 0.5, 0.0, 2.0])
    assert reasons_to_drop(training, domains, neutral) == [
        "",
        "fires on text of every kind",
        "fires on how questions are put, in all domains alike",
        "fires hardly more in the training set than elsewhere",
        "",
    ]


def test_one_domain_says_nothing_of_how_questions_are_put():
    reasons = reasons_to_drop(np.array([5.0, 6.0]), np.array([[4.0, 4.0]]), np.array([0.0, 4.0]))
    assert reasons == ["", "fires on text of every kind"]


def test_the_label_is_the_source_of_most_samples_and_among_equals_the_more_active():
    counts = np.array([[6, 5, 0], [4, 5, 0]])
    means = np.array([[1.0, 1.0, 9.0], [9.0, 2.0, 0.0]])
    assert labels(counts, means).tolist() == [0, 1, -1]
