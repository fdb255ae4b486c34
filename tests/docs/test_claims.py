"""Figures in sentences of three documents follow from the committed records, and none is left out."""

import re

import pytest
from helpers.benchmarks import script

from sts_eval.predictors.registry import PREDICTORS

claims = script("claims")


@pytest.fixture(scope="module")
def facts():
    return claims.Facts()


@pytest.mark.parametrize("claim", claims.CLAIMS, ids=lambda claim: claim.text[:40])
def test_a_claim_has_the_figures_of_the_records(claim, facts):
    assert claims.flowing(claims.stated(claim, facts)) in claims.flowing(claims.read(claim.document))


@pytest.mark.parametrize("document", [claims.README, claims.START, claims.EVIDENCE])
def test_every_figure_in_a_sentence_is_a_claim(document, facts):
    assert claims.uncovered(document, facts) == []


def test_a_figure_that_no_claim_has_is_found(facts, monkeypatch):
    text = claims.read(claims.README)
    monkeypatch.setattr(claims, "read", lambda _: text + "STS reaches r = .98. Δ has 4+4 domains, `n=5`.")
    (found,) = claims.uncovered(claims.README, facts)
    assert ".98" in found
    changed = re.sub(r"are alike: \.\d\d", "are alike: .99", text)
    assert changed != text
    monkeypatch.setattr(claims, "read", lambda _: changed)
    assert any(".99" in place for place in claims.uncovered(claims.README, facts))


def test_the_list_is_the_document():
    text = claims.DOCUMENT.read_text(encoding="utf-8")
    assert text == claims.page(claims.Facts()), "run: python benchmarks/claims.py"


def test_the_other_predictors_are_counted():
    """All that ship, less STS's own scores and their sizes."""
    others = [one.name for one in PREDICTORS if not one.name.startswith("sts_")]
    assert f"with {len(others)} other predictors" in claims.flowing(claims.read(claims.START))
