"""The notebooks run on the lab, and are committed as they ran."""

import base64
import importlib.util
import re
from pathlib import Path

import nbformat
import pytest

DOCS = Path(__file__).parents[2] / "docs"
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))
LARGEST_FIGURE = 60_000  # bytes


@pytest.fixture(scope="module")
def runner():
    """The script that runs them."""
    spec = importlib.util.spec_from_file_location("run_notebooks", DOCS / "run_notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def kinds(notebook):
    """What each cell shows: a table, a figure, text."""
    return [[sorted(one.get("data", {"text": ""})) for one in cell.outputs] for cell in code(notebook)]


def outputs(notebook):
    """Texts and images of all cells."""
    for cell in code(notebook):
        for output in cell.outputs:
            yield from (output.get("data") or {"text/plain": output.get("text", "")}).items()


def test_there_are_three():
    assert len(NOTEBOOKS) == 3


@pytest.mark.timeout(1200)  # half a minute on a quiet core, and many times that beside other work
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_is_committed(path, runner, tmp_path):
    ran = runner.ran(path, tmp_path)  # which raises what a cell raises
    assert [kind for cell in code(ran) for kind in cell.outputs if kind.get("name") == "stderr"] == []
    assert kinds(ran) == kinds(nbformat.read(path, as_version=4))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_as_it_ran(path):
    notebook = nbformat.read(path, as_version=4)
    assert [cell.execution_count for cell in code(notebook)] == [*range(1, len(code(notebook)) + 1)]
    for kind, value in outputs(notebook):
        if kind == "image/png":
            assert len(base64.b64decode(value)) < LARGEST_FIGURE
        else:
            assert not re.search(r"(?<![\w.])/(home|root|tmp|usr|work|Users)/|Traceback|Warning", value), value
