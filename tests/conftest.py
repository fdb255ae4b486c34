"""What tests of more than one folder need."""

import gc
import os
from pathlib import Path

import pytest
import torch

from sts_eval import lab
from sts_eval.data.training_set import TrainingSet, load_training_set
from sts_eval.experiment import ModelSpec, TrainingSetSpec, TuneSettings
from sts_eval.records.tuning import PredictionReference

LONGEST_FIRST = (
    "pipeline",
    "sweeps",
    "docs",
    "hindsight",
    "harness",
    "tuning",
    "leaderboard",
    "transfer",
    "predictors",
)
"""Folders whose files take longest, which tune models, start processes or a browser."""

TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """Begin with the files that take longest: no worker is then left alone with one at the end."""
    places = {name: place for place, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path.relative_to(TESTS).parts[0], len(places)))


def pytest_collection_finish():
    """Leave what the libraries' imports made out of every later search for garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Tiny models on two threads wait for each other: thirty times slower beside another job."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data: STS_EVAL_SHARED_DATA, or shared/data beside the repository."""
    given = os.environ.get("STS_EVAL_SHARED_DATA")
    folder = Path(given) if given else Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"the real data are not at {folder}; STS_EVAL_SHARED_DATA names another folder")
    return folder


@pytest.fixture(scope="session")
def model() -> ModelSpec:
    """The lab's model."""
    return ModelSpec(id=str(lab.model_path()), device="cpu")


@pytest.fixture(scope="session")
def mathematics() -> TrainingSet:
    """Sixty rows of the lab's mathematics set."""
    whole = load_training_set(TrainingSetSpec(source=str(lab.sft_path("math"))))
    return TrainingSet(whole.source, None, whole.suffix, whole.examples[:60], "sixty of " + whole.sha256)


@pytest.fixture(scope="session")
def quick() -> TuneSettings:
    """Two steps of eight rows."""
    return TuneSettings(max_steps=2, batch=8, per_device_batch=4, learning_rate=5e-3, warmup=0, rank=4, seeds=(0, 1))


@pytest.fixture(scope="session")
def tuned(model, mathematics, quick, tmp_path_factory):
    """The record of two seeds and the folder with their weights; tests must leave both as they are."""
    from sts_eval.tuning.finetune import finetune

    folder = tmp_path_factory.mktemp("tuning")
    reference = PredictionReference(prediction_sha256="0" * 64, created="2026-01-01T00:00:00+00:00")
    return finetune(model, mathematics, quick, folder, prediction=reference), folder


@pytest.fixture(scope="session", autouse=True)
def own_secret(tmp_path_factory):
    """Commands that hand something in make a secret: not in the folder of who runs the tests."""
    os.environ["STS_EVAL_CONFIG"] = str(tmp_path_factory.mktemp("config"))


@pytest.fixture
def few_tasks(monkeypatch):
    """Of the tasks that lm-eval comes with, ARC's alone: reading the files of all takes ten seconds."""
    from helpers.task_files import OWN
    from lm_eval.tasks import TaskManager

    from sts_eval.data import lm_eval_tasks

    few = TaskManager(include_path=str(OWN / "arc"), include_defaults=False)
    monkeypatch.setattr(lm_eval_tasks, "_all_tasks", lambda: few)
