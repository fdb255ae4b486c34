"""One small sweep that was done in order, for the tests of this folder to compare with."""

from pathlib import Path
from typing import NamedTuple

import pytest
from helpers.sweeps import InOrder, small_matrix

from sts_eval.sweeps.drive import drive
from sts_eval.sweeps.matrix import Matrix
from sts_eval.sweeps.state import Book


class Done(NamedTuple):
    """A sweep that came to its end; tests must leave its folder as it is."""

    matrix: Matrix
    folder: Path
    book: Book
    names: list[str]


@pytest.fixture(scope="session", autouse=True)
def environment():
    """What workers compute with."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("TOKENIZERS_PARALLELISM", "false")
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


@pytest.fixture(scope="session")
def done(tmp_path_factory) -> Done:
    matrix, folder = small_matrix(("math", "law")), tmp_path_factory.mktemp("sweep") / "small"
    return Done(matrix, folder, drive(matrix, folder, InOrder()), [name for name, _ in matrix.expand()])
