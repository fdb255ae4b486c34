"""Records that earlier versions wrote are still read, and keep the hash that others refer to."""

import hashlib
import json
from pathlib import Path

import pytest
from helpers.records import prediction
from helpers.submissions import submission
from pydantic import ValidationError

from sts_eval.records.older import STS_SUMMARIES
from sts_eval.records.outcome import Outcome
from sts_eval.records.prediction import Prediction
from sts_eval.records.submission import Submission

ROOT = Path(__file__).parents[2]
OLDER = Path(__file__).with_name("older")
OUTCOMES = (OLDER / "outcome_1.jsonl").read_text(encoding="utf-8").splitlines()
SUBMISSIONS = sorted((ROOT / "leaderboard/sts_leaderboard/seeds/store/submissions").glob("*.json"))
SUBMISSIONS.append(OLDER / "submission_1.json")

OTHER = {
    "name": "prompt_length",
    "group": "lexical",
    "flags": [],
    "summary": "Mean length",
    "scores": {"math": 12.5},
    "cost": {"seconds": 0.1, "tokens": 0, "passes": 0, "backward_passes": 0},
}


def second_schema() -> dict:
    """A prediction of schema 2, written out by hand from one of the present."""
    values = json.loads(prediction({"math": 5.0, "law": 1.0}).canonical())
    scores = {one["name"]: one["scores"] for one in values.pop("predictors")}
    values["domains"] = [
        {**domain, **{name: scores[name][domain["domain"]] for name in STS_SUMMARIES}} for domain in values["domains"]
    ]
    values["experiment"]["settings"]["seeds"] = [0]
    return values | {"schema_version": 2, "columns": [OTHER]}


def hash_of(values: dict) -> str:
    text = json.dumps(values, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def test_a_prediction_of_schema_2_has_the_same_scores_and_hash():
    old = second_schema()
    read = Prediction.from_json(json.dumps(old))
    assert read.sha256() == hash_of(old)
    assert read.by_predictor()["sts_icl"] == {"math": 5.0, "law": 1.0}
    assert read.predictor("sts_icl").cost.seconds == 7.0  # steps 1 and 2 of its own cost
    assert read.predictor("sts_act").seeds == (0,)
    assert read.predictor("prompt_length").values == {"math": 12.5}
    assert [one.domain for one in read.ranked()] == ["math", "law"]


def test_it_is_written_again_as_it_was(tmp_path):
    old = second_schema()
    Prediction.from_json(json.dumps(old)).write(tmp_path / "prediction.json")
    assert json.loads((tmp_path / "prediction.json").read_text()) == old
    assert Prediction.read(tmp_path / "prediction.json").sha256() == hash_of(old)


def test_an_older_prediction_is_attached_to_a_submission_as_it_was_written():
    old = Prediction.from_json(json.dumps(second_schema()))
    whole = submission().model_copy(update={"prediction": old})
    values = json.loads(whole.canonical())
    assert values["prediction"] == second_schema()
    back = Submission.from_json(whole.canonical(), strict=True)
    assert back.sha256() == whole.sha256()
    assert back.prediction.sha256() == old.sha256()
    assert not back.outcome.of_earlier_schema


def test_a_changed_copy_is_of_the_present_schema():
    old = Prediction.from_json(json.dumps(second_schema()))
    changed = old.model_copy(update={"warnings": ("changed",)})
    assert old.of_earlier_schema
    assert not changed.of_earlier_schema
    assert json.loads(changed.canonical())["schema_version"] == 3


def test_older_outcomes_keep_their_hashes():
    for line in OUTCOMES:
        read = Outcome.from_json(line)
        assert read.sha256() == hash_of(json.loads(line))
        assert [one.name for one in read.predictors] == [one["name"] for one in json.loads(line)["said"]]
        assert read.scores("sts_icl") == json.loads(line)["said"][0]["scores"]


def test_seeded_and_older_submissions_keep_their_names_and_those_of_what_they_hold():
    for file in SUBMISSIONS:
        values = json.loads(file.read_text(encoding="utf-8"))
        read = Submission.from_json(file.read_bytes(), strict=True)
        assert read.sha256() == hash_of(values)
        assert read.outcome.sha256() == hash_of(values["outcome"])


@pytest.mark.parametrize("broken", [{"said": 1}, {"said": [1]}, {"said": [{"scores": []}]}, {}])
def test_what_is_no_such_record_is_refused_by_name(broken):
    with pytest.raises(ValidationError, match="schema_version"):
        Outcome.from_json(json.dumps({"schema_version": 1, **broken}))
