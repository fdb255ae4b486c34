"""Rows of several questions: who sees whom, at which position, and how rows are cut."""

import pytest
import torch

from sts_eval.model.packing import PackedRow, attention_mask, cut_rows

SHAPES = [(3, ()), (2, (2, 0, 1)), (1, (1,))]


def tokens():
    """(question, branch, position) of each token, branch None in a stem; written out by hand."""
    return [
        *((0, None, 0), (0, None, 1), (0, None, 2)),
        *((1, None, 0), (1, None, 1), (1, "a", 2), (1, "a", 3), (1, "c", 2)),
        *((2, None, 0), (2, "d", 1)),
    ]


def sees(one, other, window):
    earlier = other[2] <= one[2] and (window is None or one[2] - other[2] < window)
    return one[0] == other[0] and other[1] in (None, one[1]) and earlier


def test_every_branch_goes_on_from_its_stem():
    assert PackedRow.of(SHAPES).positions.tolist() == [position for _, _, position in tokens()]


@pytest.mark.parametrize("window", [None, 2])
@pytest.mark.parametrize("before", [0, 4])
def test_a_token_sees_the_prefix_its_stem_and_its_branch(before, window):
    expected = [
        [window is None or before + one[2] - at < window for at in range(before)]
        + [sees(one, other, window) for other in tokens()]
        for one in tokens()
    ]
    visible = PackedRow.of(SHAPES).visible(torch.device("cpu"), before, window)
    assert visible.tolist() == expected


def test_a_mask_is_added_to_attention_scores():
    mask = attention_mask(torch.tensor([[True, False]]), torch.bfloat16)
    assert mask.shape == (1, 1, 1, 2)
    assert mask.flatten().tolist() == [0.0, torch.finfo(torch.bfloat16).min]


def test_rows_are_cut_by_tokens_questions_and_groups():
    lengths, groups = [4, 4, 9, 1, 1, 1], [0, 0, 0, 0, 0, 1]
    cut = cut_rows(range(6), lengths, max_tokens=8, max_questions=2, groups=groups)
    assert list(cut) == [[0, 1], [2], [3, 4], [5]]
    assert list(cut_rows([], [], max_tokens=8)) == []
