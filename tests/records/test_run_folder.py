"""The names in a run's folder: unchanged on disk, and made in one module only."""

import ast
import re
from pathlib import Path

import pytest
from helpers.records import prediction

import sts_eval
from sts_eval.errors import UserError
from sts_eval.records.prediction import Prediction
from sts_eval.records.run_folder import REPORT_FILES, RunFolder, evaluation_file, seed_folder

ROOT = Path(sts_eval.__file__).parent

KEY = "0123456789abcdef" * 4

FILE_NAMES = re.compile(
    r"(prediction|transfer|overlap|oracle|evaluation)-|seed-|(training|report|evaluation)\.json|weights|prediction\.png"
)
"""How the name of a file of a run begins."""

OF_THE_SAME_WORDS = {"sts_eval/tuning/push.py": "seed-"}
"""A folder of a hub repository."""


def literals(file):
    """Texts in a module's code, parts of f-strings among them; no docstrings."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node.value


def test_no_other_module_makes_a_name():
    found = {}
    for file in sorted(ROOT.rglob("*.py")):
        place = str(file.relative_to(ROOT.parent))
        allowed = OF_THE_SAME_WORDS.get(place)
        if names := [text for text in literals(file) if FILE_NAMES.match(text) and text != allowed]:
            found[place] = names
    assert set(found) == {"sts_eval/records/run_folder.py"}, found


def test_names_on_disk():
    files = RunFolder.of(Path("runs/demo"))
    assert files.prediction(KEY) == Path("runs/demo/prediction-01234567.json")
    assert files.transfer(KEY) == Path("runs/demo/transfer-01234567.json")
    assert evaluation_file(files.evaluations, KEY) == Path("runs/evaluations/evaluation-0123456789abcdef.json")
    seed = seed_folder(files.tuning, 3, KEY)
    assert seed.weights == Path("runs/demo/tuning/seed-3-0123456789ab/weights")
    assert seed.facts == Path("runs/demo/tuning/seed-3-0123456789ab/training.json")
    assert seed.unfinished.path == Path("runs/demo/tuning/.seed-3-0123456789ab.tmp")
    assert files.report == Path("runs/demo/report.json")
    assert REPORT_FILES == ("report.json", "report.md", "report.html", "scatter.png")
    assert files.prediction_plot == Path("runs/demo/prediction.png")


def test_runs_of_a_sweep_share_evaluations_and_weights():
    files = RunFolder.of_sweep(Path("sweep"), "demo")
    assert files.run == Path("sweep/runs/demo")
    assert (files.evaluations, files.tuning) == (Path("sweep/evaluations"), Path("sweep/tuning"))


def test_a_record_is_found_by_its_hash(tmp_path):
    files, wanted = RunFolder.of(tmp_path), prediction({"law": 1.0})
    other = wanted.model_copy(update={"created": "2025-01-01T00:00:00+00:00"})
    other.write(files.prediction("a" * 8))
    wanted.write(files.prediction("b" * 8))
    (tmp_path / "prediction-older.json").write_text("{}")  # another version's, which nobody asks for
    assert files.record_named(Prediction, wanted.sha256()) == wanted
    (tmp_path / "prediction-older.json").unlink()
    with pytest.raises(UserError, match="has no prediction with the hash 000000000000"):
        files.record_named(Prediction, "0" * 64)
