"""What killed writers leave, who handed in how much, and several submissions at once."""

import os
import time
from datetime import UTC, datetime, timedelta

import pytest
from helpers.submissions import prediction, raw, submission, transfer

from sts_eval.errors import UserError
from sts_eval.store.files import Files
from sts_eval.store.store import LEFT_BEHIND_SECONDS, Store


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path))


def run(seed):
    made = prediction()
    return raw(submission(made, transfer(made, seed=seed), evidence=False))


def test_temporary_files_of_yesterday_go_when_the_snapshot_is_made_anew(store, tmp_path):
    store.submit(run(0))
    names = {
        "old": tmp_path / "submissions" / f".{'a' * 64}.json.{'0' * 32}.tmp",
        "older": tmp_path / f".snapshot.parquet.{'1' * 32}.tmp",
        "young": tmp_path / "ledger" / f".x.json.{'2' * 32}.tmp",
        "foreign": tmp_path / ".notes.tmp",
    }
    for name, path in names.items():
        path.write_text("half")
        if name != "young":
            before = time.time() - LEFT_BEHIND_SECONDS - 60
            os.utime(path, (before, before))
    assert len(store.board()) == 1
    assert {name for name, path in names.items() if path.exists()} == {"young", "foreign"}


def test_nothing_is_swept_on_a_hub():
    files = Files("memory://swept")
    name = f".x.json.{'0' * 32}.tmp"
    files.replace(name, b"half")
    files.sweep(0)
    assert files.read(name) == b"half"


def test_the_ledger_tells_how_much_somebody_handed_in(store):
    start = datetime.now(UTC)
    for seed in range(3):
        store.submit(run(seed), by="ada" if seed else "grace")
    store.submit(run(1), by="ada")  # the store has it
    assert (store.submitted_by("ada", start), store.submitted_by("grace", start)) == (2, 1)
    assert store.submitted_by("ada", datetime.now(UTC) + timedelta(seconds=1)) == 0
    name = store.board().runs["sha256"].iloc[0]
    store.note("flagged", name, by="ada", why="odd")
    assert store.submitted_by("ada", start) == 2


def test_several_are_read_in_the_order_asked_for(store):
    names = [store.submit(run(seed)).sha256 for seed in range(3)]
    assert [one.sha256() for one in store.read_all(names[::-1])] == names[::-1]
    with pytest.raises(UserError, match="no submission"):
        store.read_all([names[0], "f" * 64])
