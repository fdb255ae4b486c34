"""Faults that were found by attacking a board, played again on a store; beside each, somebody who does it rightly."""

import json

import numpy as np
import pytest
from helpers import records as made_records
from helpers.board import OWNER, made_outcomes, made_submission
from helpers.submissions import CREATED, plain, prediction, raw, submission, transfer

from sts_eval.records.ledger import StoreSettings
from sts_eval.records.prediction import Prediction, Score
from sts_eval.records.transfer import Transfer
from sts_eval.store import ledger
from sts_eval.store.store import Store

ADA, EVE, GRACE = "a" * 64, "e" * 64, "9" * 64


@pytest.fixture
def store(tmp_path):
    made = Store(str(tmp_path))
    made.configure(StoreSettings(benchmark="mmlu_pro", maintainers=(OWNER,)))
    return made


def taken(store, whole, owner):
    """The name of a submission that has to be accepted."""
    verdict = store.submit(raw(whole), owner=owner)
    assert verdict.sha256, [str(problem) for problem in verdict.problems]
    return verdict.sha256


def touched(whole, **fields):
    """The same evidence with another time or digit, made to fit: the way to another hash."""
    happened = whole.transfer.model_copy(update=fields)
    return submission(whole.prediction, happened)


def told(outcome, model):
    """An outcome whose predictors say what happened, with fresh hashes: what was handed in as an attack."""
    truth = {one.domain: one.accuracy.delta for one in outcome.domains}
    predictors = tuple(
        one.model_copy(update={"scores": {name: Score(value=truth[name]) for name in one.scores}})
        for one in outcome.predictors
    )
    hashes = {name: f"{int(getattr(outcome, name), 16) + 77:064x}" for name in ("prediction_sha256", "transfer_sha256")}
    return outcome.model_copy(update={"model": model, "predictors": predictors, **hashes})


# 1. Displacement, 6. near copies


@pytest.mark.parametrize("name", ["{}", "{}-v2"])
def test_copies_with_the_truth_for_a_prediction_rank_nowhere(store, name):
    mine = [taken(store, made_submission(one), OWNER) for one in made_outcomes()]
    copied = [made_submission(told(one, name.format(one.model)), submitter="Eve") for one in made_outcomes()]
    theirs = [taken(store, one, EVE) for one in copied]
    runs = store.board().runs
    assert runs.loc[theirs, "duplicate_of"].tolist() == mine
    assert not runs.loc[theirs, "ranked"].any()
    assert not runs.loc[theirs, "checked"].any()
    assert runs.loc[mine, "duplicate_of"].isna().all()


def test_other_peoples_own_runs_are_no_copies(store):
    mine = taken(store, submission(), ADA)
    made = prediction()
    theirs = taken(store, submission(made, transfer(made, seed=5), submitter="Grace"), GRACE)
    runs = store.board().runs
    assert runs.loc[[mine, theirs], "ranked"].all()


@pytest.mark.parametrize("evidence", [True, False])
def test_one_edited_time_makes_no_new_run_even_before_the_first_snapshot(store, evidence):
    whole = submission()
    copy = touched(whole, created="2026-01-03T00:00:00+00:00", warnings=("edited",))
    assert copy.outcome.transfer_sha256 != whole.outcome.transfer_sha256
    first = taken(store, whole, ADA)
    values = {"submitter": "Eve"}
    if not evidence:
        values |= {"prediction": None, "transfer": None}
    second = taken(store, copy.model_copy(update=values), EVE)
    runs = store.board().runs
    assert runs.loc[second, "duplicate_of"] == first
    assert runs.loc[[first, second], "ranked"].tolist() == [True, False]


def test_some_edited_answers_make_no_new_run(store):
    whole = submission()
    first = taken(store, whole, ADA)
    values = plain(whole)["transfer"]
    for table in values["answers"]:
        replies = table["after"][0]
        replies["verdicts"] = ("w" if replies["verdicts"][0] == "r" else "r") + replies["verdicts"][1:]
    from sts_eval.transfer.domain_changes import summarise

    edited = Transfer.model_validate(values | {"domains": [one.model_dump() for one in whole.transfer.domains]})
    edited = edited.model_copy(update={"domains": tuple(summarise(edited.answers, edited.seeds))})
    second = taken(store, submission(whole.prediction, edited, submitter="Eve"), EVE)
    assert store.board().runs.loc[second, "duplicate_of"] == first


def test_one_owners_two_saes_on_one_tuning_are_two_runs(store):
    one, other = (
        prediction(),
        prediction({"math": 1.0, "law": 5.0, "computer science": 2.0, "physics": 3.0, "history": 4.0}),
    )
    first, second = (taken(store, submission(made, transfer(made)), ADA) for made in (one, other))
    assert store.board().runs.loc[[first, second], "ranked"].all()


def test_who_came_first_stands_within_a_second_whatever_the_hash(store, monkeypatch):
    monkeypatch.setattr(ledger, "now", lambda: "2026-11-01T00:00:00+00:00")
    whole = submission()
    copies = [touched(whole, warnings=(f"edited {n}",)) for n in range(6)]
    assert min(one.sha256() for one in copies) < whole.sha256()
    first = taken(store, whole, ADA)
    for one in copies:
        taken(store, one.model_copy(update={"submitter": "Eve"}), EVE)
    runs = store.board().runs
    assert runs.index[runs["ranked"]].tolist() == [first]


def test_nobody_is_displaced_by_the_same_tier_and_its_owner_may_correct(store):
    made = prediction()
    claim = taken(store, submission(made, transfer(made, seed=1), evidence=False), ADA)
    proof = taken(store, submission(made, transfer(made, seed=1)), ADA)
    runs = store.board().runs
    assert runs.loc[claim, "duplicate_of"] == proof
    assert runs.loc[proof, "ranked"]


# 3. Forged registration


def at(moment, **fields):
    """A run whose tuning started then."""
    made = prediction(created="2026-01-01T00:00:00+00:00")
    happened = transfer(made)
    tuning = happened.tuning.model_copy(update={"started": moment})
    return submission(made, happened.model_copy(update={"tuning": tuning} | fields))


@pytest.mark.parametrize("year", ["2999", "2019"])
def test_a_tuning_cannot_have_started_in_another_age(store, year):
    store.preregister(prediction(), by="Eve", owner=EVE)
    verdict = store.submit(raw(at(f"{year}-01-01T00:00:00+00:00")), owner=EVE)
    assert "$.transfer.tuning.started" in [problem.path for problem in verdict.problems]


def test_a_tuning_cannot_have_started_after_it_was_measured_or_measured_after_it_was_handed_in(store):
    late = store.submit(raw(at("2026-02-01T00:00:00+00:00")), owner=EVE)
    assert "is later than transfer.created" in late.problems[0].message
    measured = store.submit(raw(at(made_records.LATE, created="2026-02-01T00:00:00+00:00")), owner=EVE)
    assert "is later than created" in measured.problems[0].message


def test_what_is_registered_after_the_results_are_known_is_not_pre_registered(store):
    store.preregister(prediction(), by="Eve", owner=EVE)
    sha = taken(store, submission(), EVE)
    run = store.board().runs.loc[sha]
    assert run.registered is not None
    assert not run.pre_registered  # by the submitter's own clock it was tuned before


def test_what_was_registered_before_is(store, monkeypatch):
    monkeypatch.setattr(ledger, "now", lambda: "2026-01-01T12:00:00+00:00")
    store.preregister(prediction(), by="Ada", owner=ADA)
    monkeypatch.undo()
    sha = taken(store, submission(), ADA)
    run = store.board().runs.loc[sha]
    assert run.pre_registered
    assert (run.registered, run.measured) == ("2026-01-01T12:00:00+00:00", CREATED)
    assert run.registered < run.tuning_started <= run.measured <= run.accepted


@pytest.mark.parametrize(
    "moment", ["2019-12-31T23:59:59+00:00", "1970-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00"]
)
def test_a_record_of_another_age_is_refused(store, moment):
    verdict = store.submit(raw(submission(created=moment)))
    assert "$.created" in [problem.path for problem in verdict.problems]


# 5. "Recomputed" that is not


def test_a_false_name_of_model_set_or_benchmark_does_not_pass(store):
    values = plain(submission())
    for field, false in (("model", "meta-llama/Llama-3.1-8B"), ("training_set", "GAIR/LIMO")):
        changed = json.loads(json.dumps(values))
        changed[field]["id"] = false
        found = [problem.path for problem in store.submit(json.dumps(changed).encode()).problems]
        assert f"$.{field}.id" in found
    assert store.submit(json.dumps(values | {"benchmark": "mmlu"}).encode()).problems[0].path == "$.benchmark"
    revision = json.loads(json.dumps(values))
    revision["model"]["revision"] = "c0ffee"
    assert store.submit(json.dumps(revision).encode()).problems[0].path == "$.model.revision"
    assert store.submit(json.dumps(values).encode()).added


def test_records_of_two_things_are_not_one_run(store):
    made = prediction()
    happened = transfer(made)
    other = made.training_set.model_copy(update={"sha256": "1"})
    tuning = happened.tuning.model_copy(update={"training_set": other})
    verdict = store.submit(raw(submission(made, happened.model_copy(update={"tuning": tuning}))))
    assert verdict.problems[0].path == "$.transfer"
    assert "the prediction read training set" in verdict.problems[0].message


# 7. Made-up numbers


def test_made_up_numbers_in_full_evidence_are_taken_with_a_warning(store):
    """Answers that were written so that the prediction comes true."""
    names = [f"domain {n}" for n in range(10)]
    flips = {name: (2 + n, 3) for n, name in enumerate(names)}
    made = prediction({name: float(n) for n, name in enumerate(names)})
    values = Prediction.model_validate(made.model_dump())
    whole = submission(values, transfer(values, flips), oracle=False)
    verdict = store.submit(raw(whole), owner=EVE)
    assert verdict.accepted
    assert any("sts_icl follows the measured changes more closely" in one for one in verdict.warnings)
    assert store.board().runs.loc[verdict.sha256, "warnings"] == verdict.warnings


def test_true_ones_are_taken_without(store):
    names = [f"domain {n}" for n in range(10)]
    rng = np.random.default_rng(4)
    flips = {name: tuple(rng.integers(1, 9, 2)) for name in names}
    made = prediction(dict(zip(names, rng.normal(size=10).tolist(), strict=True)))
    verdict = store.submit(raw(submission(made, transfer(made, flips, seed=2), oracle=False)), owner=ADA)
    assert (verdict.accepted, verdict.warnings) == (True, ())
