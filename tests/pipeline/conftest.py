"""One uninterrupted run that the tests of this folder start from."""

from collections import Counter
from typing import NamedTuple

import lm_eval
import pytest
from helpers import small_run
from helpers.small_run import Ended

import sts_eval.pipeline
import sts_eval.tuning.training


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
def calls(monkeypatch) -> Counter:
    """How often each costly step was taken."""
    counter = Counter()

    def count(name, module, function):
        real = getattr(module, function)

        def counted(*arguments, **named):
            counter[name] += 1
            return real(*arguments, **named)

        monkeypatch.setattr(module, function, counted)

    count("predict", sts_eval.pipeline, "predict")
    count("train", sts_eval.tuning.training, "train")
    count("evaluate", lm_eval, "simple_evaluate")
    return counter
