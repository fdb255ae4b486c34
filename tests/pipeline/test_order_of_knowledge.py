"""No code path of a prediction can read what happened: nothing it imports knows those records."""

import ast
from pathlib import Path

import pytest

import sts_eval

ROOT = Path(sts_eval.__file__).parent

AFTERWARDS = (
    "sts_eval.transfer",
    "sts_eval.tuning",
    "sts_eval.hindsight",
    "sts_eval.pipeline",
    "sts_eval.analysis.report",
    "sts_eval.analysis.runs",
    "sts_eval.records.transfer",
    "sts_eval.records.answers",
    "sts_eval.records.tuning",
    "sts_eval.records.overlap",
    "sts_eval.records.report",
)


def file_of(module):
    """The file of a module of the package, or None where the name is no module."""
    place = ROOT.parent.joinpath(*module.split("."))
    for file in (place / "__init__.py", place.with_suffix(".py")):
        if file.is_file():
            return file
    return None


def imported(module):
    """The package's modules that a module imports, anywhere in its text, and the packages they lie in."""
    names = set()
    tree = ast.parse(file_of(module).read_text(encoding="utf-8"))
    # What only type checkers read is not imported.
    unread = {
        id(inside)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inside in ast.walk(node)
    }
    for node in (node for node in ast.walk(tree) if id(node) not in unread):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports by a relative name"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    parents = {".".join(name.split(".")[:size]) for name in names for size in range(1, name.count(".") + 2)}
    return {name for name in parents if name.split(".")[0] == "sts_eval" and file_of(name)}


def reached(module):
    """Everything that a module imports, by whatever way, with the module that asks for it."""
    found, open_ends = {module: None}, [module]
    while open_ends:
        asking = open_ends.pop()
        for name in imported(asking) - found.keys():
            found[name] = asking
            open_ends.append(name)
    return found


def modules(package):
    for file in sorted((ROOT / package).rglob("*.py")):
        yield ".".join(("sts_eval", *file.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")


PREDICTING = [
    *(
        module
        for package in ("predictors", "study", "prediction", "model", "data", "harness")
        for module in modules(package)
    ),
    "sts_eval.cli.predict",
]


@pytest.mark.parametrize("module", PREDICTING)
def test_a_prediction_imports_nothing_that_comes_after_it(module):
    found = reached(module)
    late = {name: asking for name, asking in found.items() if name.startswith(AFTERWARDS)}
    assert late == {}


def test_the_walk_finds_what_there_is():
    """Of a module that does read transfer records, the same walk says so."""
    found = reached("sts_eval.cli.run")
    assert {"sts_eval.transfer.measure", "sts_eval.records.transfer", "sts_eval.prediction.predict"} <= found.keys()
    assert len(PREDICTING) > 20
    assert all(file_of(name) for name in AFTERWARDS)
