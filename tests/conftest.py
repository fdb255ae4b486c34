"""What tests of more than one folder need."""

import os
from pathlib import Path

import pytest
import torch


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
