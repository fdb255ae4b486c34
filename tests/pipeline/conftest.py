"""One uninterrupted run that the tests of this folder start from."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from helpers import small_run
from helpers.small_run import Ended


class Finished(NamedTuple):
    """A run that came to its end; tests must leave its folder as it is."""

    runs: object
    ended: Ended


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Finished:
    folder = tmp_path_factory.mktemp("whole")
    file = small_run.write_experiment(folder / "small.yaml")
    return Finished(folder / "runs", small_run.call("run", file, "--folder", folder / "runs" / "small"))


@pytest.fixture
def calls() -> Iterator[Counter]:
    """How often each costly step was taken."""
    with small_run.counted() as counter:
        yield counter
