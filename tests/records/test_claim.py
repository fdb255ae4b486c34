"""Two processes in one folder: the second learns who is at work, and a dead one is no obstacle."""

import os
import socket
import subprocess
import sys

import pytest

from sts_eval.errors import UserError
from sts_eval.records.claim import SILENT, Claim, claimed, holder, own_claim


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run" / ".running.json"


def gone():
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_it_is_held_for_as_long_as_the_work_lasts(path):
    with claimed(path, own_claim()):
        assert holder(path, Claim).pid == os.getpid()
    assert holder(path, Claim) is None
    assert not path.exists()


def test_the_second_is_told_who_where_and_since_when(path):
    first = own_claim()
    with claimed(path, first):
        with pytest.raises(UserError) as caught, claimed(path, own_claim()):
            pass
        said = f"process {os.getpid()} on {socket.gethostname()}, since {first.started}. Wait until it is done"
        assert said in str(caught.value)
        assert path.is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be asked whether it lives")
def test_a_claim_of_a_process_that_is_gone_is_taken_over(path):
    path.parent.mkdir()
    Claim(host=socket.gethostname(), pid=gone(), started="then").write(path)
    with claimed(path, own_claim()):
        assert holder(path, Claim).pid == os.getpid()


def test_a_claim_of_another_machine_lasts_while_it_gives_signs_of_life(path):
    path.parent.mkdir()
    Claim(host="elsewhere", pid=1, started="then").write(path)
    with pytest.raises(UserError, match="process 1 on elsewhere, since then"), claimed(path, own_claim()):
        pass
    seen = path.stat().st_mtime - SILENT - 1
    os.utime(path, (seen, seen))
    with claimed(path, own_claim()):
        assert holder(path, Claim).pid == os.getpid()


def test_half_a_claim_is_taken_over(path):
    path.parent.mkdir()
    path.write_text('{"host": "els')
    with claimed(path, own_claim()):
        assert holder(path, Claim).pid == os.getpid()


def test_the_main_process_holds_it_for_all(path, monkeypatch):
    with claimed(path, own_claim()):
        monkeypatch.setenv("RANK", "1")
        with claimed(path, own_claim()):
            pass
        assert holder(path, Claim).pid == os.getpid()


def test_a_folder_made_for_the_claim_goes_with_it_unless_something_was_written(tmp_path):
    for name in ("nothing", "something"):
        with claimed(tmp_path / name / ".running.json", own_claim()):
            (tmp_path / name / "below" / "tuning").mkdir(parents=True)
            if name == "something":
                (tmp_path / name / "record.json").touch()
    (tmp_path / "before").mkdir()
    with claimed(tmp_path / "before" / ".running.json", own_claim()):
        pass
    assert {one.name for one in tmp_path.iterdir()} == {"something", "before"}
    assert [one.name for one in (tmp_path / "something").iterdir()] == ["record.json"]
