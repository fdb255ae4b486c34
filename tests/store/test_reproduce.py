"""Running a submission again: what counts as the same, and what is never taken from a record."""

import numpy as np
import pytest
from helpers.small_run import call, experiment
from helpers.submissions import SCORES, prediction, raw, submission, transfer

from sts_eval import lab, pipeline
from sts_eval.errors import UserError
from sts_eval.records.ledger import StoreSettings
from sts_eval.records.prediction import Score
from sts_eval.store.reproduce import reproduce, reproducible
from sts_eval.store.store import Store
from sts_eval.submission.describe import submission_of
from sts_eval.submission.owner import owner_of
from sts_eval.submission.reproduction import TOLERANCE, compare_reproduction

ADA = owner_of("a" * 64)


def run(seed, scores=SCORES):
    made = prediction(scores)
    return submission(made, transfer(made, seed=seed))


def moved(spreads):
    """Scores of which one is moved by so many spreads over the domains (√2, of 1 to 5)."""
    return SCORES | {"math": SCORES["math"] + spreads * float(np.std([1, 2, 3, 4, 5]))}


def test_another_tuning_with_the_same_scores_reproduces_a_run():
    figures = compare_reproduction(run(0), run(1))
    assert (figures.agrees, figures.obstacles, figures.score_difference) == (True, (), 0.0)
    assert figures.n_predictors == 4  # STS's three and one other; the oracle is left out
    assert set(figures.z) == set(SCORES)


@pytest.mark.parametrize(("spreads", "agrees"), [(0.9 * TOLERANCE, True), (1.1 * TOLERANCE, False)])
def test_scores_may_differ_by_the_stated_share_of_their_spread(spreads, agrees):
    one, other = run(0), run(1)
    scores = {name: Score(value=value) for name, value in moved(spreads).items()}
    predictors = tuple(
        predictor.model_copy(update={"scores": scores}) if predictor.name == "sts_icl" else predictor
        for predictor in other.outcome.predictors
    )
    other = other.model_copy(update={"outcome": other.outcome.model_copy(update={"predictors": predictors})})
    figures = compare_reproduction(one, other)
    assert figures.agrees is agrees
    assert figures.score_difference == pytest.approx(spreads)
    assert agrees or figures.obstacles[0].startswith("sts_icl differs by 0.055")


def test_changes_beyond_their_errors_do_not_agree():
    made = prediction()
    far = submission(made, transfer(made, dict.fromkeys(SCORES, (0, 28)), seed=3))
    figures = compare_reproduction(run(0), far)
    assert not figures.agrees
    assert "joint standard errors" in figures.obstacles[0]


def test_another_training_set_benchmark_or_sae_is_another_thing():
    made = prediction()
    other = made.model_copy(
        update={
            "training_set": made.training_set.model_copy(update={"sha256": "1"}),
            "benchmark": made.benchmark.model_copy(update={"sha256": "1"}),
            "sae": made.sae.model_copy(update={"weights_sha256": "1"}),
        }
    )
    figures = compare_reproduction(run(0), submission(other, transfer(other, seed=1)))
    assert len(figures.obstacles) == 3
    assert all(one.startswith("not the same") for one in figures.obstacles)


def test_a_record_without_evidence_cannot_be_run_again():
    with pytest.raises(UserError, match="no records attached"):
        reproducible(submission(evidence=False))


def test_what_lay_on_a_disk_has_to_be_given_and_no_path_of_a_record_is_opened():
    made = prediction()
    secret = made.experiment.model_copy(
        update={
            "model": made.experiment.model.model_copy(update={"id": "/home/victim/model"}),
            "training_set": made.experiment.training_set.model_copy(update={"source": "/home/victim/.ssh"}),
            "sae": made.experiment.sae.model_copy(update={"path": "/home/victim/sae"}),
            "benchmark": made.experiment.benchmark.model_copy(update={"source": "/home/victim/questions"}),
        }
    )
    hostile = run(0).model_copy(update={"prediction": made.model_copy(update={"experiment": secret})})
    given = {"model": "mine", "sae_path": "sae", "sft": "set.jsonl", "domains": "questions"}
    for option in given:
        with pytest.raises(UserError, match=f"Give yours with --{option.replace('_', '-')}"):
            reproducible(hostile, **{name: place for name, place in given.items() if name != option})
    found = reproducible(hostile, **given)
    assert (found.model.id, found.sae.path, found.training_set.source, found.benchmark.source) == (
        "mine",
        "sae",
        "set.jsonl",
        "questions",
    )
    assert "victim" not in found.model_dump_json()


def test_a_path_that_claims_to_be_on_a_hub_is_not_opened():
    made = prediction()
    identity = made.model.model_copy(update={"id": "/home/victim/model", "commit": "c0ffee"})
    asked = made.experiment.model_copy(
        update={"model": made.experiment.model.model_copy(update={"id": "/home/victim/model"})}
    )
    hostile = made.model_copy(update={"model": identity, "experiment": asked})
    whole = run(0).model_copy(update={"prediction": hostile})
    with pytest.raises(UserError, match="is no name of a model on a hub"):
        reproducible(whole, sft="set.jsonl")


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_the_lab_is_reproduced_by_a_command(tmp_path):
    url = str(tmp_path / "store")
    folder = tmp_path / "runs" / "small"
    pipeline.run(experiment(), folder).write(folder / "report.json")
    whole = submission_of(folder, submitter="Ada", owner=ADA)
    store = Store(url)
    sha256 = store.submit(raw(whole), owner=ADA).sha256
    assert not store.board().runs.loc[sha256, "checked"]
    ended = call("store", "reproduce", sha256[:12], "--to", url, "--folder", tmp_path / "again", "--by", "Grace")
    assert ended.code == 0, ended.err
    assert ended.out.startswith(f"reproduced: {sha256}; scores within 0 of")
    found = store.board().runs.loc[sha256]
    assert (found.tier, found.checked) == ("reproduced", True)
    entry = store.ledger.entries()[-1]
    assert entry.figures.agrees
    assert set(entry.figures.z.values()) == {0.0}  # the same seeds on the same machine
    assert entry.owner == call("store", "key").out.strip()

    # The same run with other scores, by somebody else.
    predictors = tuple(
        one.model_copy(update={"scores": {name: Score(value=-score.value) for name, score in one.scores.items()}})
        for one in whole.prediction.predictors
    )
    forged = whole.prediction.model_copy(update={"predictors": predictors})
    reference = whole.transfer.tuning.prediction.model_copy(update={"prediction_sha256": forged.sha256()})
    tuning = whole.transfer.tuning.model_copy(update={"prediction": reference})
    happened = whole.transfer.model_copy(update={"tuning": tuning, "prediction": reference})
    outcome = whole.outcome.model_copy(
        update={
            "predictors": (*predictors, *(one for one in whole.outcome.predictors if "O" in one.flags)),
            "prediction_sha256": forged.sha256(),
            "transfer_sha256": happened.sha256(),
        }
    )
    values = {"prediction": forged, "transfer": happened, "outcome": outcome, "submitter": "Eve", "owner": None}
    theirs = store.submit(raw(whole.model_copy(update=values)))
    assert theirs.sha256, [str(problem) for problem in theirs.problems]
    again = tmp_path / "again" / sha256[:16]  # what it makes is there already
    entry = reproduce(store, theirs.sha256, reproducible(whole), again, by="Grace", owner=None, runs=pipeline.run)
    assert not entry.figures.agrees
    run = store.board().runs.loc[theirs.sha256]
    assert (run.checked, run.duplicate_of) == (False, sha256)
    assert "sts_icl differs" in run.not_reproduced


def test_ones_own_reproduction_checks_nothing_but_that_of_who_runs_the_store_does(tmp_path):
    store = Store(str(tmp_path))
    mine = run(0)
    sha256 = store.submit(raw(mine), owner=ADA).sha256
    figures = compare_reproduction(mine, run(1))
    store.ledger.add("reproduced", sha256, by="Ada", owner=ADA, figures=figures)
    assert store.board().runs.loc[sha256, "tier"] == "recomputed"
    store.configure(StoreSettings(maintainers=(ADA,)))
    assert store.board().runs.loc[sha256, "tier"] == "reproduced"


def test_the_labs_places_are_its_own():
    from sts_eval.store.reproduce import lab_places

    assert lab_places("law")["sft"] == str(lab.sft_path("law"))
    with pytest.raises(UserError, match="no fine-tuning set"):
        lab_places("../../etc")
