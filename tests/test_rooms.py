"""What may import what: a room stands on those below it, and a prediction cannot know its outcome."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sts_eval

ROOT = Path(sts_eval.__file__).parent
REPOSITORY = ROOT.parent

ROOMS = (
    *(
        "errors",
        "progress",
        "quiet",
        "jobs",
        "statistics",
        "experiment",
        "experiment_file",
        "settings",
        "records",
        "data",
    ),
    *("lab", "model", "sae_training", "study", "predictors", "prediction", "judge", "harness"),
    *("tuning", "transfer", "hindsight", "analysis", "preflight", "pipeline", "reporting"),
    *("submission", "store", "queue", "sweeps", "mixture", "reproduction", "export", "leaderboard", "api", "cli"),
)
"""From the ground up, as docs/architecture.md lists them: a room imports only rooms before it."""

VIEWS = {"api", "cli", "leaderboard", "sweeps"}
"""Who may import the tables, plots and documents of `reporting`."""

KNOWS_THE_OUTCOME = ("sts_eval.transfer", "sts_eval.hindsight", "sts_eval.records.transfer", "sts_eval.records.tuning")


def imports(file):
    """Names of the modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def files(room):
    if room == "leaderboard":
        return sorted((REPOSITORY / "leaderboard").rglob("*.py"))
    return sorted((ROOT / room).rglob("*.py")) or [ROOT / f"{room}.py"]


def rooms(file):
    """The rooms that a file imports."""
    for name in imports(file):
        package, *rest = name.split(".")
        if package == "sts_leaderboard":
            yield "leaderboard"
        elif package == "sts_eval" and rest and rest[0] in ROOMS:
            yield rest[0]


def test_the_rooms_are_all_there_are():
    found = {path.stem for path in ROOT.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    assert found - {"__init__"} == set(ROOMS) - {"leaderboard"}


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_rooms_below_it(room):
    allowed = {room, *ROOMS[: ROOMS.index(room)]} - ({"reporting"} if room not in {*VIEWS, "reporting"} else set())
    for file in files(room):
        assert set(rooms(file)) <= allowed, file


@pytest.mark.parametrize("room", ROOMS[: ROOMS.index("submission")])
def test_the_core_does_not_know_the_lab(room):
    if room != "lab":
        assert not any("lab" in rooms(file) for file in files(room))


@pytest.mark.parametrize("room", ["data", "model", "study", "predictors", "prediction", "lab", "statistics", "harness"])
def test_no_prediction_can_read_a_transfer_record(room):
    for file in files(room):
        found = [name for name in imports(file) if name.startswith(KNOWS_THE_OUTCOME)]
        assert found == [], file


def test_no_torch_before_it_is_needed():
    code = """
import importlib, sys
for module in ("transfer.import_results", "transfer.domain_changes", "transfer.measure", "tuning.finetune"):
    importlib.import_module(f"sts_eval.{module}")
    print(module, "torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    loaded = dict(line.split() for line in done.stdout.splitlines())
    assert len(loaded) == 4
    assert set(loaded.values()) == {"False"}, loaded
