"""Seeds side by side: the same run as one after another."""

import os
import signal
from collections import Counter
from functools import partial

import pytest
from helpers.small_run import call, figures, records, write_experiment

from sts_eval.errors import UserError
from sts_eval.jobs import run_jobs


def test_seeds_side_by_side_give_the_figures_of_seeds_in_a_row(finished, tmp_path):
    ended = call("run", write_experiment(tmp_path / "small.yaml"), "--folder", tmp_path / "runs" / "small", "--jobs", 2)
    assert ended.code == 0, ended.err
    assert figures(tmp_path / "runs") == figures(finished.runs)
    made, wanted = (
        Counter(place.stem.split("-")[0] for place in records(runs)) for runs in (tmp_path / "runs", finished.runs)
    )
    assert made == wanted
    for seed in (0, 1):  # each process tells of its own
        assert f"fine-tuning, seed {seed}, steps: 0 of 2" in ended.err
        assert f"answers after fine-tuning, seed {seed}" in ended.err
    assert "Next: fine-tuning (2 seeds, 2 models at a time)" in ended.err


def write(path, progress):
    progress("writing", 0, 2)
    path.write_text(str(os.getpid()))
    progress("writing", 2, 2)


def refuse(_progress):
    raise UserError("the disk is full", "Free space")


def die(_progress):
    os.kill(os.getpid(), signal.SIGKILL)


def test_jobs_are_done_elsewhere_and_tell_here(tmp_path):
    told, files = [], [tmp_path / str(number) for number in range(3)]
    run_jobs({path.name: partial(write, path) for path in files}, 2, lambda *step: told.append(step))
    assert all(int(path.read_text()) != os.getpid() for path in files)
    assert told[0] == ("starting 2 processes, which load their libraries", 0, 1)
    assert sorted(told[1:]) == sorted([("writing", 0, 2), ("writing", 2, 2)] * 3)


@pytest.mark.parametrize(("job", "line"), [(refuse, "the disk is full"), (die, "a process was killed")])
def test_the_mistake_of_a_job_comes_here(job, line):
    with pytest.raises(UserError, match=line):
        run_jobs({"one": job}, 2, lambda *_: None)


def test_processes_of_accelerate_start_no_others(monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="accelerate launch"):
        run_jobs({}, 2, lambda *_: None)
