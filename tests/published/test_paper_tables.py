"""What follows from the tables of arXiv 2603.02908 alone, without running anything.

How large a change a domain sees can be guessed from other models, and from whether it is engineering; both
are baselines that a score has to beat.
"""

import json

import numpy as np
import pytest

from sts_eval.statistics import conclusion, correlate, critical_r, extremes, extremes_r, fisher_interval

LLAMA, QWEN, GEMMA = "meta-llama/Meta-Llama-3-8B-Instruct", "Qwen/Qwen2.5-7B-Instruct", "google/gemma-2-9b-it"


@pytest.fixture(scope="module")
def paper(shared_data):
    return json.loads((shared_data / "paper.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def domains(paper):
    return sorted(paper["performance_change_after_sft_on_limo_pp"][LLAMA])


@pytest.fixture(scope="module")
def changes(paper, domains):
    table = paper["performance_change_after_sft_on_limo_pp"]
    return {model: np.array([table[model][domain] for domain in domains]) for model in (LLAMA, QWEN, GEMMA)}


def others(changes, model):
    """Mean |Δ| of each domain over the other models."""
    return np.mean([np.abs(delta) for name, delta in changes.items() if name != model], axis=0)


@pytest.mark.parametrize(
    ("model", "all_domains", "selected"), [(LLAMA, 0.80, 0.89), (QWEN, 0.78, 0.82), (GEMMA, 0.76, 0.84)]
)
def test_the_other_models_predict_the_size_of_the_change(changes, model, all_domains, selected):
    score = others(changes, model)
    assert correlate(score, np.abs(changes[model])).pearson == pytest.approx(all_domains, abs=0.005)
    assert extremes_r(score, changes[model]) == pytest.approx(selected, abs=0.005)


@pytest.mark.parametrize(("model", "without"), [(LLAMA, 0.31), (QWEN, 0.50), (GEMMA, 0.02)])
def test_and_without_engineering_they_do_not(changes, domains, model, without):
    kept = np.array(domains) != "engineering"
    score = others(changes, model)
    rest = correlate(score[kept], np.abs(changes[model])[kept])
    assert rest.pearson == pytest.approx(without, abs=0.005)
    assert conclusion(rest) == "inconclusive"

    left_out = correlate(score, np.abs(changes[model])).leave_one_out
    assert domains[left_out.without_low] == "engineering"
    assert left_out.low == pytest.approx(rest.pearson)


@pytest.mark.parametrize(("model", "r", "share"), [(LLAMA, 0.82, 0.59), (QWEN, 0.71, 0.44), (GEMMA, 0.92, 0.74)])
def test_is_this_engineering_correlates_as_well_as_the_score(changes, domains, model, r, share):
    chosen = extremes(changes[model])
    size = np.abs(changes[model])[chosen]
    is_engineering = (np.array(domains) == "engineering")[chosen]
    assert correlate(is_engineering, size).pearson == pytest.approx(r, abs=0.005)
    # The share of the variance of |Δ| that this one domain makes up.
    squares = (size - size.mean()) ** 2
    assert (squares[is_engineering] / squares.sum()).item() == pytest.approx(share, abs=0.005)


@pytest.mark.parametrize(("model", "at_full_range"), [(LLAMA, 0.74), (QWEN, 0.69), (GEMMA, 0.68)])
def test_published_sts_icl_at_the_range_of_all_domains(paper, changes, model, at_full_range):
    # r·u/√(1 - r² + r²u²), u = sd of all over sd of the selected (Pearson 1903; Thorndike 1949, case 2).
    published = paper["pearson_sts_vs_abs_change"]["sts_icl"][model][0]
    size = np.abs(changes[model])
    u = size.std(ddof=1) / size[extremes(size)].std(ddof=1)
    corrected = published * u / np.sqrt(1 - published**2 + published**2 * u**2)
    assert corrected == pytest.approx(at_full_range, abs=0.005)
    assert 0.06 < published - corrected < 0.10


def test_most_published_changes_are_losses(changes):
    assert sum(int((delta < 0).sum()) for delta in changes.values()) == 38
    assert sum(delta.size for delta in changes.values()) == 42


@pytest.mark.parametrize(("r", "n", "low", "high"), [(0.60, 14, 0.10, 0.86), (0.5, 10, -0.19, 0.86)])
def test_fishers_interval_at_few_points(r, n, low, high):
    interval = fisher_interval(r, n)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=0.005)


# Printed in tables of critical values of r at p = .05, two-tailed, for 12, 6, 8 and 28 degrees of freedom.
@pytest.mark.parametrize(("n", "needed"), [(14, 0.532), (8, 0.707), (10, 0.632), (30, 0.361)])
def test_the_r_that_n_domains_need(n, needed):
    assert critical_r(n) == pytest.approx(needed, abs=0.0005)


def test_published_r_of_eight_domains_has_an_interval_from_weak_to_almost_one(paper):
    for model in (LLAMA, QWEN, GEMMA):
        interval = fisher_interval(paper["pearson_sts_vs_abs_change"]["sts_icl"][model][0], 8)
        assert interval.low < 0.3
        assert interval.high > 0.95
