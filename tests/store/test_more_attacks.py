"""Further attacks on a store, each beside somebody who does it rightly: names that are taken first, descriptions,
entries that were cut off, clocks that were put back, links."""

import os

import pytest
from helpers.board import OWNER, made_outcomes, made_submission
from helpers.submissions import prediction, raw, submission, transfer

from sts_eval.records.ledger import StoreSettings
from sts_eval.store import board as board_module
from sts_eval.store import ledger
from sts_eval.store.store import Store

ADA, EVE = "a" * 64, "e" * 64


@pytest.fixture
def store(tmp_path):
    made = Store(str(tmp_path))
    made.configure(StoreSettings(benchmark="mmlu_pro", maintainers=(OWNER,)))
    return made


def taken(store, whole, owner):
    verdict = store.submit(raw(whole), owner=owner)
    assert verdict.sha256, [str(problem) for problem in verdict.problems]
    return verdict.sha256


def flood(store, number, **changes):
    """So many self-reported runs of Eve whose predictors are described otherwise."""
    for seed in range(number):
        outcome = made_outcomes(models=(f"eve-{seed}",), sets=("limo",), seed=20 + seed)[0]
        hashes = dict.fromkeys(("prediction_sha256", "transfer_sha256"), f"{seed + 5000:064x}")
        predictors = tuple(one.model_copy(update=changes) for one in outcome.predictors)
        whole = made_submission(outcome.model_copy(update=hashes | {"predictors": predictors}), submitter="Eve")
        taken(store, whole, EVE)


def test_many_unchecked_runs_do_not_say_what_a_predictor_is(store):
    for one in made_outcomes(sets=("limo",)):
        taken(store, made_submission(one), OWNER)
    honest = store.board().predictors.loc["sts_icl", "summary"]
    flood(store, 5, summary="Does not work; use mine")
    assert store.board().predictors.loc["sts_icl", "summary"] == honest
    assert store.board().predictors.loc["sts_icl", "runs"] == 3 + 5


def test_many_unchecked_runs_crowd_no_predictor_out(store, monkeypatch):
    monkeypatch.setattr(board_module, "MOST_PREDICTORS", 3)
    honest = made_outcomes(models=("llama-8b",), sets=("limo",))[0]
    taken(store, made_submission(honest), OWNER)
    for seed in range(2):
        outcome = made_outcomes(models=(f"eve-{seed}",), sets=("limo",), seed=20 + seed)[0]
        predictors = tuple(
            one.model_copy(update={"name": f"aaa_{n}", "group": "x"}) for n, one in enumerate(outcome.predictors)
        )
        hashes = dict.fromkeys(("prediction_sha256", "transfer_sha256"), f"{seed + 5000:064x}")
        made = made_submission(outcome.model_copy(update=hashes | {"predictors": predictors}), submitter="Eve")
        taken(store, made, EVE)
    assert set(store.board().predictors.index) == {one.name for one in honest.predictors}


def test_a_false_benchmark_that_came_first_keeps_nobody_out_once_it_is_taken_down(store):
    """Whoever came first could fix what a benchmark's name stands for, with rows that were never asked."""
    made = prediction()
    false = made.model_copy(update={"benchmark": made.benchmark.model_copy(update={"sha256": "f" * 64})})
    evil = taken(store, submission(false, transfer(false, seed=3), submitter="Eve"), EVE)
    refused = store.submit(raw(submission()), owner=ADA)
    assert [one.path for one in refused.problems] == ["$.benchmark"]
    store.note("withdrawn", evil, by="m", why="its benchmark is not that of its name")
    mine = taken(store, submission(), ADA)
    assert store.board().runs.loc[mine, "ranked"]
    # From now on the name stands for what Ada showed.
    again = store.submit(raw(submission(false, transfer(false, seed=4), submitter="Eve")), owner=EVE)
    assert [one.path for one in again.problems] == ["$.benchmark"]


@pytest.mark.parametrize("name", ["Ada LoveIace", "Ada Love1ace", "Ada L0velace"])
def test_a_name_that_is_drawn_like_anothers_is_refused(store, name):
    taken(store, submission(), ADA)
    made = prediction()
    evil = submission(made, transfer(made, seed=1), submitter=name)
    problems = store.submit(raw(evil), owner=EVE).problems
    assert [one.path for one in problems] == ["$.submitter"]
    taken(store, submission(made, transfer(made, seed=1)), ADA)
    taken(store, submission(made, transfer(made, seed=2), submitter="Ada Lovelock"), EVE)


@pytest.mark.parametrize("part", [0, 0.5, 0.99])
def test_an_entry_that_was_cut_off_is_completed_by_handing_in_again(store, tmp_path, part):
    whole = submission()
    sha = taken(store, whole, ADA)
    (entry,) = (tmp_path / "ledger").iterdir()
    content = entry.read_bytes()
    entry.write_bytes(content[: int(part * len(content))])
    assert len(store.board()) == 0
    assert taken(store, whole, ADA) == sha
    board = store.board()
    assert board.runs.index.tolist() == [sha]
    assert board.chain_problems == []  # what nobody can read says nothing, and what follows does not rest on it


def test_a_registration_by_a_clock_that_was_put_back_counts_from_the_entry_ahead_of_it(store, monkeypatch):
    def at(moment):
        monkeypatch.setattr(ledger, "now", lambda: moment)

    at("2026-01-01T12:00:00+00:00")
    store.preregister(prediction(), by="Ada", owner=ADA)
    at("2026-01-05T00:00:00+00:00")
    store.ledger.add("flagged", "b" * 64, by="m", why="a later entry")
    other = prediction({"math": 2.0, "law": 4.0, "computer science": 1.0, "physics": 3.0, "history": 5.0})
    at("2026-01-01T12:00:00+00:00")
    store.preregister(other, by="Eve", owner=EVE)
    monkeypatch.undo()
    honest = taken(store, submission(), ADA)
    forged = taken(store, submission(other, transfer(other, seed=3), submitter="Eve"), EVE)
    runs = store.board().runs
    assert runs.loc[[honest, forged], "pre_registered"].tolist() == [True, False]
    assert runs.loc[forged, "registered"] == "2026-01-05T00:00:00+00:00"
    assert store.registered(other.sha256()) == "2026-01-05T00:00:00+00:00"


def test_a_registration_by_a_clock_that_is_ahead_is_none(store, monkeypatch):
    with monkeypatch.context() as ahead:
        ahead.setattr(ledger, "now", lambda: "2999-01-01T00:00:00+00:00")
        store.preregister(prediction(), by="Eve", owner=EVE)
    assert store.registered(prediction().sha256()) is None


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
@pytest.mark.parametrize("folder", ["submissions", "ledger", "names"])
def test_links_in_a_store_lead_nowhere(store, tmp_path, folder):
    sha = taken(store, submission(), ADA)
    secret = tmp_path.parent / f"{tmp_path.name}-secret.json"
    secret.write_text('{"token": "very secret"}')
    (tmp_path / folder / f"{'c' * 64}.json").symlink_to(secret)
    (tmp_path / folder / f"{'d' * 64}.json").symlink_to(tmp_path / folder / f"{'d' * 64}.json")  # round and round
    (tmp_path / folder / f"{'e' * 64}.json").symlink_to("/dev/zero")
    board = store.board()
    assert board.runs.index.tolist() == [sha]
    assert "very secret" not in str(board.left_out)
    made = prediction()
    taken(store, submission(made, transfer(made, seed=5)), ADA)
    assert secret.read_text() == '{"token": "very secret"}'
