"""From a row of the ranking to an address."""

import pytest

from sts_leaderboard.pages import explore, predictors
from sts_leaderboard.pages.predictors import explore_address
from sts_leaderboard.url_state import from_query, parse_query

KNOWN = ["sts_icl", "loss (norm)"]


def test_explore_opens_with_the_predictor_and_the_same_runs():
    ranking = {**predictors.DEFAULTS, "origin": "imported", "model": ("m", "n"), "benchmark": "lab"}
    ranking["question"] = "Which way it changes"
    state = from_query(parse_query(explore_address("sts_icl", KNOWN, ranking)), explore.DEFAULTS)
    same = {
        "predictor": "sts_icl",
        "origin": "imported",
        "model": ("m", "n"),
        "benchmark": ("lab",),
        "question": "Which way it changes",
    }
    assert state == {**explore.DEFAULTS, **same}


@pytest.mark.parametrize(
    ("shown", "meant"),
    [("loss (norm)", "loss (norm)"), ("loss (norm) (3 of 18 runs)", "loss (norm)"), ("sts_icl (9 of 10 points)", "")],
)
def test_what_the_ranking_says_behind_a_name_is_no_part_of_it(shown, meant):
    query = explore_address(shown, KNOWN, predictors.DEFAULTS)
    # The default predictor need not be said.
    assert query == (
        f"?tab=explore&predictor={meant.replace(' ', '+').replace('(', '%28').replace(')', '%29')}"
        if meant
        else "?tab=explore"
    )


@pytest.mark.parametrize("shown", ["", "history", "sts_icl&origin=published", "javascript:alert(1)", "<img src=x>"])
def test_a_name_that_the_board_does_not_know_makes_no_address(shown):
    assert explore_address(shown, KNOWN, predictors.DEFAULTS) == ""
