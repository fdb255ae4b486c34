"""The columns on losses, by hand."""

import numpy as np
import pytest

from sts_eval.predictors import loss
from sts_eval.predictors.registry import select
from sts_eval.study.study import Answering, Losses, Study, Texts


def answering(question_nll, options, tokens, right):
    """Options are probabilities."""
    return Answering(
        np.array(question_nll), [np.log(row) for row in options], [np.array(row) for row in tokens], np.array(right)
    )


# Two questions: the first is answered wrongly alone and rightly behind demonstrations, the second rightly in both.
ALONE = answering([2.0, 4.0], [[0.1, 0.3], [0.2, 0.05, 0.15]], [[2, 1], [1, 1, 4]], [0, 0])
SHOWN = answering([1.5, 3.0], [[0.3, 0.1], [0.3, 0.05, 0.15]], [[2, 1], [1, 1, 4]], [0, 0])
STUDY = Study(Texts([], {"law": ["?", "?"]}), [Losses({"law": ALONE}, {"law": SHOWN})])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (loss.question_nll, 3.0),
        (loss.answer_nll, -(np.log(0.1) / 2 + np.log(0.2)) / 2),
        (loss.base_accuracy, 50.0),
        (loss.icl_nll_gap, (0.5 + 1.0) / 2),  # larger: demonstrations help
        (loss.icl_logprob_gap, (np.log(0.75 / 0.25) + np.log(0.6 / 0.5)) / 2),
        (loss.icl_accuracy_gap, 50.0),
    ],
)
def test_columns_by_hand(column, value):
    assert column(STUDY) == {"law": pytest.approx(value)}


def test_only_columns_on_answers_are_flagged():
    assert {one.name for one in select(["loss"]) if not one.flags} == {"question_nll", "icl_nll_gap"}
    assert {one.group for one in select(["loss"])} == {"loss"}
