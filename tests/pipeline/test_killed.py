"""A run that is killed, in whatever stage: what it leaves can be read, and the next one goes on from there."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers import small_run
from helpers.small_run import call, figures, records, write_experiment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")

BIN = Path(sys.executable).parent

TELLING = """
import sys
from contextlib import contextmanager
import torch
from sts_eval.cli import main
from sts_eval.reporting import progress

@contextmanager
def lines():
    yield lambda *step: print(*step, flush=True)

torch.set_num_threads(1)
progress.progress_bars = lines
main()
"""
"""The console script, with its progress as lines on stdout."""

WAIT = 1500  # seconds after which the process is taken to hang: a machine with other jobs is slow


def start(command, errors):
    """Start a command in a process group of its own."""
    with errors.open("wb") as file:
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=file,
            env=small_run.environment(),
            start_new_session=True,
            text=True,
            encoding="utf-8",
        )


def kill(process):
    """Kill a process and its children as `kill -9` does."""
    os.killpg(process.pid, signal.SIGKILL)
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL


def goes_on_to_the_same_end(file, runs, finished):
    """Run to the end what was killed: nothing that was whole is made again, and the figures are the same."""
    left = records(runs)
    ended = call("run", file, "--folder", runs / "small")
    assert ended.code == 0, ended.err
    now = records(runs)
    assert {place: now[place] for place in left} == left
    assert figures(runs) == figures(finished.runs)
    assert sorted(place.parts[-2:] for place in now if place.stem == "training") == sorted(
        path.relative_to(finished.runs).parts[-2:] for path in finished.runs.glob("small/tuning/seed-*/training.json")
    )
    assert not list((runs / "small" / "tuning").glob(".*"))
    return left


def test_killed_while_tuning(finished, tmp_path):
    """Nothing but the disk is watched, and nothing but the command is run."""
    file, runs, errors = write_experiment(tmp_path / "small.yaml"), tmp_path / "runs", tmp_path / "errors"
    process = start([BIN / "sts-eval", "run", file, "--folder", runs / "small"], errors)
    try:
        deadline = time.monotonic() + WAIT
        while not any(runs.glob("small/tuning/seed-0-*")):
            assert process.poll() is None, errors.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.01)
    finally:
        kill(process)
    left = goes_on_to_the_same_end(file, runs, finished)
    kinds = {place.stem.split("-")[0] for place in left}
    assert {"prediction", "training"} <= kinds
    assert "transfer" not in kinds


SIGNS = {
    "prediction, step 1": ("step 1", {}),
    "prediction, step 2": ("step 2: questions of all domains", {}),
    "tuning, first seed": ("fine-tuning 0 2", {"prediction": 1}),
    "tuning, second seed": ("fine-tuning 1 2", {"prediction": 1, "training": 1}),
    "before": ("before 0 1", {"prediction": 1, "training": 2}),
    "after, first seed": ("after 0 2", {"prediction": 1, "training": 2, "evaluation": 1}),
    "after, second seed": ("after 1 2", {"prediction": 1, "training": 2, "evaluation": 2}),
    "overlap": ("overlap", {"prediction": 1, "training": 2, "evaluation": 3, "transfer": 1}),
    "oracle": (
        "oracle, features: law",
        {"prediction": 1, "training": 2, "evaluation": 3, "transfer": 1, "overlap": 1},
    ),
    "report": (
        "Predicted and measured",
        {"prediction": 1, "training": 2, "evaluation": 3, "transfer": 1, "overlap": 2, "oracle": 1},
    ),
}
"""The line on which a run is killed, and the records that it has made by then."""


@pytest.mark.slow
@pytest.mark.parametrize(("sign", "made"), SIGNS.values(), ids=SIGNS)
def test_killed_in(finished, tmp_path, sign, made):
    file, runs, errors = write_experiment(tmp_path / "small.yaml"), tmp_path / "runs", tmp_path / "errors"
    process = start([sys.executable, "-c", TELLING, "run", file, "--folder", runs / "small"], errors)
    try:
        seen = any(line.lstrip().startswith(sign) for line in process.stdout)
    finally:
        kill(process)
    assert seen, errors.read_text()
    left = goes_on_to_the_same_end(file, runs, finished)
    kinds = [place.stem.split("-")[0] for place in left]
    # The kill may land a step later than its sign, never earlier.
    assert all(kinds.count(kind) >= least for kind, least in made.items())


@pytest.mark.slow
def test_killed_while_the_report_is_written(finished, tmp_path):
    file, runs, errors = write_experiment(tmp_path / "small.yaml"), tmp_path / "runs", tmp_path / "errors"
    process = start([BIN / "sts-eval", "run", file, "--folder", runs / "small"], errors)
    try:
        deadline = time.monotonic() + WAIT
        while not (runs / "small" / "report.json").is_file():
            assert process.poll() is None, errors.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.001)
    finally:
        kill(process)
    left = goes_on_to_the_same_end(file, runs, finished)
    assert records(runs).keys() == left.keys()
    assert (runs / "small" / "scatter.png").read_bytes().endswith(b"IEND\xaeB`\x82")
