"""Requests, their leases, and workers that die."""

import multiprocessing
import re

import pytest

from sts_eval.errors import UserError
from sts_eval.queue.queue import MOST_ATTEMPTS, LostLeaseError, Queue
from sts_eval.queue.request import experiment_for, request_for
from sts_eval.records.ledger import EvaluationRequest
from sts_eval.store.files import Files


def request(number=0, **changes):
    values = {"model": f"org/model-{number}", "sae_release": None, "sae_id": None, "training_set": "org/set"}
    return EvaluationRequest(**{**values, "by": "Ada", "created": f"2026-01-01T00:00:{number:02}+00:00", **changes})


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def queue(tmp_path, clock):
    return Queue(Files(str(tmp_path)), clock=clock)


def state(queue):
    (entry,) = queue.entries()
    return entry.state


def test_a_request_is_waiting_then_running_then_done(queue):
    key, new = queue.add(request())
    assert new
    assert queue.add(request(by="Eve", created="2026-02-01T00:00:00+00:00")) == (key, False)
    assert state(queue) == "waiting"
    lease = queue.take(60, "w")
    assert (lease.key, lease.request, lease.attempts) == (key, request(), 1)
    assert state(queue) == "running"
    assert queue.take(60, "v") is None
    queue.done(lease, "f" * 64)
    assert (state(queue), queue.entries()[0].submission) == ("done", "f" * 64)
    assert queue.take(60, "v") is None


def test_the_oldest_is_taken_first(queue):
    for number in (3, 1, 2):
        queue.add(request(number))
    assert [queue.take(60, "w").request.model for _ in range(3)] == ["org/model-1", "org/model-2", "org/model-3"]


def test_a_killed_workers_request_is_stuck_after_its_lease_and_taken_again(queue, clock):
    queue.add(request())
    first = queue.take(60, "killed")
    clock.now += 59
    assert queue.take(60, "w") is None
    clock.now += 2
    assert state(queue) == "stuck"
    second = queue.take(60, "w")
    assert (second.attempts, second.worker) == (2, "w")
    assert state(queue) == "running"
    for late in (lambda: queue.renew(first, 60), lambda: queue.done(first, "f" * 64), lambda: queue.failed(first, "x")):
        with pytest.raises(LostLeaseError):
            late()


def test_a_renewed_lease_lasts(queue, clock):
    queue.add(request())
    lease = queue.take(60, "w")
    for _ in range(5):
        clock.now += 50
        queue.renew(lease, 60)
    assert queue.take(60, "v") is None
    assert state(queue) == "running"


def test_a_failed_request_is_tried_again_and_given_up_with_its_log(queue):
    queue.add(request())
    for attempt in range(1, MOST_ATTEMPTS + 1):
        lease = queue.take(60, "w")
        assert lease.attempts == attempt
        queue.failed(lease, "x" * 20_000 + f"out of memory {attempt}")
    (entry,) = queue.entries()
    assert (entry.state, entry.attempts) == ("failed", MOST_ATTEMPTS)
    assert entry.log.endswith(f"out of memory {MOST_ATTEMPTS}")
    assert len(entry.log) == 10_000
    assert queue.take(60, "w") is None


def test_a_request_that_kills_every_worker_stays_visible_and_is_not_taken_for_ever(queue, clock):
    queue.add(request())
    for _ in range(MOST_ATTEMPTS):
        assert queue.take(60, "w") is not None
        clock.now += 61
    assert queue.take(60, "w") is None
    assert state(queue) == "stuck"


def test_files_put_there_by_hand_are_no_requests(queue, tmp_path):
    queue.add(request())
    (tmp_path / "queue" / "requests" / "x.json").write_text("{}")
    (tmp_path / "queue" / "leases").mkdir()
    (tmp_path / "queue" / "leases" / "x-y.json").write_text("{}")
    assert len(queue.entries()) == 1


def take_all(url, worker, answers, barrier):
    barrier.wait(600)
    queue, taken = Queue(Files(url)), []
    while (lease := queue.take(600, worker)) is not None:
        taken.append((lease.key, lease.attempts))
    answers.put(taken)


def test_two_processes_take_each_request_once_and_again_after_the_lease(tmp_path):
    clock = Clock()
    queue = Queue(Files(str(tmp_path)), clock=clock)
    keys = {queue.add(request(number))[0] for number in range(30)}
    spawn = multiprocessing.get_context("spawn")
    for attempt in (1, 2):
        answers, barrier = spawn.Queue(), spawn.Barrier(2)
        workers = [spawn.Process(target=take_all, args=(str(tmp_path), name, answers, barrier)) for name in "ab"]
        for worker in workers:
            worker.start()
        taken = [one for _ in workers for one in answers.get(timeout=1500)]
        for worker in workers:
            worker.join()
        assert sorted(taken) == sorted((key, attempt) for key in keys)
        for lease in [queue._files.read(f"queue/leases/{key}-{attempt:04d}.json") for key in keys]:
            assert lease is not None
        for key in keys:  # their leases are over
            name = f"queue/leases/{key}-{attempt:04d}.json"
            queue._files.replace(name, b'{"taken":0,"until":1,"worker":"a"}')


@pytest.mark.parametrize(
    ("model", "training_set"),
    [
        ("/etc/passwd", "org/set"),
        ("../model", "org/set"),
        ("model", "org/set"),
        ("org/model/deeper", "org/set"),
        ("org/model", "set.jsonl"),
        ("org/model", "data/set.jsonl"),
        ("org/model", "org/..set"),
        ("org/model", "lab:math"),
        ("lab", "org/set"),
        ("lab", "lab:nonsense"),
        ("lab", "labour"),
        ("${x}/y", "org/set"),
    ],
)
def test_a_request_cannot_name_a_place_on_the_workers_disk(model, training_set):
    with pytest.raises(UserError):
        request_for(model=model, training_set=training_set, sae_release=None, sae_id=None, by="Eve")


def test_hub_ids_and_the_lab_can_be_asked_for():
    on_hub = experiment_for(request(model="google/gemma-2-9b-it", training_set="GAIR/LIMO"))
    assert (on_hub.model.id, on_hub.training_set.source) == ("google/gemma-2-9b-it", "GAIR/LIMO")
    assert not on_hub.model.trust_remote_code and not on_hub.sae.allow_pickle
    assert experiment_for(request(model="lab", training_set="lab")).training_set.source.endswith("math.jsonl")
    assert experiment_for(request(model="lab", training_set="lab:law")).training_set.source.endswith("law.jsonl")
    with pytest.raises(UserError, match="both, or neither"):
        experiment_for(request(sae_release="gemma-scope"))


@pytest.mark.parametrize("until", ["1e300", "-1e300", "1e999", "NaN", '"soon"', "null"])
def test_a_lease_that_ends_at_no_time_is_no_lease(queue, tmp_path, until):
    queue.add(request())
    taken = queue.take(60, "w")
    (lease,) = (tmp_path / "queue" / "leases").iterdir()
    lease.write_text(re.sub(r'"until":[^,}]+', f'"until":{until}', lease.read_text()))
    (entry,) = queue.entries()
    assert (entry.key, entry.state, entry.until) == (taken.key, "waiting", None)
