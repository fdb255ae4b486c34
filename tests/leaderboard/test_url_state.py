"""A page's state as an address and back."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sts_leaderboard.url_state import LARGEST, LONGEST, MOST, from_query, parse_query, to_query

DEFAULTS = {"search": "", "family": (), "complete": False, "page": 1, "columns": ("model", "r")}


def test_an_address_says_only_what_differs():
    state = {**DEFAULTS, "family": ("Llama", "Qwen"), "complete": True, "page": 3}
    assert to_query("runs", state, DEFAULTS) == "?tab=runs&family=Llama&family=Qwen&complete=1&page=3"
    assert to_query("runs", DEFAULTS, DEFAULTS) == "?tab=runs"


texts = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=30)


@given(
    st.fixed_dictionaries(
        {
            "search": st.just("") | texts,
            "family": st.lists(texts, max_size=5).map(tuple),
            "complete": st.booleans(),
            "page": st.integers(0, LARGEST),
            "columns": st.lists(texts, max_size=5).map(tuple),
        }
    )
)
def test_every_state_comes_back_from_its_address(state):
    assert from_query(parse_query(to_query("runs", state, DEFAULTS)), DEFAULTS) == state


@pytest.mark.parametrize(
    "pairs",
    [
        [("page", "-1")],
        [("page", "1e9")],
        [("page", "9" * 400)],
        [("page", "٣")],
        [("complete", "yes")],
        [("search", "x" * (LONGEST + 1))],
        [("__proto__", "1"), ("nobody", "x")],
    ],
)
def test_what_does_not_fit_is_dropped(pairs):
    assert from_query(pairs, DEFAULTS) == DEFAULTS


def test_a_flood_of_values_is_cut():
    found = from_query(parse_query("?" + urlencode([("family", str(n)) for n in range(300)])), DEFAULTS)
    assert len(found["family"]) == MOST
