"""One run from a folder, a transfer record and a submission, and what is none."""

import json
from pathlib import Path

import pytest
from helpers.exports import IMPORTED, published, transfer
from helpers.submissions import plain, prediction, raw, submission
from helpers.submissions import transfer as made_transfer

from sts_eval import lab
from sts_eval.analysis.report import report_run
from sts_eval.errors import UserError
from sts_eval.export import read_source


@pytest.fixture
def run(tmp_path):
    """A folder as `sts-eval run` leaves it."""
    made = prediction()
    happened = made_transfer(made)
    folder = tmp_path / "run"
    folder.mkdir()
    made.write(folder / "prediction-0a.json")
    happened.write(folder / "transfer-0b.json")
    return folder


def test_folder_record_and_submission_give_the_same_accuracies(run, tmp_path):
    file = tmp_path / "submission.json"
    file.write_bytes(raw(submission()))
    folder, record, handed = map(read_source, (run, run / "transfer-0b.json", file))
    assert folder.scores == record.scores == handed.scores
    assert {source.benchmark for source in (folder, record, handed)} == {"mmlu_pro"}
    assert {source.dataset_id for source in (folder, record, handed)} == {"TIGER-Lab/MMLU-Pro"}
    assert folder.sha256 == record.sha256 != handed.sha256
    assert (folder.submitter, handed.submitter) == (None, "Ada Lovelace")


def test_of_two_transfers_the_one_that_the_report_names_is_taken(run):
    earlier = made_transfer(prediction(), seed=1)
    earlier.write(run / "transfer-0a.json")
    with pytest.raises(UserError, match=r"2 transfer records and no report\.json"):
        read_source(run)
    happened = made_transfer(prediction())
    report_run(prediction(), happened).write(run / "report.json")
    assert read_source(run).sha256 == happened.sha256() != earlier.sha256()


@pytest.mark.parametrize("place", ["/home/ada/models/secret/model", "C:\\ada\\models\\secret", str(lab.model_path())])
def test_a_place_on_a_disk_is_not_told(place, tmp_path):
    path = tmp_path / "transfer.json"
    transfer(model_before=place, origin=IMPORTED).write(path)
    source = read_source(path)
    assert source.base == ("lab" if place == str(lab.model_path()) else "secret")
    assert source.base_id is None


def test_a_model_from_the_hub_keeps_its_id_and_commit(tmp_path):
    made = prediction()
    happened = made_transfer(made)
    tuning = happened.tuning.model_copy(update={"commit": "abc"})
    path = tmp_path / "transfer.json"
    happened.model_copy(update={"tuning": tuning}).write(path)
    source = read_source(path)
    assert (source.base, source.base_id, source.base_revision) == ("model", "org/model", "abc")


def test_imported_results_have_no_time_of_evaluation(tmp_path):
    path = tmp_path / "transfer.json"
    transfer(origin=IMPORTED).write(path)
    source = read_source(path)
    assert (source.evaluated, source.benchmark) == (None, None)
    transfer(origin=IMPORTED.model_copy(update={"format": "mmlu-pro"})).write(path)
    assert read_source(path).benchmark == "mmlu_pro"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "not a valid transfer record.* Give a run folder, a transfer record or a submission"),
        ("[" * 100_000, "not a valid transfer record.* Give a run folder, a transfer record or a submission"),
        ("{}", "not a valid transfer record.* Give a run folder, a transfer record or a submission"),
        ('{"outcome": {}}', "no valid submission"),
    ],
)
def test_what_is_no_run_is_refused(content, says, tmp_path):
    path = tmp_path / "x.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=says):
        read_source(path)


def test_a_submission_with_impossible_figures_is_refused(tmp_path):
    values = plain(submission(evidence=False))
    values["outcome"]["domains"][0]["accuracy_before"] = 1.5
    path = tmp_path / "x.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(UserError, match="accuracy_before"):
        read_source(path)


def test_changes_without_accuracies_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"published\.json holds no accuracies"):
        read_source(published(tmp_path, changes_alone=True))


def test_a_missing_path_and_an_empty_folder_are_said(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        read_source(Path("nowhere.json"))
    with pytest.raises(UserError, match="no transfer record"):
        read_source(tmp_path)
