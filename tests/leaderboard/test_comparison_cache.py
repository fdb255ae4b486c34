"""Comparisons in the background: begun once, one at a time, and what is said meanwhile."""

import threading

import pytest
from helpers.board import fill

from sts_eval.analysis.runs import gather
from sts_eval.errors import UserError
from sts_eval.store.store import Store
from sts_leaderboard import board_cache
from sts_leaderboard.board_cache import SECONDS_A_RUN, BoardCache, ComparisonCache
from sts_leaderboard.pages import predictors
from sts_leaderboard.run_selection import choose_runs

LONG = 600


class Work:
    """Stands for what a comparison takes: it is done when it is let go."""

    def __init__(self):
        self.go, self.began, self.most, self.at_once = threading.Event(), [], 0, 0

    def __call__(self, shas):
        self.began.append(shas)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        assert self.go.wait(LONG)
        self.at_once -= 1
        return shas


@pytest.fixture
def work():
    made = Work()
    yield made
    made.go.set()


def nothing(_):
    return None


def test_who_asks_does_not_wait_and_the_same_runs_are_compared_once(work):
    one = ComparisonCache(work, nothing)
    assert isinstance(one.get(["b", "a"]), float)
    assert isinstance(one.get(["a", "b"]), float)
    work.go.set()
    assert one.wait(["a", "b"]) == ("a", "b") == one.get(["b", "a"])
    assert work.began == [("a", "b")]


def test_one_is_made_at_a_time_and_those_before_count(work):
    one = ComparisonCache(work, nothing, clock=lambda: 0.0)
    first, second = one.get("ab"), one.get("cde")
    assert (first, second) == pytest.approx((2 * SECONDS_A_RUN, 5 * SECONDS_A_RUN))
    work.go.set()
    one.wait("ab")
    one.wait("cde")
    assert work.most == 1


def test_what_is_kept_is_there_at_once(work):
    assert ComparisonCache(work, lambda shas: ("kept", *shas)).get("a") == ("kept", "a")
    assert work.began == []


def test_too_many_under_way_are_refused(work, monkeypatch):
    monkeypatch.setattr(board_cache, "MOST_WAITING", 2)
    one = ComparisonCache(work, nothing)
    one.get("a")
    one.get("b")
    with pytest.raises(UserError, match="Try again"):
        one.get("c")
    assert isinstance(one.get("a"), float)


def test_a_mistake_is_told_again_and_a_store_that_was_away_is_tried_again():
    tries = []

    def fails(error):
        def make(shas):
            tries.append(error)
            raise error

        return ComparisonCache(make, nothing)

    for error, expected in ((UserError("few", "more"), UserError), (ValueError("bug"), UserError)):
        tries.clear()
        one = fails(error)
        for _ in range(2):
            with pytest.raises(expected):
                one.wait("a")
        assert len(tries) == 1
    tries.clear()
    away = fails(OSError("gone"))
    for _ in range(2):
        with pytest.raises(OSError, match="gone"):
            away.wait("a")
    assert len(tries) == 2


def test_the_oldest_finished_one_is_forgotten(monkeypatch):
    monkeypatch.setattr(board_cache, "MOST_REMEMBERED", 2)
    made = []
    one = ComparisonCache(lambda shas: made.append(shas) or shas, nothing)
    for name in "abca":
        one.wait(name)
    assert made == [("a",), ("b",), ("c",), ("a",)]


def test_another_process_on_the_store_finds_the_comparison_made(tmp_path, monkeypatch):
    store = Store(str(tmp_path))
    fill(store)
    runs = store.board().runs
    chosen = choose_runs(runs, {**predictors.DEFAULTS, "origin": "imported"})
    made = BoardCache(store).comparisons.wait(chosen.shas)
    monkeypatch.setattr("sts_leaderboard.board_cache.compare", None)
    assert BoardCache(Store(str(tmp_path))).comparisons.get(chosen.shas) == made
    # As the shipped ones are read, beside a store that has none of its own.
    shipped = BoardCache(Store(str(tmp_path / "other")), shipped=tmp_path)
    assert shipped.comparisons.get(chosen.shas) == made


def test_who_comes_while_the_tables_are_read_anew_gets_the_old_ones(tmp_path, monkeypatch):
    monkeypatch.setattr("sts_leaderboard.board_cache.KEPT_SECONDS", -1.0)
    store = Store(str(tmp_path))
    cache = BoardCache(store)
    old = cache.tables()
    reading, go = threading.Event(), threading.Event()

    def slow():
        reading.set()
        assert go.wait(LONG)
        return "new"

    monkeypatch.setattr(store, "board", slow)
    found = []
    reader = threading.Thread(target=lambda: found.append(cache.tables()))
    reader.start()
    assert reading.wait(LONG)
    assert cache.tables() is old
    go.set()
    reader.join(LONG)
    assert found == ["new"]


def test_the_runs_that_are_compared_are_saved_for_sts_eval_compare(tmp_path):
    store = Store(str(tmp_path / "store"))
    fill(store)
    content, name = predictors.saved_file(BoardCache(store), "jsonl", predictors.DEFAULTS)
    (tmp_path / name).write_bytes(content)
    runs = store.board().runs
    measured = runs[(runs["origin"] == "measured") & runs["ranked"]]
    assert gather([tmp_path / "runs.jsonl"]) == tuple(store.read(sha).outcome for sha in measured["sha256"])
