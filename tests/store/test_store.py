"""The store by itself: what stands in it, and what it tells."""

import json

import numpy as np
import pandas as pd
import pytest
from helpers.submissions import SCORES, plain, prediction, raw, submission, transfer

from sts_eval.errors import UserError
from sts_eval.statistics import correlate
from sts_eval.store import ledger, snapshot
from sts_eval.store.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


def other(seed, **changes):
    """A run of another tuning."""
    made = prediction()
    return submission(made, transfer(made, seed=seed), **changes)


def same(one, two):
    pd.testing.assert_frame_equal(one.runs, two.runs)
    pd.testing.assert_frame_equal(one.points, two.points)
    pd.testing.assert_frame_equal(one.predictors, two.predictors)
    pd.testing.assert_frame_equal(one.costs, two.costs)
    pd.testing.assert_frame_equal(one.seed_changes, two.seed_changes)
    pd.testing.assert_frame_equal(one.ledger, two.ledger)


def test_a_file_is_named_by_the_hash_of_its_bytes_and_written_once(store, folder):
    first, second = store.submit(raw(submission())), store.submit(json.dumps(plain(submission()), indent=3).encode())
    assert (first.added, second.added) == (True, False)
    assert first.sha256 == second.sha256 == submission().sha256()
    (file,) = (folder / "submissions").iterdir()
    assert file.read_bytes() == raw(submission())
    assert [entry.action for entry in store.ledger.entries()] == ["accepted"]
    assert store.read(first.sha256) == submission()
    assert store.find(first.sha256[:6]) == first.sha256


def test_a_refused_file_leaves_no_trace(store, folder):
    receipt = store.submit(b"{}")
    assert (receipt.added, receipt.sha256) == (False, None)
    assert not folder.exists()


@pytest.mark.parametrize("name", ["../ledger/x", "0" * 63, "..", "0" * 64 + "/../../x", ""])
def test_a_name_that_is_no_hash_is_not_looked_up(store, name):
    with pytest.raises(UserError, match="no submission"):
        store.raw(name)


def test_the_board_says_what_the_submission_says(store):
    whole = submission()
    sha = store.submit(raw(whole)).sha256
    board = store.board()
    run = board.runs.loc[sha]
    assert (run.tier, run.model, run.training_set_id, run.d_sae, run.seeds) == (
        "recomputed",
        "model",
        "set",
        16,
        (0, 1, 2),
    )
    assert run.ranked and run.complete and not run.withdrawn
    points = board.points.set_index("domain")
    assert dict(points["sts_icl"]) == SCORES
    for domain in whole.outcome.domains:
        point = points.loc[domain.domain]
        assert (point.delta, point.se, point.n) == (domain.accuracy.delta, domain.accuracy.se, domain.n)
        assert point.logprob_delta == domain.logprob.delta
        by_seed = board.seed_changes[board.seed_changes["domain"] == domain.domain]
        assert tuple(by_seed["delta"]) == domain.accuracy.by_seed
        assert tuple(by_seed["seed"]) == whole.outcome.seeds
    assert board.predictors.loc["oracle_kl", "flags"] == "O"
    assert board.predictors.loc["prompt_length", ["group", "summary"]].tolist() == [
        "lexical",
        "Mean length of a question",
    ]
    cost = board.costs.set_index("predictor").loc["prompt_length"]
    assert (cost.seconds, cost.passes) == (1.5, 2)


def test_correlations_are_those_of_the_statistics_room(store):
    shas = [store.submit(raw(other(seed))).sha256 for seed in (1, 2)]
    board = store.board()
    for sha in shas:
        points = board.points[board.points["sha256"] == sha]
        for target, outcome in (
            ("delta", points["delta"]),
            ("magnitude", np.abs(points["delta"])),
        ):
            wanted = correlate(points["sts_icl"].to_numpy(), np.asarray(outcome))
            names = [f"sts_icl_{target}_{end}" for end in ("r", "low", "high")]
            assert board.runs.loc[sha, names].tolist() == pytest.approx(
                [wanted.pearson, wanted.fisher.low, wanted.fisher.high]
            )


def test_the_snapshot_follows_every_change_and_equals_a_direct_reading(store, folder):
    boards = []
    for seed in range(3):
        store.submit(raw(other(seed, evidence=seed != 1)))
        boards.append(Store(str(folder)).board())  # taken over from the snapshot before
        assert len(boards[-1]) == seed + 1
    store.note("flagged", submission_of(store, 0), by="m", why="odd")
    store.preregister(prediction(), by="Ada")
    step = Store(str(folder)).board()
    assert (folder / snapshot.NAME).is_file()
    same(Store(str(folder)).board(), step)
    (folder / snapshot.NAME).unlink()
    same(Store(str(folder)).board(), step)
    assert store.board().runs["registered"].notna().all()


def submission_of(store, place):
    return store.board().runs["sha256"].iloc[place]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"\x00" * 100])
def test_a_spoilt_snapshot_is_made_again(store, folder, content):
    store.submit(raw(submission()))
    board = store.board()
    (folder / snapshot.NAME).write_bytes(content)
    same(Store(str(folder)).board(), board)


def test_an_empty_store_has_an_empty_board(store):
    board = store.board()
    assert (len(board.runs), len(board.points), len(board.predictors), len(board.costs)) == (0, 0, 0, 0)
    assert {"sha256", "sts_icl_delta_r", "ranked"} <= set(board.runs.columns)


def test_files_that_were_put_there_by_hand_are_left_out_with_a_reason(store, folder):
    store.submit(raw(submission()))
    whole = raw(other(5))
    for name, content in (("a" * 64, b"{}"), ("b" * 64, whole), ("readme", b"hello")):
        (folder / "submissions" / f"{name}.json").write_bytes(content)
        if name != "readme":
            store.ledger.add("accepted", name, by="x")
    (folder / "submissions" / ".half.tmp").write_bytes(b"{")
    (folder / "ledger" / "zzz.json").write_bytes(b"{")
    board = store.board()
    assert len(board) == 1
    assert board.left_out.keys() == {f"{name}.json" for name in ("a" * 64, "b" * 64, "readme")}
    assert "not the hash" in board.left_out[f"{'b' * 64}.json"]
    same(Store(str(folder)).board(), board)


def test_what_was_not_accepted_is_not_shown_until_it_is(store, folder):
    whole = submission()
    (folder / "submissions").mkdir(parents=True)
    (folder / "submissions" / f"{whole.sha256()}.json").write_bytes(raw(whole))  # a writer was killed here
    assert len(store.board()) == 0
    assert not store.submit(raw(whole)).added
    assert len(store.board()) == 1
    assert len(store.ledger.entries()) == 1


def test_maintainers_words_are_followed_in_order(store):
    sha = store.submit(raw(submission())).sha256
    store.note("flagged", sha, by="m", why="too good")
    run = store.board().runs.loc[sha]
    assert (run.flagged, run.withdrawn, run.ranked) == ("too good", False, True)
    store.note("withdrawn", sha, by="Ada", why="a bug")
    run = store.board().runs.loc[sha]
    assert (run.status, run.why, run.withdrawn, run.ranked) == ("withdrawn", "a bug", True, False)
    assert not store.submit(raw(submission())).added
    assert store.board().runs.loc[sha].withdrawn  # handing it in again does not bring it back
    store.note("accepted", sha, by="m", why="mended")
    run = store.board().runs.loc[sha]
    assert run.ranked and pd.isna(run.flagged) and pd.isna(run.why)
    assert store.board().ledger["action"].tolist() == ["accepted", "flagged", "withdrawn", "accepted"]


def test_a_run_counts_once_and_evidence_beats_an_earlier_claim(store):
    claim = store.submit(raw(submission(evidence=False))).sha256
    store.board()
    proof = store.submit(raw(submission())).sha256
    runs = store.board().runs
    assert runs.loc[claim, "duplicate_of"] == proof
    assert runs["ranked"].to_dict() == {claim: False, proof: True}
    again = store.submit(raw(submission(submitter="Eve")))
    assert "has this run" in again.problems[0].message
    store.note("withdrawn", proof, by="Ada", why="x")
    store.board()
    assert store.submit(raw(submission(submitter="Eve"))).added


def test_of_two_registrations_the_first_one_stands(store):
    made = prediction()
    entry, new = store.preregister(made, by="Ada")
    assert new
    assert store.preregister(made, by="Eve") == (entry, False)
    sha = store.submit(raw(submission())).sha256
    assert not store.board().runs.loc[sha, "pre_registered"]  # the made tuning began before this test


def test_registered_before_the_tuning_is_a_mark(store, monkeypatch):
    monkeypatch.setattr(ledger, "now", lambda: "2026-01-01T12:00:00+00:00")
    store.preregister(prediction(), by="Ada")
    monkeypatch.undo()
    verdict = store.submit(raw(submission()))
    assert verdict.marks == ("pre_registered",)
    assert store.board().runs.loc[verdict.sha256, "pre_registered"]


def test_imported_and_published_runs_are_not_ranked(store):
    values = plain(submission(evidence=False))
    for origin in ("imported", "published"):
        assert store.submit(json.dumps(values | {"origin": origin}).encode()).tier == origin
    runs = store.board().runs
    assert set(runs["tier"]) == {"imported", "published"}
    assert not runs["ranked"].any()


def test_a_rerun_lifts_the_tier_only_if_it_agrees(store):
    made = prediction()
    claim = store.submit(raw(other(1, evidence=False))).sha256
    close = store.submit(raw(other(2, submitter="Grace"))).sha256
    flips = dict.fromkeys(SCORES, (0, 28))
    far = store.submit(raw(submission(made, transfer(made, flips, seed=3)))).sha256
    assert not store.confirm(claim, far, by="m").agrees
    assert store.board().runs.loc[claim, "tier"] == "self_reported"
    assert store.confirm(claim, close, by="m").agrees
    assert store.board().runs.loc[claim, "tier"] == "rerun"
    store.note("withdrawn", close, by="m", why="wrong")
    assert store.board().runs.loc[claim, "tier"] == "self_reported"
    with pytest.raises(UserError, match="no evidence"):
        store.confirm(close, claim, by="m")


def test_a_store_in_memory_behaves_like_one_on_a_disk(tmp_path):
    url = f"memory://{tmp_path.name}"
    store = Store(url)
    assert store.submit(raw(submission())).added
    assert not store.submit(raw(submission())).added
    assert len(Store(url).board()) == 1
    store.submit(raw(other(4)))
    same(Store(url).board(), store.board())
    assert len(store.board()) == 2


def test_an_address_that_nothing_opens_is_a_users_mistake():
    with pytest.raises(UserError, match="cannot be opened"):
        Store("nonsense://x")
