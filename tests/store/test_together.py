"""Many writers at once, and writers that are killed."""

import multiprocessing
import os
import signal
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import pytest
from helpers.submissions import plain, submission

from sts_eval.records.submission import Submission
from sts_eval.store.files import Files
from sts_eval.store.store import Store

SUBMITTERS, EACH = 50, 8

SMALL = plain(submission(evidence=False, oracle=False))


def small(submitter, number):
    """A small submission of one's own."""
    outcome = SMALL["outcome"] | {"transfer_sha256": f"{submitter * EACH + number:064x}"}
    values = SMALL | {"submitter": f"submitter {submitter}", "outcome": outcome}
    return Submission.model_validate(values).canonical().encode()


def hand_in(url, submitter):
    store = Store(url)
    return [store.submit(small(submitter, number)).sha256 for number in range(EACH)]


def hand_in_by_threads(url, submitters):
    with ThreadPoolExecutor(len(submitters)) as pool:
        return [sha for shas in pool.map(lambda one: hand_in(url, one), submitters) for sha in shas]


def test_what_fifty_hand_in_at_once_is_all_there_once(tmp_path):
    groups = [range(start, start + 10) for start in range(0, SUBMITTERS, 10)]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn) as pool:
        shas = [sha for part in pool.map(hand_in_by_threads, [str(tmp_path)] * len(groups), groups) for sha in part]
    assert len(set(shas)) == SUBMITTERS * EACH
    store = Store(str(tmp_path))
    assert sorted(store.files.names("submissions")) == sorted(f"{sha}.json" for sha in shas)
    entries = store.ledger.entries()
    assert sorted(entry.submission for entry in entries) == sorted(shas)
    assert {entry.action for entry in entries} == {"accepted"}
    board = store.board()
    assert len(board) == SUBMITTERS * EACH
    assert board.left_out == {}


def test_the_same_submission_from_many_hands_is_there_once(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda _: Store(str(tmp_path)).submit(small(0, 0)), range(24)))
    assert sum(receipt.added for receipt in receipts) == 1
    assert len(Store(str(tmp_path)).files.names("submissions")) == 1
    assert len(Store(str(tmp_path)).board()) == 1


def test_one_of_many_creators_wins(tmp_path):
    files = Files(str(tmp_path))
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda number: files.create("folder/one.json", b"%d" % number * 1000), range(40)))
    assert sum(won) == 1
    assert files.read("folder/one.json") == b"%d" % won.index(True) * 1000


def hand_in_forever(url, ready):
    ready.set()
    store, number = Store(url), 0
    while True:
        store.submit(small(0, number))
        number += 1


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_a_killed_writer_leaves_nothing_half_and_the_next_goes_on(tmp_path):
    fork = multiprocessing.get_context("fork")
    for round_number in range(6):
        ready = fork.Event()
        writer = fork.Process(target=hand_in_forever, args=(str(tmp_path), ready))
        writer.start()
        assert ready.wait(1500)
        time.sleep(0.05 + 0.02 * round_number)
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        store = Store(str(tmp_path))
        names = store.files.names("submissions")
        for name in names:
            whole = Submission.model_validate_json(store.files.read(f"submissions/{name}"))
            assert whole.sha256() == name.removesuffix(".json")
        assert len(store.ledger.entries()) == len(store.files.names("ledger"))
        assert store.board().left_out == {}
        assert len(names) - len(store.board()) in (0, 1)  # one may lack its entry
    assert names
    for number in range(len(names) + 1):
        store.submit(small(0, number))
    assert len(store.board()) == len(names) + 1
    assert set(store.board().runs["status"]) == {"accepted"}
