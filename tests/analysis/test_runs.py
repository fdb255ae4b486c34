"""Runs on disk to outcomes."""

import numpy as np
import pytest
from helpers.outcomes import outcomes
from helpers.records import LATE, prediction, transfer, tuned

from sts_eval.analysis.names import model_name, set_name
from sts_eval.analysis.report import report_run
from sts_eval.analysis.runs import gather, outcome_of, summarise
from sts_eval.errors import UserError
from sts_eval.records.oracle import Oracle
from sts_eval.records.outcome import write_outcomes
from sts_eval.records.prediction import PredictorCost, PredictorScores, Score
from sts_eval.records.record import fingerprint

SCORES = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0, "e": 5.0}
FLIPS = {"a": (5, 4), "b": (9, 2), "c": (3, 3), "d": (12, 1), "e": (15, 4)}


def write_run(folder, *, created=None, flips=FLIPS):
    made = prediction(SCORES, **({"created": created} if created else {}))
    happened = transfer(flips, after=None if created else made)
    folder.mkdir()
    made.write(folder / "prediction-0a.json")
    happened.write(folder / "transfer-0b.json")
    report_run(made, happened, post_hoc=True).write(folder / "report.json")
    return made, happened


def made_runs(**changes):
    y = np.arange(20.0).reshape(4, 5)
    return outcomes(y, {"sts_icl": y}, models=["m", "n"], sets=["s", "t"], **changes)


def test_a_run_folder_becomes_the_outcome_of_the_records_that_its_report_names(tmp_path):
    made, happened = write_run(tmp_path / "run")
    prediction({**SCORES, "a": 9.0}).write(tmp_path / "run" / "prediction-00.json")  # of an earlier setting
    (outcome,) = gather([tmp_path / "run"])
    assert (outcome.prediction_sha256, outcome.transfer_sha256) == (made.sha256(), happened.sha256())
    assert outcome.scores("sts_icl") == SCORES
    assert [domain.accuracy.delta for domain in outcome.domains] == pytest.approx([1, 7, 0, 11, 11])


def test_what_was_read_from_the_tuned_model_comes_along_flagged(tmp_path):
    made = prediction(SCORES)
    happened = transfer(FLIPS, after=made).model_copy(update={"tuning": tuned(made)})
    folder = tmp_path / "run"
    folder.mkdir()
    made.write(folder / "prediction.json")
    happened.write(folder / "transfer.json")
    report_run(made, happened).write(folder / "report.json")
    assert "O" not in {flag for one in outcome_of(folder).predictors for flag in one.flags}
    cost = PredictorCost(seconds=1, tokens=1, passes=1, backward_passes=0)
    scores = {name: Score(value=value) for name, value in SCORES.items()}
    shift = PredictorScores(
        name="oracle_shift", group="oracle", flags=("O",), summary="Made", scores=scores, seeds=(), cost=cost
    )
    oracle = Oracle(created=LATE, tuning_seed=3, n_questions=5, predictors=(shift,))
    oracle.write(folder / f"oracle-3-{fingerprint([made.sha256(), 'w'])[:8]}.json")
    oracle.write(folder / "oracle-3-00000000.json")  # of other weights
    read = [one for one in outcome_of(folder).predictors if "O" in one.flags]
    assert [(one.name, one.values) for one in read if one.name != "oracle_truncation"] == [("oracle_shift", SCORES)]


def test_a_caller_may_name_the_run_and_its_home_domains(tmp_path):
    write_run(tmp_path / "run")
    outcome = outcome_of(tmp_path / "run", model="small", training_set="sums", home=("a",))
    assert (outcome.model, outcome.training_set, outcome.home) == ("small", "sums", ("a",))


def test_home_domains_are_those_of_the_experiment():
    made = prediction(SCORES)
    training_set = made.experiment.training_set.model_copy(update={"home": ("b",)})
    described = made.experiment.model_copy(update={"training_set": training_set})
    said = made.model_copy(update={"experiment": described})
    assert "home" not in made.canonical()  # so that older records keep their hashes
    assert summarise(made, transfer(FLIPS)).home == ()
    assert summarise(said, transfer(FLIPS)).home == ("b",)
    assert summarise(said, transfer(FLIPS), home=["c"]).home == ("c",)


def test_names_are_short():
    assert model_name("meta-llama/Llama-3-8B") == "Llama-3-8B"
    assert model_name("/home/me/lab-2/model/") == "lab-2"
    assert model_name("gpt2") == "gpt2"
    assert model_name("/venv/sts_eval/lab/files/model") == "lab"
    assert model_name("model") == "model"
    assert set_name("GAIR/LIMO") == "LIMO"
    assert set_name("data/math.v2.jsonl") == "math.v2"


def test_files_of_outcomes_and_folders_stand_side_by_side(tmp_path):
    write_run(tmp_path / "run", flips={f"d{place}": flips for place, flips in enumerate(FLIPS.values())} | FLIPS)
    assert gather([tmp_path / "run"])[0].model == "org"
    runs = made_runs()
    write_outcomes(tmp_path / "runs.jsonl", runs)
    assert gather([tmp_path / "runs.jsonl"]) == runs


def test_the_folder_of_evaluations_that_a_star_names_too_is_no_run(tmp_path):
    write_run(tmp_path / "run")
    (tmp_path / "evaluations").mkdir()
    assert len(gather(sorted(tmp_path.iterdir()))) == 1
    with pytest.raises(UserError, match="no run to compare"):
        gather([tmp_path / "evaluations"])


def test_a_post_hoc_run_is_refused_unless_asked_for(tmp_path):
    made = prediction(SCORES)
    late = prediction(SCORES, created=LATE)
    folder = tmp_path / "run"
    folder.mkdir()
    late.write(folder / "prediction.json")
    happened = transfer(FLIPS, after=made)
    happened.write(folder / "transfer.json")
    report_run(late, happened, post_hoc=True).write(folder / "report.json")
    with pytest.raises(UserError, match=r"made after fine-tuning started.*--post-hoc"):
        gather([folder])
    assert gather([folder], post_hoc=True)[0].post_hoc


def test_a_folder_without_a_report_or_without_its_records_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match="there is no run"):
        gather([tmp_path / "nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"no report.json. Run `sts-eval run` first"):
        gather([tmp_path / "empty"])
    write_run(tmp_path / "run")
    (tmp_path / "run" / "transfer-0b.json").unlink()
    with pytest.raises(UserError, match=r"no transfer with the hash .* Make the report again"):
        gather([tmp_path / "run"])
    (tmp_path / "run" / "transfer-0b.json").write_text("{}")
    with pytest.raises(UserError, match="not a valid transfer record"):
        gather([tmp_path / "run"])


def test_a_run_given_twice_and_two_runs_of_one_model_and_set_are_refused(tmp_path):
    runs = made_runs()
    write_outcomes(tmp_path / "a.jsonl", runs[:2])
    write_outcomes(tmp_path / "b.jsonl", runs[1:])
    with pytest.raises(UserError, match="hold the same prediction and transfer"):
        gather([tmp_path / "a.jsonl", tmp_path / "b.jsonl"])
    again = runs[1].model_copy(update={"transfer_sha256": "another"})
    write_outcomes(tmp_path / "b.jsonl", (again,))
    with pytest.raises(UserError, match="both runs of m on t"):
        gather([tmp_path / "a.jsonl", tmp_path / "b.jsonl"])


def test_runs_of_different_benchmarks_are_refused(tmp_path):
    runs = made_runs()
    few = runs[1].model_copy(update={"domains": runs[1].domains[:2]})
    write_outcomes(tmp_path / "runs.jsonl", (runs[0], few))
    with pytest.raises(UserError, match="2 domains in common, and 3 are needed"):
        gather([tmp_path / "runs.jsonl"])
