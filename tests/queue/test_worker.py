"""A worker with a pipeline of its own making, and a run folder as a submission."""

import threading
import time

import pytest
from helpers import small_run
from helpers.submissions import prediction, submission, transfer

from sts_eval import lab
from sts_eval.analysis.report import report_run
from sts_eval.errors import UserError
from sts_eval.queue import request as requesting
from sts_eval.queue.queue import LostLeaseError, Queue
from sts_eval.queue.request import request_for
from sts_eval.queue.worker import work
from sts_eval.store.store import Store
from sts_eval.submission.describe import bytes_of, submission_of
from sts_eval.submission.validate import validate


def write_run(folder, made=None):
    made = made or prediction()
    happened = transfer(made)
    folder.mkdir(parents=True)
    made.write(folder / "prediction-0a.json")
    happened.write(folder / "transfer-0b.json")
    report_run(made, happened).write(folder / "report.json")
    return made, happened


def pipeline(experiment, folder, register):
    made = prediction()
    register(made)
    write_run(folder)


@pytest.fixture
def store(tmp_path):
    store = Store(str(tmp_path / "store"))
    Queue(store.files).add(request_for(model="lab", training_set="lab:law", sae_release=None, sae_id=None, by="Ada"))
    return store


def test_a_run_folder_becomes_a_valid_submission_with_its_evidence(tmp_path):
    made, happened = write_run(tmp_path / "run")
    whole = submission_of(tmp_path / "run", submitter="Ada")
    assert (whole.prediction, whole.transfer) == (made, happened)
    assert (whole.model.id, whole.model.family, whole.benchmark) == ("org", "Llama", "mmlu_pro")
    assert (whole.training_set.id, whole.training_set.rows, whole.sae.d_sae) == ("data", 1, 16)
    assert (whole.provenance.hardware, whole.provenance.command) == ("cpu", "sts-eval run run.yaml")
    verdict = validate(bytes_of(tmp_path / "run", submitter="Ada"))
    assert (verdict.problems, verdict.tier) == ((), "recomputed")


def test_hub_ids_stay_and_places_on_the_disk_become_names(tmp_path):
    made = prediction()
    model = made.model.model_copy(update={"id": "meta-llama/Llama-3.1-8B-Instruct", "commit": "c0ffee"})
    data = made.training_set.model_copy(update={"source": "GAIR/LIMO", "revision": "f00d"})
    write_run(tmp_path / "hub", made.model_copy(update={"model": model, "training_set": data}))
    whole = submission_of(tmp_path / "hub", submitter="Ada")
    assert (whole.model.id, whole.model.revision) == ("meta-llama/Llama-3.1-8B-Instruct", "c0ffee")
    assert whole.model.parameters == 8_000_000_000
    assert (whole.training_set.id, whole.training_set.revision) == ("GAIR/LIMO", "f00d")
    assert (whole.outcome.model, whole.outcome.training_set) == ("Llama-3.1-8B-Instruct", "LIMO")
    local = made.model.model_copy(update={"id": str(lab.model_path())})
    write_run(tmp_path / "lab", made.model_copy(update={"model": local}))
    whole = submission_of(tmp_path / "lab", submitter="Ada")
    assert whole.model.id == "lab"
    assert 1_000_000 < whole.model.parameters < 5_000_000
    assert validate(whole.canonical().encode()).accepted


def test_what_is_no_finished_run_is_a_users_mistake(tmp_path):
    with pytest.raises(UserError, match=r"report\.json"):
        submission_of(tmp_path, submitter="Ada")
    with pytest.raises(UserError, match="no submitter is named"):
        bytes_of(tmp_path)
    with pytest.raises(UserError, match="cannot be read"):
        bytes_of(tmp_path / "nothing")
    write_run(tmp_path / "run")
    with pytest.raises(UserError, match="submitter"):
        bytes_of(tmp_path / "run", submitter="<script>")


def test_a_worker_registers_runs_and_submits(store, tmp_path):
    queue = Queue(store.files)
    lease, sha = work(store, queue, tmp_path / "runs", worker="w", lease_seconds=60, runs=pipeline)
    assert (lease.request.training_set, store.read(sha).submitter) == ("lab:law", "w")
    assert store.registered(prediction().sha256()) is not None
    (entry,) = queue.entries()
    assert (entry.state, entry.submission) == ("done", sha)
    assert work(store, queue, tmp_path / "runs", worker="w", lease_seconds=60, runs=pipeline) is None


@pytest.mark.slow
def test_the_lab_is_run_from_a_request_to_a_recomputed_submission(store, tmp_path, monkeypatch):
    monkeypatch.setattr(requesting, "lab_experiment", lambda name: small_run.experiment())
    lease, sha = work(store, Queue(store.files), tmp_path / "runs", worker="w", lease_seconds=60)
    (entry,) = Queue(store.files).entries()
    assert (entry.state, entry.log) == ("done", None)
    run = store.board().runs.loc[sha]
    assert (run.tier, run.model_id, run.training_set_id, run.benchmark) == ("recomputed", "lab", "math", "lab_mmlupro")
    assert run.pre_registered and run.ranked and not run.post_hoc
    assert (tmp_path / "runs" / lease.key[:16] / "report.html").is_file()


def test_a_run_that_fails_leaves_its_log_and_the_worker_lives(store, tmp_path):
    def broken(experiment, folder, register):
        raise RuntimeError("CUDA out of memory")

    queue = Queue(store.files)
    assert work(store, queue, tmp_path / "runs", worker="w", lease_seconds=60, runs=broken)[1] is None
    (entry,) = queue.entries()
    assert (entry.state, entry.attempts) == ("waiting", 1)
    assert "CUDA out of memory" in entry.log
    assert len(store.board()) == 0


@pytest.mark.parametrize(
    ("name", "why"),
    [("<b>", "is no name"), ("board", "speaks for"), ("Grace", "another owner"), ("\u3164\u3164", "nobody can see")],
)
def test_a_name_under_which_nothing_could_be_submitted_takes_no_request(store, tmp_path, name, why):
    store.names.claim(submission(submitter="Grace"), "1" * 64)
    queue = Queue(store.files)
    with pytest.raises(UserError, match=why):
        work(store, queue, tmp_path / "runs", worker=name, lease_seconds=60, owner="2" * 64, runs=pipeline)
    assert [(one.state, one.attempts) for one in queue.entries()] == [("waiting", 0)]
    assert work(store, queue, tmp_path / "runs", worker="Ada", lease_seconds=60, owner="2" * 64, runs=pipeline)[1]


def test_a_lease_is_renewed_while_work_goes_on(store, tmp_path, monkeypatch):
    """By a clock that stands still on a busy machine."""
    hour = [12.0]
    queue, renewed = Queue(store.files, clock=lambda: hour[0]), threading.Event()
    renew = queue.renew
    monkeypatch.setattr(queue, "renew", lambda *given: (renew(*given), renewed.set()))

    def slow(experiment, folder, register):
        hour[0] += 0.2
        renewed.clear()
        for _ in range(2):  # the first may have begun before the clock went on
            assert renewed.wait(600)
            renewed.clear()
        hour[0] += 0.2  # past the end of the first lease
        assert queue.take(60, "thief") is None
        pipeline(experiment, folder, register)

    assert work(store, queue, tmp_path / "runs", worker="w", lease_seconds=0.3, runs=slow)[1] is not None


def test_a_worker_that_lost_its_lease_does_not_say_that_it_is_done(store, tmp_path, monkeypatch):
    queue = Queue(store.files)
    monkeypatch.setattr(queue, "renew", lambda *_: None)

    def slow(experiment, folder, register):
        time.sleep(0.3)
        assert queue.take(60, "other") is not None
        pipeline(experiment, folder, register)

    with pytest.raises(LostLeaseError):
        work(store, queue, tmp_path / "runs", worker="w", lease_seconds=0.1, runs=slow)
    (entry,) = queue.entries()
    assert (entry.state, entry.worker) == ("running", "other")
