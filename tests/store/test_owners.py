"""Who a name and a record belong to: each attack, and beside it somebody who does the same thing rightly."""

import multiprocessing
import stat

import pytest
from helpers.small_run import call
from helpers.submissions import SCORES, prediction, raw, submission, transfer

from sts_eval.errors import UserError
from sts_eval.records.ledger import StoreSettings
from sts_eval.store.store import Store
from sts_eval.submission.owner import own_secret, owner_of

# In letters of other alphabets: Cyrillic, phonetic, small capital, Cherokee, Lisu, Armenian, mathematical.
ALIKE = (
    "Ada Lovelace",
    "\u0410da Lovelace",
    "Ad\u0251 Lovelace",
    "\u1d00da Lovelace",
    "\u13aada Lovelace",
    "Ada \ua4e1ovelace",
    "Ada L\u0585velace",
    "\U0001d400da Lovelace",
)

ADA, EVE = (owner_of(digit * 64) for digit in "ae")


@pytest.fixture
def store(tmp_path):
    return Store(str(tmp_path / "store"))


def run(seed=0, *, scores=SCORES, **changes):
    """A run with its evidence; of another seed, it is another tuning."""
    made = prediction(scores)
    return submission(made, transfer(made, seed=seed), **changes)


def paths(verdict):
    return [problem.path for problem in verdict.problems]


def test_a_secret_is_made_once_and_nobody_else_can_read_it(tmp_path):
    folder = tmp_path / "config"
    secret = own_secret(folder)
    assert own_secret(folder) == secret
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    # SHA-256 of 64 letters a, from any other tool.
    assert owner_of("a" * 64) == "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"
    file.write_text("nothing")
    with pytest.raises(UserError, match="holds no secret"):
        own_secret(folder)


def test_the_secret_is_in_nothing_that_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("STS_EVAL_CONFIG", str(tmp_path / "config"))
    path = tmp_path / "run.json"
    path.write_bytes(raw(run()))
    assert call("store", "submit", path, "--to", tmp_path / "store", "--submitter", "Ada").code == 0
    secret = call("store", "key", "--secret").out.strip()
    owner = call("store", "key").out.strip()
    assert owner == owner_of(secret)
    written = [file.read_bytes() for file in (tmp_path / "store").rglob("*") if file.is_file()]
    assert any(owner.encode() in one for one in written)
    assert not any(secret.encode() in one for one in written)


def test_a_record_is_taken_from_its_owner_only(store):
    mine = raw(run(owner=ADA))
    for thief in (EVE, None):
        assert paths(store.submit(mine, owner=thief)) == ["$.owner"]
    assert store.submit(mine, owner=ADA).added
    assert store.board().runs["owner"].tolist() == [ADA]


@pytest.mark.parametrize(
    "name", ["Ada Lovelace", "ada  lovelace", "Ada-Lovelace", "\u0410da Lovelace", "Ada Lovelacé", *ALIKE]
)
def test_a_submitters_name_belongs_to_the_first_owner(store, name):
    assert store.submit(raw(run(0)), owner=ADA).added
    assert paths(store.submit(raw(run(1, submitter=name)), owner=EVE)) == ["$.submitter"]
    assert store.submit(raw(run(1, submitter=name)), owner=ADA).added
    assert store.submit(raw(run(2, submitter="Eve")), owner=EVE).added


def test_the_name_of_a_local_set_stands_for_its_rows_and_another_can_be_called_otherwise(store):
    assert store.submit(raw(run(0)), owner=ADA).added
    # The same model and set, by their hashes, are there for everybody.
    assert store.submit(raw(run(1, submitter="Grace")), owner=EVE).added
    made = prediction()
    other = made.model_copy(
        update={
            "training_set": made.training_set.model_copy(update={"sha256": "1"}),
            "model": made.model.model_copy(update={"d_model": 16}),
        }
    )
    whole = submission(other, transfer(other, seed=3), submitter="Grace")
    verdict = store.submit(raw(whole), owner=EVE)
    assert paths(verdict) == ["$.model.id", "$.training_set.id"]
    assert "stands for another model" in verdict.problems[0].message
    renamed = {
        "model": whole.model.model_copy(update={"id": "org-grace"}),
        "training_set": whole.training_set.model_copy(update={"id": "set-grace"}),
        "outcome": whole.outcome.model_copy(update={"model": "org-grace", "training_set": "set-grace"}),
    }
    assert store.submit(raw(whole.model_copy(update=renamed)), owner=EVE).added
    # Its owner may go on with it, and a record without evidence takes nothing from anybody.
    assert store.submit(raw(submission(other, transfer(other, seed=4))), owner=ADA).added
    assert store.submit(raw(submission(other, transfer(other, seed=5), submitter="Eve", evidence=False))).added


def test_a_benchmarks_name_stands_for_the_rows_first_shown_under_it(store):
    assert store.submit(raw(run(0)), owner=ADA).added
    made = prediction()
    other = made.model_copy(update={"benchmark": made.benchmark.model_copy(update={"sha256": "1"})})
    happened = transfer(other, seed=3)
    verdict = store.submit(raw(submission(other, happened, submitter="Eve")), owner=EVE)
    assert paths(verdict) == ["$.benchmark"]
    assert store.submit(raw(run(4, submitter="Eve")), owner=EVE).added


def test_a_registered_prediction_is_its_owners(store):
    store.preregister(prediction(), by="Ada", owner=ADA)
    assert paths(store.submit(raw(run(submitter="Eve")), owner=EVE)) == ["$.outcome.prediction_sha256"]
    assert store.submit(raw(run()), owner=ADA).added


@pytest.mark.parametrize("name", ["sts-eval", "STS eval", "\u0455ts-\u0435val", "Maintainer", "Board"])
def test_who_runs_the_store_alone_speaks_for_it(store, name):
    store.configure(StoreSettings(maintainers=(ADA,)))
    assert paths(store.submit(raw(run(submitter=name)), owner=EVE)) == ["$.submitter"]
    assert store.submit(raw(run(submitter=name)), owner=ADA).added


@pytest.mark.parametrize("name", ["\u0301\u0301\u0301", "a" + "\u0301" * 9, "\u3164\u3164", "Ada\u200d", "\u115f"])
def test_a_name_that_nobody_can_see_is_refused(store, name):
    assert "$.submitter" in paths(store.submit(raw(run(submitter=name)), owner=EVE))


@pytest.mark.parametrize("name", ["José Ångström", "Nguyễn Văn A", "Дарья", "陳大文", "हिन्दी", "Zoë (lab 3)"])
def test_names_of_people_are_taken(store, name):
    assert store.submit(raw(run(submitter=name)), owner=EVE).added


def test_an_account_is_an_owner(store):
    assert store.submit(raw(run()), by="ada", owner="account:ada").added
    assert paths(store.submit(raw(run(1)), by="eve", owner="account:eve")) == ["$.submitter"]


def test_two_processes_make_one_secret(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(4, initializer=spawn.Barrier(4).wait, initargs=(600,)) as pool:  # none begins before the others
        assert len(set(pool.map(own_secret, [tmp_path / "config"] * 40))) == 1
