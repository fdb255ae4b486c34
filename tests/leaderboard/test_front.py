"""The front page's short table, tables that sort by value, profiles and pairs: what they hold, without a browser."""

import math
from operator import itemgetter

import pandas as pd
import pytest
from helpers.board import HOSTILE, OWNER, fill, made_outcomes, made_submission

from sts_eval.errors import UserError
from sts_eval.records.submission import SAEDescription
from sts_eval.store.store import Store
from sts_leaderboard import asked, front, profiles
from sts_leaderboard.board_cache import BoardCache
from sts_leaderboard.cells import BAND, MISSING, figure_table, interval_bar, number, r_cell
from sts_leaderboard.escaping import neuronpedia_source, text_table
from sts_leaderboard.pages import compare, predictors, where
from sts_leaderboard.pages import runs as runs_page
from sts_leaderboard.run_selection import ALL, chosen_of, worlds


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    store = Store(str(tmp_path_factory.mktemp("store")))
    fill(store)
    return BoardCache(store)


@pytest.fixture(scope="module")
def compared(cache):
    chosen = chosen_of(cache.tables(), predictors.DEFAULTS)
    return chosen, cache.comparisons.wait(chosen.shas)


def test_cells_sort_by_value_and_read_as_text():
    table = figure_table([0.5, -0.25, None], {"r": lambda r: r_cell(r, (r - 0.1, r + 0.1) if r else None)})
    assert table["data"] == [[0.5], [-0.25], [MISSING]]  # an empty cell would sort as 0
    assert table["metadata"]["display_value"] == [["+.50 [+.40, +.60]"], ["-.25 [-.35, -.15]"], ["–"]]
    assert number(math.nan, "nan") == number(None, "")


def test_numbers_stay_numbers_in_a_table_of_text():
    table = text_table([(9.5, "x", 1), (10, "y", "–")], {name: itemgetter(at) for at, name in enumerate("abc")})
    assert table.to_dict("list") == {"a": [9.5, 10], "b": ["x", "y"], "c": ["1", "–"]}


def test_the_bar_of_an_interval_is_where_its_figures_are():
    """From -1 to +1: 0 is the middle, .5 three quarters, -.5 one quarter."""
    drawn = interval_bar(0.5, (-0.5, 1.0))
    assert f"transparent 25.0%,{BAND} 25.0% 100.0%,transparent 100.0%" in drawn
    assert "calc(75.0% - 2px)" in drawn
    assert "calc(50.0% - 1px)" in drawn


def test_the_short_table_has_sts_and_the_best_others(compared):
    _, comparison = compared
    table = comparison.table("how_much", "accuracy")
    short = front.short_table(table)
    names = [row[0] for row in short["data"]]
    assert {"sts_icl", "sts_act", table.best_history} <= set(names)
    assert len(names) < len(table.rows)
    figures = [row[1] for row in short["data"]]
    assert figures == sorted(figures, reverse=True)
    needs = dict(zip(names, (row[3] for row in short["data"]), strict=True))
    assert needs["sts_icl"] == "the model and its SAE"
    assert needs[table.best_history] == "results of other runs"
    cost = short["metadata"]["display_value"][names.index("sts_icl")][4]
    assert cost == "40 s, 500 passes"


def test_the_answers_are_of_real_models_here_and_name_them(cache, compared):
    said = front.sentences(cache.tables(), predictors.DEFAULTS, {"real models": compared})
    assert said.count("*Real models*") == 3
    assert "Lab" not in said
    assert "3 models on 3 training sets" in said.replace("&#45;", "-")


def test_real_models_come_before_the_lab_and_are_said_to_be_missing():
    from sts_leaderboard.app import seeded_store

    board = seeded_store().board()
    runs = board.runs
    real = ~runs["lab"] & (runs["origin"] == "measured")
    assert list(worlds(board, predictors.DEFAULTS)) == ["real models", "lab"]
    assert set(chosen_of(board, predictors.DEFAULTS).shas) == set(runs.index[real])
    board.runs = runs[~real]
    assert list(worlds(board, predictors.DEFAULTS)) == ["lab"]
    assert "no measured run" in front.no_real_models(board.runs, predictors.DEFAULTS)


def test_by_domain_is_shown_with_its_runs(cache):
    state = where.DEFAULTS
    table = where.parts_table("domain", where.parts_of(cache.tables(), state)[1]["domain"])
    assert table["headers"][:3] == ["domain", "r, 95%", "runs"]
    assert {row[2] for row in table["data"]} == {9}
    address = where.explore_address("domain", "computer science", state)
    assert address == "?tab=explore&domain=computer+science"


def test_every_item_is_found_by_its_name(cache):
    board = cache.tables()
    for one in profiles.items(board):
        kind, name = profiles.kind_and_name(one)
        assert profiles.item(kind, name) == one
        assert len(profiles.runs_of(board.runs, kind, name))
    for none in ("", "model: ", "javascript: x", "qwen-7b"):
        assert profiles.kind_and_name(none) == ("", "")


def test_links_leave_only_for_what_a_commit_names():
    assert profiles.hub_address("org/model", "abc") == "https://huggingface.co/org/model"
    assert profiles.hub_address("org/set", "abc", "datasets/") == "https://huggingface.co/datasets/org/set"
    for identity in (*HOSTILE, "name", "../x/y", "org/../x", "a/b/c", "org/m)](javascript:x", None):
        assert profiles.hub_address(identity, "abc") is None
    for identity in (*HOSTILE, "name", "a/b/c", "model/source)](javascript:x", None):
        assert neuronpedia_source(identity) is None
    assert neuronpedia_source("gpt2-small/6-res-jb") == "https://www.neuronpedia.org/gpt2-small/6-res-jb"
    assert profiles.hub_address("org/model", None) is None


@pytest.mark.parametrize("text", HOSTILE)
def test_a_link_to_a_profile_holds_no_foreign_markup(text):
    link = profiles.profile_link("model", text)
    shown, _, address = link.removesuffix(")").rpartition("](?")
    assert "[" not in shown[1:]
    assert "<" not in link
    assert not set(address) & set("()[]<>\"' ")


def test_predictors_are_compared_over_the_ranked_runs(cache, compared):
    state = {**defaults(compare), "second": "predictor: prompt_length"}
    found = compare.contrast(cache, state)
    row = compared[1].table("how_much", "accuracy").row("prompt_length").from_reference
    assert found.difference == pytest.approx(-row.difference)
    assert found.interval == pytest.approx((-row.interval[1], -row.interval[0]))
    assert "has a higher r than prompt" in compare.contrast_text(found, state)


def test_models_are_compared_over_the_sets_that_both_have(cache):
    state = {**defaults(compare), "first": "model: qwen-7b", "second": "model: llama-8b"}
    assert compare.contrast(cache, state).n_pairs == 3
    with pytest.raises(UserError, match="only two of a kind"):
        compare.contrast(cache, {**state, "second": "predictor: sts_icl"})


def test_saes_are_compared_over_the_tunings_that_both_read(tmp_path):
    store = Store(str(tmp_path))
    fill(store)
    twin = made_submission(made_outcomes(models=("gemma-2b",), sets=("limo",), seed=4)[0])
    for layer in (3, 9):
        sae = SAEDescription(
            release="scope",
            id=f"layer_{layer}",
            architecture=None,
            d_sae=10,
            layer=layer,
            hook_name=None,
            neuronpedia_id=None,
        )
        digits = {"prediction_sha256": f"{layer:064x}", "transfer_sha256": f"{layer + 50:064x}"}
        seed = made_outcomes(models=("gemma-2b",), sets=("limo",), seed=layer)[0]
        one = twin.model_copy(update={"sae": sae, "outcome": seed.model_copy(update=digits)})
        assert store.submit(one.canonical().encode(), owner=OWNER).accepted
    pages = BoardCache(store)
    names = {"first": "SAE: scope layer_3", "second": "SAE: scope layer_9"}
    assert set(names.values()) <= set(profiles.items(pages.tables()))
    found = compare.contrast(pages, {**defaults(compare), **names, "evidence": ALL})
    assert found.n_pairs == 1
    assert found.difference == pytest.approx(found.first.r - found.second.r)


def test_a_runs_r_is_of_what_is_asked(cache):
    board = cache.tables()
    tables = []
    for question in ("how_much", "which_way"):
        runs = board.runs.join(runs_page.run_correlations(board, "sts_act", question, "accuracy"))
        tables.append(runs_page.runs_table(runs, ("r",)))
    assert tables[0]["headers"] == ["r", "run"]
    assert tables[0]["data"] != tables[1]["data"]
    assert (pd.DataFrame(tables[1]["data"])[0] > MISSING).all()


def test_both_measures_of_the_page_are_in_the_tables(cache):
    for state in ({"question": q, "measure": m} for q in asked.QUESTIONS for m in asked.MEASURES):
        assert len(where.parts_of(cache.tables(), {**where.DEFAULTS, **state})[1]["model"]) == 3


def defaults(page):
    return {name: control.default for name, control in page.CONTROLS.items()}
