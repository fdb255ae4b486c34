"""What may import what: a prediction cannot know its outcome, and light commands stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sts_eval

ROOT = Path(sts_eval.__file__).parent

KNOWS_THE_OUTCOME = ("sts_eval.transfer", "sts_eval.hindsight", "sts_eval.records.transfer", "sts_eval.records.tuning")


def imports(file):
    """Names of the modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("room", ["data", "model", "study", "predictors", "prediction", "lab", "statistics", "harness"])
def test_no_prediction_can_read_a_transfer_record(room):
    for file in (ROOT / room).rglob("*.py"):
        found = [name for name in imports(file) if name.startswith(KNOWS_THE_OUTCOME)]
        assert found == [], file


@pytest.mark.parametrize(
    "module", ["transfer.import_results", "transfer.domain_changes", "transfer.measure", "tuning.finetune"]
)
def test_no_torch_before_it_is_needed(module):
    code = f"import sys, sts_eval.{module}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    assert done.stdout.strip() == "False"
