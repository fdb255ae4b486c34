"""What is made once of a state of the store, and made anew when the store has changed."""

import pytest
from helpers.board import made_outcomes, made_submission

from sts_eval.store.store import Store
from sts_leaderboard import board_cache
from sts_leaderboard.board_cache import BoardCache


@pytest.fixture
def outcomes():
    return made_outcomes()


@pytest.fixture
def store(tmp_path, outcomes):
    made = Store(str(tmp_path))
    assert hand_in(made, outcomes[0])
    return made


def hand_in(store, outcome):
    return store.submit(made_submission(outcome).canonical().encode()).sha256


def test_it_is_made_once_and_again_when_the_store_has_changed(store, tmp_path, outcomes, monkeypatch):
    monkeypatch.setattr(board_cache, "KEPT_SECONDS", -1.0)
    cache = BoardCache(store)
    made = []

    def count():
        made.append(len(cache.tables()))
        return made[-1]

    assert [cache.once(count, "number"), cache.once(count, "number")] == [1, 1]
    assert cache.once(count, "another") == 1
    assert len(made) == 2
    hand_in(Store(str(tmp_path)), outcomes[1])  # by another process
    assert cache.once(count, "number") == 2
    cache.submit(made_submission(outcomes[2]).canonical().encode(), None, None)
    assert cache.once(count, "number") == 3


def test_what_does_not_last_and_errors_are_made_again(store):
    cache = BoardCache(store)
    given = iter(["waiting", "done", "never"])
    found = [cache.once(lambda: next(given), "key", lasting=lambda one: one == "done") for _ in range(3)]
    assert found == ["waiting", "done", "done"]
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            cache.once(lambda: 1 / 0, "broken")


def test_the_oldest_result_is_forgotten(store, monkeypatch):
    monkeypatch.setattr(board_cache, "MOST_MADE", 2)
    cache, made = BoardCache(store), []
    for name in "aabaca":
        cache.once(lambda name=name: made.append(name), name)
    assert made == ["a", "b", "c"]
    cache.once(lambda: made.append("b"), "b")
    assert made == ["a", "b", "c", "b"]


def test_a_page_that_is_shown_twice_is_the_same_though_an_update_loses_its_value(store):
    calls = []

    def show(state):
        calls.append(state)
        return {"table": {"value": [1], "visible": True}, "words": "one"}

    shown = BoardCache(store).remembered(show)
    first = shown({"origin": "measured", "models": ("a",)})
    first["table"].pop("value")
    assert shown({"origin": "measured", "models": ("a",)})["table"] == {"value": [1], "visible": True}
    assert shown({"origin": "measured", "models": ()})["words"] == "one"
    assert len(calls) == 2


def test_a_run_that_another_process_has_just_handed_in_is_found(store, tmp_path, outcomes, monkeypatch):
    monkeypatch.setattr(board_cache, "NEW_SECONDS", 0.0)
    cache = BoardCache(store)
    cache.tables()
    new = hand_in(Store(str(tmp_path)), outcomes[1])
    assert cache.find(new[:12]) == new
