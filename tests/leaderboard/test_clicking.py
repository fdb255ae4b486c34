"""From a row of the ranking to an address."""

import pytest

from sts_leaderboard import explore, predictors
from sts_leaderboard.clicking import explored
from sts_leaderboard.links import from_query, parsed

KNOWN = ["sts_icl", "loss (norm)"]


def test_explore_opens_with_the_predictor_and_the_same_runs():
    ranking = {**predictors.DEFAULTS, "origin": "imported", "model": ("m", "n"), "benchmark": "lab"}
    state = from_query(parsed(explored("sts_icl", KNOWN, ranking, explore.SIZE, explore.DEFAULTS)), explore.DEFAULTS)
    same = {
        "predictor": "sts_icl",
        "origin": "imported",
        "model": ("m", "n"),
        "benchmark": ("lab",),
        "sign": explore.SIZE,
    }
    assert state == {**explore.DEFAULTS, **same}


@pytest.mark.parametrize(
    ("shown", "meant"),
    [("loss (norm)", "loss (norm)"), ("loss (norm) (3 of 18 runs)", "loss (norm)"), ("sts_icl (9 of 10 points)", "")],
)
def test_what_the_ranking_says_behind_a_name_is_no_part_of_it(shown, meant):
    query = explored(shown, KNOWN, predictors.DEFAULTS, explore.SIGNED, explore.DEFAULTS)
    # The default predictor need not be said.
    assert query == (
        f"?tab=explore&predictor={meant.replace(' ', '+').replace('(', '%28').replace(')', '%29')}"
        if meant
        else "?tab=explore"
    )


@pytest.mark.parametrize("shown", ["", "history", "sts_icl&origin=published", "javascript:alert(1)", "<img src=x>"])
def test_a_name_that_the_board_does_not_know_makes_no_address(shown):
    assert explored(shown, KNOWN, predictors.DEFAULTS, explore.SIGNED, explore.DEFAULTS) == ""
