"""The example in docs/predictors.md, installed as a package of its own, is found and scores."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from sts_eval.predictors.registry import select

DOCUMENT = Path(__file__).parents[2] / "docs" / "predictors.md"


def block(language):
    return re.search(rf"```{language}\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL).group(1)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A folder as pip leaves it: the module, and what its metadata says."""
    (tmp_path / "surprise").mkdir()
    (tmp_path / "surprise" / "__init__.py").write_text(block("python"), encoding="utf-8")
    metadata = tmp_path / "surprise-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: surprise\nVersion: 1.0\n", encoding="utf-8")
    (group, entries), *others = tomllib.loads(block("toml"))["project"]["entry-points"].items()
    assert not others
    lines = [f"{name} = {target}" for name, target in entries.items()]
    (metadata / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines]) + "\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    sys.modules.pop("surprise", None)


def test_it_scores(installed):
    from helpers import study as made_study

    (found,) = select(["length_gap"])
    assert (found.group, found.flags) == ("surprise", ())
    study = made_study.text_study(
        [("one two three", "yes"), ("one two three four five", "no")], {"near": ["a b c d"], "far": ["a"]}
    )
    assert found(study) == {"near": pytest.approx(0), "far": pytest.approx(-3)}


def test_it_is_listed(installed):
    words = [sys.executable, "-m", "sts_eval.cli", "list", "predictors", "surprise"]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env={"PYTHONPATH": str(installed)})
    assert "length_gap" in done.stdout
    assert "Minus the difference of mean question length" in " ".join(done.stdout.split()).replace("│ ", "")


def test_it_is_as_short_as_the_document_says():
    assert len(block("python").splitlines()) <= 20
