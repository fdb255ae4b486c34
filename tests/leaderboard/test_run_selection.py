"""Which runs are compared: never by what they found, and only those that share domains."""

import numpy as np
import pandas as pd
import pytest
from helpers.board import fill

from sts_eval.store.comparisons import Comparisons
from sts_eval.store.files import Files
from sts_eval.store.store import Store
from sts_leaderboard import ranking, run_selection
from sts_leaderboard.board_cache import RESAMPLES, compare
from sts_leaderboard.pages import predictors
from sts_leaderboard.run_selection import choose_runs


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    store = Store(str(tmp_path_factory.mktemp("store")))
    fill(store)
    return store.board().runs


def choose(runs, **options):
    return choose_runs(runs, predictors.DEFAULTS | options)


def many(runs, number):
    """So many runs of one set by a model each, the oldest first."""
    one = runs[runs["origin"] == "measured"].iloc[[0] * number].copy()
    names = [f"{place:064d}" for place in range(number)]
    times = [f"2026-01-01T00:{place // 60:02d}:{place % 60:02d}+00:00" for place in range(number)]
    return one.assign(sha256=names, model=names, accepted=times).set_axis(names)


def test_a_run_knows_its_domains(runs):
    assert {len(one) for one in runs["domains"]} == {9}


@pytest.mark.parametrize(
    ("domains", "expected"),
    [
        ([], []),
        (["abcd", "abcde"], [True, True]),
        (["abcd", "abcd", "wxyz"], [True, True, False]),
        # Three have abcde; a fourth has more and belongs to them.
        (["abcde", "abcde", "abcdef", "abxy", "abxy"], [True, True, True, False, False]),
        # As many runs on each side: more domains win, then the alphabet.
        (["abcd", "vwxyz"], [False, True]),
        (["wxyz", "abcd"], [False, True]),
        (["abc", "xyz"], [False, False]),
    ],
)
def test_the_largest_group_that_shares_four_domains_is_taken(domains, expected):
    assert run_selection.largest_group([tuple(one) for one in domains]) == expected


def test_a_run_on_other_domains_is_left_out_by_name_and_fails_nothing(runs):
    odd = runs.copy()
    name = choose(odd).shas[0]
    odd.at[name, "domains"] = ("w", "x", "y", "z")
    chosen = choose(odd)
    assert set(chosen.shas) == set(choose(runs).shas) - {name}
    assert odd.at[name, "model"].replace("-", "&#45;") in chosen.notes[-1]
    none = runs.assign(domains=[("a", "b")] * len(runs))
    none.iat[0, none.columns.get_loc("domains")] = ("c", "d")
    assert choose(none).shas == ()


def test_of_too_many_runs_the_newest_are_compared_whatever_they_found(runs):
    crowd = many(runs, run_selection.MOST_RUNS + 5)
    chosen = choose(crowd)
    assert chosen.shas == tuple(crowd["sha256"][5:])
    assert f"newest {run_selection.MOST_RUNS} of {run_selection.MOST_RUNS + 5}" in chosen.notes[-1]
    assert "sts-eval compare" in chosen.notes[-1]
    figures = [name for name in crowd if name.endswith(("_r", "_low", "_high"))]
    assert len(figures) == 12
    crowd[figures] = np.random.default_rng(0).normal(size=(len(crowd), len(figures)))
    assert choose(crowd) == chosen


def test_the_sae_makes_no_second_run(runs):
    twin = runs[runs["origin"] == "measured"].iloc[[0]].assign(sha256="f" * 64, layer=3, accepted="2027").set_axis([""])
    assert "f" * 64 in choose(pd.concat([runs, twin])).shas
    assert len(choose(pd.concat([runs, twin])).shas) == len(choose(runs).shas)


def test_the_table_goes_by_rank_and_within_it_by_r():
    from types import SimpleNamespace as Row

    rows = [Row(rank=1), Row(rank=3), Row(rank=1), Row(rank=None)]
    assert ranking.by_rank(rows) == [rows[0], rows[2], rows[1], rows[3]]


@pytest.mark.parametrize("origin", ["measured", "imported"])
def test_the_shipped_comparisons_are_what_this_version_makes_of_the_shipped_runs(origin):
    """If not: python benchmarks/board_seeds.py --comparisons."""
    from sts_leaderboard.app import SEEDS, seeded_store

    store = seeded_store()
    runs = store.board().runs
    chosen = choose(runs, origin=origin)
    shipped = Comparisons(Files(str(SEEDS))).read(chosen.shas, RESAMPLES)
    assert shipped is not None
    again = compare([one.outcome for one in store.read_all(chosen.shas)])
    assert rounded(shipped) == rounded(again)


def rounded(comparison):
    """Its values without the time; the last digits are those of a machine."""

    def walk(value):
        if isinstance(value, dict):
            return {name: walk(one) for name, one in value.items() if name != "created"}
        if isinstance(value, list):
            return [walk(one) for one in value]
        return pytest.approx(value, rel=1e-6, abs=1e-9) if isinstance(value, float) else value

    return walk(comparison.model_dump(mode="json"))
