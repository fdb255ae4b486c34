"""The site of the documents: built without a warning, loads nothing from elsewhere, has what comes from the code."""

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

import sts_eval as se
from sts_eval.cli import COMMANDS, cli
from sts_eval.records.prediction import Prediction

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    variables = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, env=variables, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def text(page):
    return page.read_text(encoding="utf-8")


def test_the_first_page_is_the_readme(site):
    assert "Which domains of a benchmark will get better" in text(site / "index.html")


def test_no_page_loads_anything_from_elsewhere(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        loaded = re.findall(r'<(?:script|img|iframe|source)\b[^>]*\bsrc="([^"]*)', text(page))
        loaded += re.findall(r'<link\b[^>]*rel="(?:stylesheet|preconnect|icon)"[^>]*', text(page))
        assert [one for one in loaded if "//" in one.removeprefix("data:")[:80] and not one.startswith("data:")] == []
        assert 'class="mermaid"' not in text(page)  # Material would fetch a script to draw it


def test_every_public_name_is_in_the_reference(site):
    page = text(site / "reference" / "api.html")
    assert [name for name in se.__all__ if not re.search(rf'id="sts_eval(\.\w+)*\.{name}"', page)] == []
    assert "Hub id or folder, or a loaded causal language model" in page  # an argument's docstring


def test_every_command_is_in_the_reference(site):
    page = html.unescape(text(site / "reference" / "commands.html"))
    for name in COMMANDS:
        assert f"sts-eval {name}" in page
        command = cli.get_command(click.Context(cli), name)
        if isinstance(command, click.Group):
            assert all(f"Usage: sts-eval {name} {inner}" in page for inner in command.commands)
        else:
            assert f"Usage: sts-eval {name}" in page


def test_every_field_of_a_record_is_in_the_reference(site):
    page = text(site / "reference" / "records.html")
    assert 'id="prediction"' in page
    assert [name for name in Prediction.model_fields if f"<code>{name}</code>" not in page] == []
    assert '<a href="#predictorscores">PredictorScores</a>' in page


def test_a_table_behind_a_mark_is_a_table(site):
    page = text(site / "experiments.html")
    assert "<code>settings.top_n</code></td>" in page
    assert "| key in the file" not in page


def test_every_decision_is_listed():
    listed = set(re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", text(ROOT / "docs" / "decisions" / "README.md")))
    assert listed == {file.name for file in (ROOT / "docs" / "decisions").glob("0*.md")}
