"""The figures in the documents are those of the committed runs: generated, not typed."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from sts_eval.records.comparison import Comparison
from sts_eval.records.outcome import read_outcomes

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture(scope="module")
def evidence():
    """The script that writes them."""
    spec = importlib.util.spec_from_file_location("lab_evidence", BENCHMARKS / "lab_evidence.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def outcomes(evidence):
    return read_outcomes(evidence.MATRIX)


@pytest.fixture(scope="module")
def comparison(evidence):
    return Comparison.read(evidence.RESULTS / "lab_comparison" / "comparison.json")


def blocks(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    found = re.findall(r"<!-- generated: ([^>]+?) -->\n(.*?)\n?<!-- end -->", text, flags=re.DOTALL)
    assert found, document
    return dict(found)


def test_the_comparison_is_of_the_committed_runs(outcomes, comparison):
    assert [run.outcome_sha256 for run in comparison.runs] == [outcome.sha256() for outcome in outcomes]


def test_the_readme_says_what_the_comparison_found(evidence, outcomes, comparison):
    shown = blocks("README.md")
    assert shown == {"runs": evidence.runs(outcomes, comparison), "headline": evidence.headline(comparison, "accuracy")}


def test_the_evidence_says_what_the_comparison_found(evidence, outcomes, comparison):
    shown = blocks("docs/evidence.md")
    assert shown["headline logprob"] == evidence.headline(comparison, "logprob")
    assert shown["changes"] == evidence.changes(outcomes)
    assert shown["ceilings"] == evidence.ceilings(comparison)
    assert shown["added"] == evidence.added(comparison)
    for question, measure in evidence.ASKED:
        assert shown[f"{question} {measure}"] == evidence.ranking(comparison, question, measure)


def test_the_matrix_is_whole(outcomes):
    models = {outcome.model for outcome in outcomes}
    sets = {outcome.training_set for outcome in outcomes}
    assert len(outcomes) == len(models) * len(sets)
    assert all(len(outcome.seeds) == 3 and len(outcome.domains) == 14 for outcome in outcomes)
    assert not any(outcome.post_hoc for outcome in outcomes)
    columns = [{one.name for one in outcome.predictors} for outcome in outcomes]
    assert all(one == columns[0] for one in columns)


def test_a_change_follows_from_its_seeds(outcomes):
    for outcome in outcomes:
        for domain in outcome.domains:
            assert domain.accuracy.delta == pytest.approx(sum(domain.accuracy.by_seed) / len(outcome.seeds))
            assert domain.logprob.delta == pytest.approx(sum(domain.logprob.by_seed) / len(outcome.seeds))


def test_no_document_has_an_empty_block():
    for document in ("README.md", "docs/evidence.md"):
        assert all(text.strip() for text in blocks(document).values()), document
