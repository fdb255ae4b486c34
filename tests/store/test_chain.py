"""The ledger as a chain: what was changed, taken out or put in between is found; and writers at once."""

import multiprocessing
import os

import pytest
from helpers.submissions import prediction, raw, submission, transfer

from sts_eval.records.ledger import LedgerEntry
from sts_eval.store import ledger as ledger_module
from sts_eval.store.ledger import chain_problems
from sts_eval.store.store import Store

ROUNDS = 5


@pytest.fixture
def store(tmp_path):
    made = Store(str(tmp_path))
    for number in range(4):
        made.ledger.add("flagged", f"{number:064x}", by="m", why=f"reason {number}")
    return made


def entries(store):
    return store.ledger.read(store.files.names("ledger"))


def test_a_ledger_that_nobody_touched_is_whole(store):
    first, second = list(entries(store).values())[:2]
    assert (first.previous, second.previous) == (None, first.sha256())
    assert chain_problems(entries(store)) == []
    assert store.board().chain_problems == []


@pytest.mark.parametrize("what", ["changed", "taken out", "put in between"])
def test_a_ledger_that_was_touched_is_not(store, tmp_path, what):
    second, third = (tmp_path / "ledger" / name for name in store.files.names("ledger")[1:3])
    entry = LedgerEntry.model_validate_json(second.read_bytes())
    if what == "changed":
        second.write_text(entry.model_copy(update={"why": "another"}).canonical())
    elif what == "taken out":
        second.unlink()
    else:
        # Dated between its neighbours, and with the hash of the one ahead of it.
        forged = entry.model_copy(update={"why": "forged", "previous": entry.sha256()})
        third.with_name("entry-00000003-accepted-0.json").write_text(forged.canonical())
    (broken,) = chain_problems(entries(store))
    assert "does not follow" in broken


def test_an_entry_cannot_be_dated_back(store, monkeypatch):
    """A registration that is entered after the results are known, by a clock that was put back."""
    monkeypatch.setattr(ledger_module, "now", lambda: "2021-01-01T00:00:00+00:00")
    store.preregister(prediction(), by="Eve")
    (broken,) = chain_problems(entries(store))
    assert "dated before" in broken


def test_an_entry_by_a_clock_that_is_ahead_spoils_none_that_come_after_it(store, monkeypatch):
    """Otherwise one bad clock would make every later entry look forged, for years."""
    with monkeypatch.context() as ahead:
        ahead.setattr(ledger_module, "now", lambda: "2999-01-01T00:00:00+00:00")
        store.preregister(prediction(), by="Eve")
    store.ledger.add("flagged", f"{9:064x}", by="m", why="the clock is right again")
    (broken,) = chain_problems(entries(store))
    assert broken.startswith("entry-00000005-registered")
    assert broken.endswith("is dated 2999-01-01T00:00:00+00:00, which has not come yet")


def test_entries_of_an_earlier_version_come_first_and_are_held_by_the_chain(tmp_path):
    folder = tmp_path / "ledger"
    folder.mkdir()
    older = LedgerEntry(
        action="accepted", submission="a" * 64, when="2026-01-01T00:00:00+00:00", by="m", why="", other=None
    )
    (folder / "20260101T000000000000Z-accepted-aaaa-0.json").write_text(older.canonical())
    store = Store(str(tmp_path))
    entry = store.ledger.add("flagged", "a" * 64, by="m")
    assert entry.previous == older.sha256()
    assert [one.action for one in store.ledger.entries()] == ["accepted", "flagged"]
    assert chain_problems(entries(store)) == []
    # One of that version that is put in afterwards is found, and a registration among them never counted.
    forged = older.model_copy(update={"action": "registered", "submission": "b" * 64})
    (folder / "20260101T000000000000Z-registered-bbbbbbbbbbbbbbbb-0.json").write_text(forged.canonical())
    assert store.registered("b" * 64) is None
    (folder / "20250101T000000000000Z-flagged-aaaa-0.json").write_text(
        older.model_copy(update={"action": "flagged", "when": "2025-01-01T00:00:00+00:00"}).canonical()
    )
    (broken,) = chain_problems(entries(store))
    assert "does not follow" in broken


def test_two_writers_without_a_lock_that_took_one_number_break_nothing(store, tmp_path):
    last = tmp_path / "ledger" / store.files.names("ledger")[-1]
    entry = LedgerEntry.model_validate_json(last.read_bytes())
    twin = entry.model_copy(update={"submission": "e" * 64})
    last.with_name("entry-00000004-flagged-eeee.json").write_text(twin.canonical())
    store.ledger.add("flagged", "f" * 64, by="m")
    assert chain_problems(entries(store)) == []
    last.unlink()
    assert len(chain_problems(entries(store))) == 1


def test_folders_pipes_and_rubbish_in_the_ledger_are_no_entries(store, tmp_path):
    (tmp_path / "ledger" / "entry-00000099-accepted-0.json").mkdir()
    (tmp_path / "ledger" / "zzz.json").write_text("{")
    (tmp_path / "submissions").mkdir()
    (tmp_path / "submissions" / f"{'a' * 64}.json").mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "ledger" / "entry-00000098-accepted-0.json")
        os.mkfifo(tmp_path / "submissions" / f"{'b' * 64}.json")
    assert len(store.board().ledger) == 4
    assert store.ledger.add("flagged", "b" * 64, by="m").previous is not None
    assert chain_problems(entries(store)) == []


def hand_in(url, seeds, barrier):
    store = Store(url)
    made = prediction()
    contents = [raw(submission(made, transfer(made, seed=seed))) for seed in seeds]
    for content in contents:
        barrier.wait(600)
        store.submit(content, owner="a" * 64)


def test_three_writers_of_the_same_thing_at_once_leave_one_entry_of_each(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(3)
    writers = [spawn.Process(target=hand_in, args=(str(tmp_path), range(ROUNDS), barrier)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(1500)
        assert writer.exitcode == 0
    store = Store(str(tmp_path))
    accepted = [entry.submission for entry in store.ledger.entries()]
    assert len(accepted) == len(set(accepted)) == ROUNDS
    assert chain_problems(entries(store)) == []
