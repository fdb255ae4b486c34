"""A run of the lab, from a request in the page's form to the run on the page, by a worker in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.visitor import Visitor

from sts_eval.store.store import Store
from sts_leaderboard.page import defaults_of
from sts_leaderboard.pages.queue import ASKED, REQUESTS
from sts_leaderboard.pages.run import CONTROLS

# The command, with the lab's experiment as small as it can be.
WORKER = """
import sys
from helpers import small_run
from sts_eval.cli import main
from sts_eval.queue import request
request.lab_experiment = lambda name: small_run.experiment(tune={"seeds": (0,)})
sys.argv[0] = "sts-eval"
main()
"""


def rows(table):
    """A table's rows as dicts."""
    value = table["value"]
    return [dict(zip(value["headers"], row, strict=True)) for row in value["data"]]


@pytest.mark.timeout(900)
def test_a_run_of_the_lab_goes_from_request_to_done_on_the_page(serve, tmp_path):
    store = Store(str(tmp_path / "store"))
    ada = Visitor(serve(store, allow_writes=True))
    ada.send("queue", "select")
    (told,) = ada.send("ask", "click", ["lab", "lab:math", "", ""]).values()
    assert told.startswith(ASKED)
    (waiting,) = rows(ada.send("queue", "select")[REQUESTS])
    assert (waiting["state"], waiting["run"]) == ("waiting", "")

    command = [sys.executable, "-c", WORKER, "store", "worker", "--store", store.url, "--once", "--name", "w"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    environment |= {"HF_HUB_OFFLINE": "1", "STS_EVAL_CONFIG": str(tmp_path / "settings")}
    worked = subprocess.run(command, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert worked.returncode == 0, worked.stderr[-2000:]
    assert "submitted as" in worked.stdout, worked.stdout + worked.stderr[-2000:]

    (done,) = rows(ada.send("queue", "select")[REQUESTS])
    assert (done["state"], done["worker"], done["attempts"]) == ("done", "w", 1)
    run = done["run"]
    # What all tabs share, which is nothing yet, and the controls of the run's page.
    shown = ada.send("run-name", "change", ["", *(defaults_of(CONTROLS) | {"run": run}).values()])
    assert shown["run-title"].startswith("### lab on math")
    evidence = dict(shown["run-facts"]["data"])
    assert (evidence["tier"], evidence["pre-registered"][:3]) == ("recomputed, pre-registered", "yes")
    assert evidence["run"].startswith(run)
    assert Path(tmp_path / "runs" / "worker").is_dir()
