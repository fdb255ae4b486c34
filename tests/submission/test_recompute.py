"""Evidence that was tampered with, one figure at a time."""

import copy
import json

import pytest
from helpers import records as made_records
from helpers.submissions import CREATED, SCORES, plain, prediction, raw, submission, transfer

from sts_eval.analysis.names import set_name
from sts_eval.records.prediction import Prediction
from sts_eval.records.transfer import Transfer
from sts_eval.submission.validate import validate


def judge(values):
    return validate(json.dumps(values).encode())


def test_a_changed_answer_breaks_the_hash_and_the_figures():
    values = plain(submission())
    replies = values["transfer"]["answers"][0]["after"][1]
    flipped = "w" if replies["verdicts"][0] == "r" else "r"
    replies["verdicts"] = flipped + replies["verdicts"][1:]
    paths = [problem.path for problem in judge(values).problems]
    assert "$.outcome.transfer_sha256" in paths
    assert "$.transfer.domains[0].by_seed[1].delta" in paths


def test_a_changed_figure_of_the_transfer_with_a_matching_hash_does_not_follow_from_the_answers():
    values = plain(submission())
    values["transfer"]["domains"][0]["delta"] += 1.0
    values["outcome"]["domains"][0]["accuracy"]["delta"] += 1.0
    values["outcome"]["transfer_sha256"] = Transfer.model_validate(values["transfer"]).sha256()
    paths = [problem.path for problem in judge(values).problems]
    assert "$.transfer.domains[0].delta" in paths
    assert "$.outcome.transfer_sha256" not in paths


@pytest.mark.parametrize("field", ["delta", "se"])
def test_a_possible_but_untrue_figure_of_the_outcome_is_found(field):
    values = plain(submission())
    values["outcome"]["domains"][3]["accuracy"][field] += 0.001
    paths = [problem.path for problem in judge(values).problems]
    assert f"$.outcome.domains[3].accuracy.{field}" in paths


@pytest.mark.parametrize("name", ["prediction", "transfer"])
def test_a_changed_hash_is_found(name):
    values = plain(submission())
    values["outcome"][f"{name}_sha256"] = "a" * 64
    assert f"$.outcome.{name}_sha256" in [problem.path for problem in judge(values).problems]


def test_a_score_that_was_polished_afterwards_is_found_even_with_a_matching_prediction_hash():
    values = plain(submission())
    values["prediction"]["predictors"][0]["scores"]["math"]["value"] = 99.0
    values["outcome"]["prediction_sha256"] = Prediction.model_validate(values["prediction"]).sha256()
    found = {problem.path: problem.message for problem in judge(values).problems}
    assert "attach the records of one run" in found["$.transfer.prediction.prediction_sha256"]
    assert any(path.startswith("$.outcome.predictors[0].scores") for path in found)


def test_a_missing_and_an_invented_predictor_are_found_and_an_oracle_is_not_asked_for():
    values = plain(submission())
    values["outcome"]["predictors"][3]["name"] = "invented"
    messages = [problem.message for problem in judge(values).problems]
    assert any('"prompt_length" of the attached prediction is missing' in message for message in messages)
    assert any('"invented" is in no attached record' in message for message in messages)
    assert not any("oracle_kl" in message for message in messages)


def test_a_late_prediction_cannot_be_called_early():
    late = prediction(created="2026-01-02T12:00:00+00:00")
    happened = transfer(late)
    assert happened.post_hoc
    whole = submission(late, happened)
    assert validate(raw(whole)).marks == ("post_hoc",)
    values = plain(submission(late, happened.model_copy(update={"flags": ()})))
    assert "$.transfer.flags" in [problem.path for problem in judge(values).problems]


def test_another_run_may_not_be_described_than_the_prediction_read():
    made = prediction()
    published = made.model_copy(update={"model": made.model.model_copy(update={"commit": "c0ffee"})})
    values = plain(submission(published))
    values["model"] |= {"id": "meta/other", "revision": "c0ffee"}
    values["sae"]["d_sae"] = 17
    values["training_set"]["rows"] = 2
    paths = [problem.path for problem in judge(values).problems]
    assert paths == ["$.model.id", "$.training_set.rows", "$.sae.d_sae", "$.outcome.model"]


def test_options_of_one_benchmark_are_not_called_those_of_another():
    made = prediction()
    scored = transfer(made)
    origin = scored.origin.model_copy(update={"task": "mmlupro_options"})
    values = plain(submission(made, scored.model_copy(update={"origin": origin})))
    name = f"{set_name(made.benchmark.source)}-options"
    for benchmark, found in ((name, []), ("mmlu_pro", ["$.benchmark"]), ("mmlupro_options", ["$.benchmark"])):
        assert [problem.path for problem in judge(values | {"benchmark": benchmark}).problems] == found


def test_an_imported_transfer_is_not_called_measured_and_needs_no_prediction():
    made = made_records.prediction(SCORES)
    happened = made_records.transfer(dict.fromkeys(SCORES, (9, 4)), after=made)
    happened = happened.model_copy(update={"created": CREATED})
    whole = submission(made, happened, oracle=False)
    assert [problem.path for problem in validate(raw(whole)).problems] == ["$.origin"]
    bare = whole.model_copy(update={"origin": "imported", "prediction": None, "sae": None})
    verdict = validate(raw(bare))
    assert (verdict.problems, verdict.tier) == ((), "imported")
    values = plain(bare)
    values["outcome"]["domains"][0]["accuracy"]["se"] += 0.001
    assert [problem.path for problem in judge(values).problems] == ["$.outcome.domains[0].accuracy.se"]


def test_evidence_without_questions_or_with_impossible_log_probabilities_is_a_problem_and_no_crash():
    values = plain(submission())
    empty = copy.deepcopy(values)
    table = empty["transfer"]["answers"][0]
    for replies in (table["before"], *table["after"]):
        replies |= {"verdicts": "", "logprob": [], "lengths": [], "truncated": ""}
    table["question_ids"] = []
    assert "$.transfer.answers[0]" in [problem.path for problem in judge(empty).problems]
    values["transfer"]["answers"][0]["before"]["logprob"][0] = 1e14
    assert any("no log-probability" in problem.message for problem in judge(values).problems)


def test_the_prediction_alone_vouches_for_its_scores():
    values = plain(submission().model_copy(update={"transfer": None}))
    assert judge(values).tier == "self_reported"
    values["outcome"]["predictors"][0]["scores"]["math"]["value"] = 6.0
    assert [problem.path for problem in judge(values).problems] == ["$.outcome.predictors[0].scores.math"]


def test_places_on_somebodys_disk_are_pointed_out():
    made = prediction()
    local = made.model_copy(update={"sae": made.sae.model_copy(update={"path": "/home/ada/sae"})})
    (note,) = validate(raw(submission(local))).notes
    assert "/home/ada/sae" in note
