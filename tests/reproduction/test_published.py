"""The typed figures of the paper agree with one another, and with what follows from them."""

import json

import numpy as np
import pytest

from sts_eval.reproduction import published
from sts_eval.reproduction.published import CHANGES, GEMMA, LLAMA, QWEN
from sts_eval.statistics import correlate, extremes

HUB = {
    LLAMA: "meta-llama/Meta-Llama-3-8B-Instruct",
    QWEN: "Qwen/Qwen2.5-7B-Instruct",
    GEMMA: "google/gemma-2-9b-it",
}


def of(figures, what):
    (found,) = [one.value for one in figures if one.what == what]
    return found


def test_r2_is_the_square_of_r():
    for score in ("STS_act", "STS_ICL"):
        for model in CHANGES:
            what = f"{score}, {model}"
            assert of(published.TABLE_9, what) == pytest.approx(of(published.TABLE_6, what) ** 2, abs=0.011)


# Correlations of "is it engineering?" with |Δ| over the paper's 8 domains: .82, .71 and .92.
@pytest.mark.parametrize(("model", "r"), [(LLAMA, 0.82), (QWEN, 0.71), (GEMMA, 0.92)])
def test_the_changes_give_the_r_of_knowing_engineering(model, r):
    domains = sorted(CHANGES[model])
    delta = np.array([CHANGES[model][name] for name in domains])
    chosen = extremes(delta)
    engineering = np.array([name == "engineering" for name in domains], dtype=float)
    assert correlate(engineering[chosen], np.abs(delta)[chosen]).pearson == pytest.approx(r, abs=0.005)


def test_thirty_eight_of_forty_two_changes_are_falls():
    assert of(published.TABLES_2_TO_4, "domains that fall, of all 42") == 38
    assert sum(map(len, CHANGES.values())) == 42
    for model in CHANGES:
        assert of(published.TABLES_2_TO_4, f"engineering, the largest fall, {model}") == min(CHANGES[model].values())


def test_two_tables_share_the_untuned_and_the_tuned_model():
    for mixture, selective in (("Math-LightEval before",) * 2, ("Math-LightEval, LIMO", "full fine-tuning")):
        assert of(published.TABLE_10, mixture) == of(published.TABLE_11, selective)


def without_notes(values):
    if not isinstance(values, dict):
        return values
    return {name: without_notes(value) for name, value in values.items() if name != "_note"}


def test_the_figures_are_those_read_off_the_paper(shared_data):
    paper = without_notes(json.loads((shared_data / "paper.json").read_text(encoding="utf-8")))
    assert {HUB[model]: dict(table) for model, table in CHANGES.items()} == paper[
        "performance_change_after_sft_on_limo_pp"
    ]
    for key, table in (("pearson_sts_vs_abs_change", published.TABLE_6), ("r2_sts_vs_abs_change", published.TABLE_9)):
        for score, label in (("sts_act", "STS_act"), ("sts_icl", "STS_ICL")):
            for model, hub in HUB.items():
                (found,) = [one for one in table if one.what == f"{label}, {model}"]
                assert [found.value, found.sd] == paper[key][score][hub]
    sets = paper["other_training_sets_qwen2.5_7b"]
    assert [one.value for one in published.TABLE_1] == [
        *(sets[name]["pearson"][0] for name in sets if "pearson" in sets[name]),
        *(one["overlap_at_100"] for one in sets.values()),
    ]
    assert sorted(one.value for one in published.TABLE_5) == sorted(paper["baselines_qwen2.5_7b_limo"].values())
    assert {one.what.split()[-1]: one.value for one in published.TABLE_12} == paper["ablation_l0_gemma2_9b"]
    meanings = paper["interpretability"]
    assert [one.value for one in published.TABLE_7] == list(meanings["math_labelled_share_of_top"].values())
    assert [one.value for one in published.TABLE_8] == list(meanings["recall_in_top_500"].values())
    mixture, selective = paper["data_mixture"], paper["selective_finetuning_qwen2.5_7b_math"]
    assert [one.value for one in published.TABLE_10] == [
        mixture[name] for name in ("before", "sft_limo", "sft_sts_guided")
    ]
    assert [one.value for one in published.TABLE_11][:-1] == [
        selective["before"],
        *(selective[n][which] for n in ("1000", "3000") for which in ("random", "estimated")),
    ]
    assert published.SECTION_3_1[0].value == paper["concentration"]["top_100_share"]
