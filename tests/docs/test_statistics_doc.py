"""The coverages that docs/statistics.md states are those of the script that it names."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CASES = {(0.0, 1.0): 0, (0.3, 1.0): 1, (0.0, 0.2): 2, (0.3, 0.2): 3}  # columns of the table


@pytest.fixture(scope="module")
def stated():
    """Figures of the table by row, in percent."""
    text = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
    table = re.search(r"<!-- generated: coverage -->\n(.*?)\n<!-- end -->", text, re.DOTALL)[1]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    return {name: [int(figure.rstrip("%")) for figure in figures] for name, *figures in rows}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_coverages_are_those_of_the_script(stated, case):
    spec = importlib.util.spec_from_file_location("coverage_of_intervals", ROOT / "benchmarks" / "coverage.py")
    script = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = script
    spec.loader.exec_module(script)
    found = script.covered(300, *case)
    assert {name: round(100 * share) for name, share in found.items()} == {
        name: figures[CASES[case]] for name, figures in stated.items()
    }


def test_leading_intervals_err_on_the_wide_side_where_the_table_says_so(stated):
    too_narrow = {name for name, figures in stated.items() if min(figures) < 93}
    assert too_narrow == {"pooled r, HKSJ over runs (in the files)"}
