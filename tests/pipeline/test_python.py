"""A run, its stages, a comparison and a calibration from Python."""

import shutil

import pytest
from helpers import small_run

import sts_eval as se
from sts_eval.errors import UserError
from sts_eval.records.transfer import Transfer
from sts_eval.records.tuning import Tuning


@pytest.fixture(scope="module")
def done(finished, tmp_path_factory):
    place = tmp_path_factory.mktemp("python")
    shutil.copytree(finished.runs, place / "runs")
    with small_run.counted() as counter:
        run = se.run(small_run.experiment(), place / "runs" / "small")
    assert not counter, "what the command had made was not found"
    return run


def test_a_run_has_its_prediction_and_its_report(done):
    frame = done.report.to_frame()
    assert set(frame.domain) == set(small_run.DOMAINS)
    assert list(done.report.ranking().columns)[:4] == ["predictor", "rank", "standing", "r"]
    assert done.prediction.record.sha256() == done.report.record.prediction_sha256
    assert repr(done).startswith(f"Run in {done.folder}\n")
    assert "<table" in done._repr_html_()


def test_a_folder_reads_back_as_the_run(done):
    again = se.read(done.folder)
    assert again.report.to_frame().equals(done.report.to_frame())
    assert again.prediction.record == done.prediction.record


def test_stages_by_themselves_use_what_is_there(done):
    tuning = se.finetune(small_run.experiment(), done.folder)
    assert isinstance(tuning, Tuning)
    assert [one.seed for one in tuning.runs] == [0, 1]
    transfer = se.measure(small_run.experiment(), done.folder, prediction=done.prediction.record)
    assert isinstance(transfer, Transfer)
    assert {one.domain for one in transfer.domains} == set(small_run.DOMAINS)


def test_runs_are_compared_and_calibrated(done):
    compared = se.compare([done], n_resamples=100)
    assert compared.record.n_resamples == 100
    assert "sts_icl" in set(compared.ranking("how_much").predictor)
    assert set(compared.to_frame().columns) > {"predictor", "r"}
    with pytest.raises(LookupError, match="cannot answer 'which_set'"):
        compared.ranking("which_set")
    assert "too few runs" in se.calibrate([done]).heading()


def test_a_described_experiment_needs_a_folder():
    with pytest.raises(UserError, match="Pass folder="):
        se.run(small_run.experiment())


def test_a_report_of_two_records(done, tmp_path):
    transfer = done.folder / "transfer.json"
    if not transfer.is_file():
        se.measure(small_run.experiment(), done.folder, prediction=done.prediction.record)
    found = se.report(done.prediction, transfer, tmp_path / "report", post_hoc=True)
    assert list(found.to_frame().domain) == list(done.report.to_frame().domain)
    assert (tmp_path / "report" / "report.json").is_file()
