"""A process that is killed while it trains leaves whole seeds and nothing else that counts."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sts_eval import lab
from sts_eval.data.training_set import load_training_set
from sts_eval.experiment import TrainingSetSpec, TuneSettings
from sts_eval.tuning.finetune import finetune

SETTINGS = TuneSettings(max_steps=12, batch=4, per_device_batch=4, max_rows=64, held_out=8, rank=2, seeds=(0, 1))

TRAIN = """
import sys
from pathlib import Path
import torch
from sts_eval.data.training_set import load_training_set
from sts_eval.experiment import ModelSpec, TrainingSetSpec, TuneSettings
from sts_eval.tuning.finetune import finetune

torch.set_num_threads(1)
model, rows, settings, folder = sys.argv[1:]
finetune(
    ModelSpec(id=model, device="cpu"),
    load_training_set(TrainingSetSpec(source=rows)),
    TuneSettings.model_validate_json(settings),
    Path(folder),
)
"""


def wait_for(seen, process):
    """Wait until something shows, while the process lives."""
    deadline = time.monotonic() + 120
    while not seen():
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_killed_while_training(model, tmp_path):
    rows = str(lab.sft_path("math"))
    command = [sys.executable, "-c", TRAIN, model.id, rows, SETTINGS.model_dump_json(), str(tmp_path)]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=root)
    try:
        wait_for(lambda: any(tmp_path.glob("seed-0-*")) and any(tmp_path.glob(".seed-1-*.tmp")), process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
    (done,) = tmp_path.glob("seed-*")
    facts = (done / "training.json").read_text()
    record = finetune(model, load_training_set(TrainingSetSpec(source=rows)), SETTINGS, tmp_path)
    assert [run.seed for run in record.runs] == [0, 1]
    assert (done / "training.json").read_text() == facts
    assert {path.name for path in tmp_path.iterdir()} == {run.folder for run in record.runs}
