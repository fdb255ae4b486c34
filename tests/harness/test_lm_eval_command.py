"""The real `lm_eval` command, as a user types it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sts_eval import lab

BIN = Path(sys.executable).parent
LAB = ["--model", "hf", "--model_args", f"pretrained={lab.model_path()},dtype=float32"]


def run(folder, *command):
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def results_in(folder):
    (file,) = folder.rglob("results_*.json")
    return json.loads(file.read_text())["results"]


def test_lists_the_tasks_without_include_path(tmp_path):
    listed = run(tmp_path, BIN / "lm_eval", "ls", "tasks")
    assert listed.returncode == 0, listed.stderr
    for name in ("sts", "sts_mmlupro", "sts_mmlu", "sts_lab", "lab_mmlupro_math"):
        assert f"|{name} " in listed.stdout


@pytest.mark.slow
def test_two_processes_give_what_one_gives(tmp_path):
    metadata = json.dumps({"only": ["math", "law"], "shift_tokens": 600})
    tasks = ["--tasks", "sts_lab", "--limit", "7", "--metadata", metadata]
    one = run(tmp_path, BIN / "lm_eval", *LAB, *tasks, "--output_path", "one")
    launcher = [BIN / "accelerate", "launch", "--cpu", "--num_processes", "2", "-m", "lm_eval"]
    two = run(tmp_path, *launcher, *LAB, *tasks, "--output_path", "two")
    assert one.returncode == two.returncode == 0, one.stderr + two.stderr
    alone, together = results_in(tmp_path / "one"), results_in(tmp_path / "two")
    for task in ("sts_lab_math", "sts_lab_law"):
        for score in ("sts_act,none", "sts_icl,none", "sts_icl_stderr,none"):
            assert together[task][score] == pytest.approx(alone[task][score], rel=1e-4)


def test_a_mistake_is_one_line_and_exit_code_2(tmp_path):
    failed = run(tmp_path, BIN / "lm_eval", *LAB, "--tasks", "sts_mmlupro", "--limit", "1")
    assert failed.returncode == 2
    assert failed.stderr.strip().splitlines()[-1].startswith("Error: no training set is named.")
    assert "Traceback" not in failed.stderr
