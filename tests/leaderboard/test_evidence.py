"""Which runs a ranking counts: attacks on the choice, and beside each somebody who does the same thing rightly."""

import pytest
import yaml
from helpers.board import OWNER, fill, made_outcomes, made_submission
from helpers.submissions import raw, submission

from sts_eval.experiment_file import read_experiment
from sts_eval.records.ledger import ReproductionFigures, StoreSettings
from sts_eval.store.store import Store
from sts_eval.submission.owner import owner_of
from sts_leaderboard import reproduce
from sts_leaderboard.pages import predictors, run, submit
from sts_leaderboard.run_selection import ALL, choose_runs

EVE, GRACE = "e" * 64, "9" * 64


@pytest.fixture
def store(tmp_path):
    made = Store(str(tmp_path))
    fill(made)
    return made


def chosen(store, evidence=None, **state):
    board = store.board()
    state = predictors.DEFAULTS | state | ({"evidence": evidence} if evidence else {})
    return choose_runs(board.runs, state, board.pinned)


def handed_in(store, owner, *, seed, name=None, **changes):
    """Runs of somebody's own on the published models and sets, by commits on the hub: nine of them."""
    shas = []
    for number, outcome in enumerate(made_outcomes(seed=seed)):
        hashes = {"prediction_sha256": f"{seed:032x}{number:032x}", "transfer_sha256": f"{seed:032x}{number + 99:032x}"}
        whole = made_submission(outcome.model_copy(update=hashes), submitter=name or f"submitter {seed}")
        model = whole.model.model_copy(update={"revision": "c0ffee"})
        data = whole.training_set.model_copy(update={"revision": "c0ffee"})
        values = {"model": model, "training_set": data} | changes
        verdict = store.submit(raw(whole.model_copy(update=values)), owner=owner)
        assert verdict.sha256, verdict.problems
        shas.append(verdict.sha256)
    return shas


def test_later_runs_of_the_same_tier_by_somebody_else_displace_nothing(store):
    before = chosen(store).shas
    theirs = handed_in(store, EVE, seed=8)
    assert chosen(store).shas == before
    everything = chosen(store, ALL)
    assert everything.shas == before  # what who runs the store has made stands above what nobody has checked
    assert not set(theirs) & set(everything.shas)
    assert "nobody but the submitter has checked" in " ".join(chosen(store).notes)


def test_among_strangers_the_first_stands_and_its_owner_may_bring_a_newer_one(tmp_path):
    store = Store(str(tmp_path))
    first = handed_in(store, GRACE, seed=7)
    handed_in(store, EVE, seed=8)
    assert chosen(store).shas == ()
    assert set(chosen(store, ALL).shas) == set(first)
    newer = handed_in(store, GRACE, seed=6, name="submitter 7")
    assert set(chosen(store, ALL).shas) == set(newer)


def test_what_is_checked_counts_and_displaces_what_is_not(tmp_path):
    store = Store(str(tmp_path))
    first, second = handed_in(store, EVE, seed=8), handed_in(store, GRACE, seed=7)
    store.configure(StoreSettings(maintainers=(OWNER,)))
    assert chosen(store).shas == ()
    figures = {
        "agrees": True,
        "obstacles": (),
        "score_difference": 0.0,
        "score_tolerance": 0.05,
        "n_predictors": 3,
        "z": {},
        "p": None,
        "transfer_sha256": "0" * 64,
        "versions": {},
        "hardware": None,
    }
    for sha in second:
        store.ledger.add("reproduced", sha, by="m", owner=OWNER, figures=ReproductionFigures(**figures))
    assert set(chosen(store).shas) == set(second)
    assert not set(first) & set(chosen(store, ALL).shas)
    assert set(store.board().runs.loc[second, "tier"]) == {"reproduced"}


def test_nineteen_copies_do_not_change_what_leads(store):
    """Duplicates on another benchmark, told apart by a text about hardware."""
    (outcome, *_) = made_outcomes(seed=9)
    for number in range(19):
        hashes = dict.fromkeys(("prediction_sha256", "transfer_sha256"), f"{number + 500:064x}")
        whole = made_submission(outcome.model_copy(update=hashes), submitter="Eve")
        provenance = whole.provenance.model_copy(update={"hardware": f"machine {number}"})
        values = {"benchmark": "eves_questions", "provenance": provenance}
        model = whole.model.model_copy(update={"id": "eve/model"})
        data = whole.training_set.model_copy(update={"id": "eve/set"})
        values |= {"model": model, "training_set": data}
        assert store.submit(raw(whole.model_copy(update=values)), owner=EVE).added
    runs = store.board().runs
    assert (runs["benchmark"] == "eves_questions").sum() == 19 > (runs["benchmark"] == "mmlu_pro").sum()
    for evidence in (None, ALL):
        assert set(runs.loc[list(chosen(store, evidence).shas), "benchmark"]) == {"mmlu_pro"}


def test_the_store_says_which_benchmark_is_compared_first(store):
    theirs = handed_in(store, OWNER, seed=8, name="Ada Lovelace", benchmark="other")[:1]
    assert set(store.board().runs.loc[list(chosen(store).shas), "benchmark"]) == {"mmlu_pro"}
    store.configure(StoreSettings(benchmark="other", maintainers=(OWNER,)))
    assert theirs[0] in chosen(store).shas
    assert set(store.board().runs.loc[list(chosen(store).shas), "benchmark"]) == {"other"}
    # One that nothing is of changes nothing.
    store.configure(StoreSettings(benchmark="nothing", maintainers=(OWNER,)))
    assert set(store.board().runs.loc[list(chosen(store).shas), "benchmark"]) == {"mmlu_pro"}


def test_an_experiment_file_sets_nothing_that_runs_foreign_code(tmp_path):
    whole = submission()
    asked = whole.prediction.experiment
    hostile = asked.model_copy(
        update={
            "model": asked.model.model_copy(update={"trust_remote_code": True}),
            "sae": asked.sae.model_copy(update={"allow_pickle": True}),
            "benchmark": asked.benchmark.model_copy(update={"include_path": "/evil"}),
        }
    )
    tuning = whole.transfer.tuning
    settings = tuning.settings.model_copy(update={"report_to": ("wandb",), "rank": 8})
    happened = whole.transfer.model_copy(update={"tuning": tuning.model_copy(update={"settings": settings})})
    made = whole.prediction.model_copy(update={"experiment": hostile})
    text = reproduce.experiment_file(whole.model_copy(update={"prediction": made, "transfer": happened}), "ab" * 32)
    path = tmp_path / "run.yaml"
    path.write_text(text)
    read = read_experiment(path)
    assert not read.model.trust_remote_code
    assert not read.sae.allow_pickle
    assert (read.benchmark.include_path, read.measure.include_path, read.tune.report_to) == (None, None, ())
    assert read.tune.rank == 8  # what harms nobody is kept
    assert "set allow_pickle, include_path, report_to, trust_remote_code" in text.partition("\nmodel:")[0]
    assert not {"trust_remote_code", "allow_pickle", "include_path"} & set(_keys(yaml.safe_load(text)))


def test_an_honest_one_is_handed_out_as_it_was():
    whole = submission()
    text = reproduce.experiment_file(whole, "ab" * 32)
    assert "The records set" not in text
    assert yaml.safe_load(text)["measure"]["max_questions"] == 60  # of the fixture's domains


def _keys(value):
    if isinstance(value, dict):
        for name, one in value.items():
            yield name
            yield from _keys(one)


def test_a_runs_page_says_whose_clock_and_what_is_in_doubt(tmp_path):
    store = Store(str(tmp_path))
    whole = submission()
    sha = store.submit(raw(whole), owner=GRACE).sha256
    row = store.board().runs.loc[sha].to_dict()
    facts = run.facts_table(whole, row).set_index("what")["value"]
    assert facts["tuning started, by the submitter's clock"] == whole.transfer.tuning.started
    assert facts["received, by the store's clock"] == row["accepted"]
    assert facts["owner"] == GRACE
    told = run.warnings_text(row | {"warnings": ("Too smooth <b>",), "not_reproduced": "it differs"})
    assert "**In doubt**: Too smooth &#60;b&#62;." in told
    assert "**not reproduced**: it differs." in told


def test_a_secret_or_an_account_says_who_hands_something_in():
    assert submit.owner_from("a" * 64, "ada") == owner_of("a" * 64)
    assert submit.owner_from(" ", "ada") == "account:ada"
    assert submit.owner_from(None, "") is None
