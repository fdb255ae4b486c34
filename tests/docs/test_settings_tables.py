"""The tables of settings in the documents are those of the fields."""

import importlib.util
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def tables():
    """The script that writes them."""
    spec = importlib.util.spec_from_file_location("settings_tables", DOCS / "settings_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("document", "table"),
    [("experiments.md", "experiment_table"), ("harness.md", "metadata_table"), ("ablation.md", "ablation_table")],
)
def test_a_document_has_the_table_of_today(tables, document, table):
    text = (DOCS / document).read_text(encoding="utf-8")
    (shown,) = re.findall(r"<!-- generated: settings -->\n(.*?)\n<!-- end -->", text, flags=re.DOTALL)
    assert shown == getattr(tables, table)(), "run: python docs/settings_tables.py"
