"""Real Ray on this machine: two workers, one of which is killed; what comes out is what comes out in order."""

import os
import signal
import socket
import sys

import pytest
from helpers.sweeps import InOrder, outcomes, small_matrix

from sts_eval.errors import UserError
from sts_eval.lab import SFT_SETS
from sts_eval.sweeps.drive import drive
from sts_eval.sweeps.matrix import StageResources

pytest.importorskip("ray", reason="Ray is not installed: pip install 'sts-eval[ray]'")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")


def with_one_killed(matrix, folder, kind):
    """Do a sweep with two workers, and kill the first that is seen at a stage of a kind. The name of that stage."""
    from sts_eval.sweeps.on_ray import OnRay

    killed = []

    def kill(book, _record):
        for name, stage in book.stages.items():
            if stage.kind == kind and book.standing(name) == "running" and not killed:
                killed.append(name)
                os.kill(book.records[name].pid, signal.SIGKILL)

    engine = OnRay(matrix, folder, cpus=2)
    try:
        assert engine.width == 2
        book = drive(matrix, folder, engine, tell=kill, poll=0.05)
    finally:
        engine.close()
    (name,) = killed
    return book, name


def check(book, killed):
    """All is done, in other processes than the driver's, and only what was killed was tried twice."""
    assert set(book.standings().values()) == {"done"}
    assert {name: record.attempts for name, record in book.records.items() if record.attempts > 1} == {killed: 2}
    # How many workers shared the rest depends on the load of the machine.
    assert os.getpid() not in {record.pid for record in book.records.values()}
    assert not [path for path in (book.folder / "tuning").iterdir() if path.name.startswith(".")]


@pytest.mark.slow
def test_a_killed_worker_changes_nothing(done, tmp_path):
    matrix = small_matrix(("math",))
    check(*with_one_killed(matrix, tmp_path, "tune"))
    (name,) = [name for name, _ in matrix.expand()]
    assert outcomes(tmp_path / "runs", [name]) == outcomes(done.folder / "runs", [name])


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_twelve_runs_with_a_killed_worker_are_those_in_order(tmp_path):
    matrix = small_matrix(SFT_SETS[:6])
    (model,) = matrix.models
    saes = (*model.saes, model.saes[0].model_copy(update={"layer": 1}))
    matrix = matrix.model_copy(update={"models": (model.model_copy(update={"saes": saes}),)})
    names = [name for name, _ in matrix.expand()]
    assert len(names) == 12
    check(*with_one_killed(matrix, tmp_path / "ray", "after"))
    in_order = drive(matrix, tmp_path / "order", InOrder())
    assert set(in_order.standings().values()) == {"done"}
    assert outcomes(tmp_path / "ray" / "runs", names) == outcomes(tmp_path / "order" / "runs", names)


def test_there_is_no_cluster(tmp_path):
    from sts_eval.sweeps.on_ray import OnRay

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    for given in (address, f"ray://{address}"):
        with pytest.raises(UserError, match=f"there is no Ray cluster at {given} "):
            OnRay(small_matrix(("math",)), tmp_path, given)


@pytest.mark.parametrize(
    ("asked", "room"),
    [({}, 8), ({"cpus": 3}, 2), ({"gpus": 1}, 2), ({"gpus": 0.5}, 4), ({"gpus": 4}, 0), ({"memory_gb": 20}, 3)],
)
def test_how_many_stages_a_node_has_room_for(asked, room):
    from sts_eval.sweeps.on_ray import room_for

    assert room_for({"CPU": 8.0, "GPU": 2.0, "memory": 64e9}, StageResources(**asked)) == room
