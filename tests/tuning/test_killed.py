"""A process that is killed while it trains leaves whole seeds, and of the one that it was at its last checkpoint."""

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
from sts_eval.tuning import training
from sts_eval.tuning.finetune import finetune

torch.set_num_threads(1)
training.CHECKPOINT_EVERY = 0.0
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
    deadline = time.monotonic() + 1500
    while not seen():
        assert process.poll() is None, process.stderr.read().decode()
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_killed_while_training(model, tmp_path, tmp_path_factory):
    rows = str(lab.sft_path("math"))
    command = [sys.executable, "-c", TRAIN, model.id, rows, SETTINGS.model_dump_json(), str(tmp_path)]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=root)
    try:
        wait_for(lambda: any(tmp_path.glob(".seed-1-*.tmp/checkpoints/checkpoint-*/trainer_state.json")), process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stderr.close()
    (done,) = tmp_path.glob("seed-*")
    facts = (done / "training.json").read_text()
    training_set, told = load_training_set(TrainingSetSpec(source=rows)), []
    record = finetune(model, training_set, SETTINGS, tmp_path, progress=lambda *step: told.append(step))
    assert [run.seed for run in record.runs] == [0, 1]
    assert (done / "training.json").read_text() == facts
    assert {path.name for path in tmp_path.iterdir()} == {run.folder for run in record.runs}
    steps = [done for stage, done, _ in told if stage == "fine-tuning, seed 1, steps"]
    assert steps[0] > 0
    alone = SETTINGS.model_copy(update={"seeds": (1,)})
    (unbroken,) = finetune(model, training_set, alone, tmp_path_factory.mktemp("unbroken")).runs
    assert record.runs[1].weights_sha256 == unbroken.weights_sha256
