"""The gate on hand-made transfers, as (gained, lost) of 100: who fell, who held, and the exit code of it."""

import json

import pytest
from helpers import records, samples
from helpers.small_run import call
from scipy import stats

from sts_eval.analysis.gate import gate
from sts_eval.errors import UserError
from sts_eval.reporting.gate import sentence


def verdicts(flips, **settings):
    return {one.domain: one.verdict for one in gate(records.transfer(flips), **settings).domains}


def test_a_paired_test_sees_what_two_accuracies_do_not():
    # 14 lost and 3 gained of 100. Two independent accuracies near 50% with that difference: p = .06.
    assert stats.norm.sf(0.11 / (2 * 0.5 * 0.5 / 100) ** 0.5) == pytest.approx(0.06, abs=1e-3)
    assert verdicts({"law": (3, 14), "math": (5, 5), "health": (0, 0)}, max_drop=0)["law"] == "fell"


def test_p_values_are_adjusted_for_the_number_of_domains():
    # One-sided exact p of 8 lost, 1 gained: 10/512 = .0195. Alone it is below .05, times three it is not.
    (alone,) = gate(records.transfer({"law": (1, 8)}), max_drop=0).domains
    assert alone.p_fell == pytest.approx(10 / 512)
    found = gate(records.transfer({"law": (1, 8), "math": (1, 1), "health": (2, 2)}), max_drop=0)
    assert {one.domain: one.p_fell for one in found.domains}["law"] == pytest.approx(30 / 512)
    assert found.passed


def test_a_margin_allows_a_fall_and_a_strict_gate_asks_for_proof():
    flips = {"law": (3, 14), "math": (1, 1), "health": (2, 6)}
    assert verdicts(flips, max_drop=12) == {"law": "unclear", "math": "held", "health": "held"}
    assert gate(records.transfer(flips), max_drop=12).passed
    assert not gate(records.transfer(flips), max_drop=12, strict=True).passed
    assert gate(records.transfer({"math": (1, 1)}), max_drop=12, strict=True).passed


@pytest.mark.parametrize(
    ("settings", "says"), [({"max_drop": -1}, "-1 points"), ({"max_drop": 0, "strict": True}, "above 0")]
)
def test_what_cannot_be_tested_is_refused(settings, says):
    with pytest.raises(UserError, match=says):
        gate(records.transfer({"law": (1, 1)}), **settings)


def test_the_exit_code_and_the_names(tmp_path):
    records.transfer({"law": (3, 14), "math": (1, 1)}).write(tmp_path / "transfer.json")
    ended = call("gate", tmp_path / "transfer.json", "-o", tmp_path / "gate.json")
    assert (ended.code, "Failed: law fell by more than 0 points." in ended.out) == (3, True)
    assert json.loads((tmp_path / "gate.json").read_text(encoding="utf-8"))["passed"] is False
    ended = call("gate", tmp_path / "transfer.json", "--max-drop", "15")
    assert (ended.code, "Passed: no domain is shown to have fallen" in ended.out) == (0, True)
    ended = call("gate", tmp_path / "transfer.json", "-o", "-")
    assert (ended.code, json.loads(ended.out)["passed"]) == (3, False)
    (tmp_path / "empty").mkdir()
    ended = call("gate", tmp_path / "empty")
    assert (ended.code, "is no finished run" in ended.err) == (2, True)


def test_two_outputs_of_lm_eval(tmp_path):
    # Twelve questions; six right answers are lost, none gained: one-sided exact p = 1/64.
    before = samples.save(tmp_path / "before", [samples.choice(number) for number in range(12)])
    after = samples.save(tmp_path / "after", [samples.choice(number, right=number >= 6) for number in range(12)])
    ended = call("gate", before, after, "-o", tmp_path / "gate.json")
    assert (ended.code, "Failed: law fell" in ended.out) == (3, True), ended.err
    (law,) = json.loads((tmp_path / "gate.json").read_text(encoding="utf-8"))["domains"]
    assert law["p_fell"] == pytest.approx(1 / 64)
    assert call("gate", after, before).code == 0


@pytest.mark.parametrize("given", [("nowhere.json",), ("nowhere", "neither")])
def test_what_is_not_there_is_one_line_and_writes_nothing(tmp_path, given):
    ended = call("gate", *(tmp_path / name for name in given), "-o", tmp_path / "gate.json")
    assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert not (tmp_path / "gate.json").exists()


def test_why_a_gate_passes_where_a_report_says_worse():
    fallen = sentence(gate(records.transfer({"law": (3, 14), "math": (1, 1)}), max_drop=12))
    assert 'A report may still call a domain "worse"' in fallen
    assert "not of any fall, that holds for all 2 domains together" in fallen
    assert "report" not in sentence(gate(records.transfer({"law": (8, 8), "math": (1, 1)}), max_drop=2))
