"""The figures in the documents are those of the committed runs: generated, not typed."""

import re
import sys
from pathlib import Path

import pytest
from helpers.benchmarks import script

from sts_eval.analysis.calibrate import calibrate
from sts_eval.analysis.compare import compare_runs
from sts_eval.records.comparison import Comparison
from sts_eval.records.outcome import read_outcomes

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def evidence():
    """The script that writes them."""
    return script("lab_evidence")


@pytest.fixture(scope="module")
def outcomes(evidence):
    return read_outcomes(evidence.MATRIX)


@pytest.fixture(scope="module")
def comparison(evidence):
    return Comparison.read(evidence.RESULTS / "lab_comparison" / "comparison.json")


@pytest.fixture(scope="module")
def made(evidence, outcomes, comparison):
    """The blocks of all documents, from the committed comparison."""
    return evidence.generated(outcomes, comparison, (calibrate(outcomes), calibrate(outcomes, history="same-set")))


def blocks(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    found = re.findall(r"<!-- generated: ([^>]+?) -->\n(.*?)\n?<!-- end -->", text, flags=re.DOTALL)
    assert found, document
    return dict(found)


def figures(values):
    """All numbers of a record, in order; nothing that is missing is passed over."""
    if isinstance(values, dict):
        for one in values.values():
            yield from figures(one)
    elif isinstance(values, list | tuple):
        for one in values:
            yield from figures(one)
    elif values is None or isinstance(values, int | float):
        yield float("nan") if values is None else float(values)


def test_the_comparison_is_of_the_committed_runs(outcomes, comparison):
    assert [run.outcome_sha256 for run in comparison.runs] == [outcome.sha256() for outcome in outcomes]


@pytest.fixture(scope="module")
def of_real_models():
    """The blocks about real models, from their committed comparisons."""
    real = script("real_evidence")
    found = {}
    for name in real.BENCHMARKS:
        if (file := real.RESULTS / f"real_{name}.jsonl").is_file():
            compared = Comparison.read(real.RESULTS / f"real_{name}_comparison" / "comparison.json")
            outcomes = read_outcomes(file)
            assert [run.outcome_sha256 for run in compared.runs] == [outcome.sha256() for outcome in outcomes]
            found |= {f"{name} {block}": text for block, text in real.generated(outcomes, compared).items()}
    return found


@pytest.mark.parametrize("document", ["README.md", "docs/evidence.md", "docs/evidence-lab.md"])
def test_a_document_has_the_blocks_of_the_committed_comparisons(made, of_real_models, document):
    shown, known = blocks(document), made | of_real_models
    remedy = "run: python benchmarks/lab_evidence.py, or real_evidence.py"
    assert shown == {name: known[name] for name in shown}, remedy


@pytest.mark.slow
def test_the_committed_comparison_is_made_again(outcomes, comparison):
    """But for the time of making, and rounding in the last digits of a processor's sums."""
    again = compare_runs(outcomes)
    assert [*figures(again.model_dump())] == pytest.approx(
        [*figures(comparison.model_dump())], rel=1e-6, abs=1e-9, nan_ok=True
    )
    assert again.verdict == comparison.verdict


@pytest.mark.slow
def test_the_committed_combination_is_made_again(evidence, tmp_path, monkeypatch):
    combination = script("lab_combination")
    monkeypatch.setattr(combination, "RESULTS", tmp_path)
    combination.main()
    names = [folder / "lab_combination.md" for folder in (tmp_path, evidence.RESULTS)]
    made, committed = (name.read_text(encoding="utf-8") for name in names)
    assert made == committed


@pytest.mark.slow
def test_the_committed_table_on_real_data_is_made_again(evidence, shared_data, tmp_path, monkeypatch):
    real = script("real_lexical")
    monkeypatch.setattr(real, "RESULT", tmp_path / "made.md")
    monkeypatch.setattr(sys, "argv", ["real_lexical.py", str(shared_data)])
    real.main()
    committed = (evidence.RESULTS / "real_lexical.md").read_text(encoding="utf-8")
    assert (tmp_path / "made.md").read_text(encoding="utf-8") == committed


def test_the_claims_at_100_features_are_those_of_the_committed_runs(evidence, outcomes):
    """The other lines need the models, which are not committed."""
    lab_claims = script("lab_claims")
    lines = (evidence.RESULTS / "lab_claims.md").read_text(encoding="utf-8").splitlines()
    by_run = {(run.model, run.training_set): run for run in outcomes}
    for label, model in (("its own", ""), ("`less`: its own", "less")):
        for score in ("STS_act", "STS_ICL"):
            scores = {key: run.scores(score.lower()) for key, run in by_run.items() if model in ("", key[0])}
            cells = (label, score, "100", str(len(scores)), *lab_claims.cells(scores, by_run))
            assert f"| {' | '.join(cells)} |" in lines


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
    for document in ("README.md", "docs/evidence.md", "docs/evidence-lab.md"):
        assert all(text.strip() for text in blocks(document).values()), document
