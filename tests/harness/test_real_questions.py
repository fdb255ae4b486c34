"""Real MMLU-Pro questions and real GSM8K through the harness task, from local files.

The tiny models are random: what passes here is plumbing, not science.
"""

import math

import pytest
from helpers import tiny
from helpers.command import CATEGORIES, evaluate

from sts_eval import lab


@pytest.fixture(scope="module")
def real(shared_data):
    return {"benchmark": str(shared_data / "mmlu_pro"), "sft": str(shared_data / "sft" / "gsm8k_817.jsonl")}


def check(results):
    rows = [row for name, row in results["results"].items() if name.startswith("sts_mmlupro_")]
    assert len(rows) == CATEGORIES
    for row in rows:
        assert row["sts_act,none"] > 0
        assert row["sts_icl,none"] > 0
        assert math.isfinite(row["sts_icl_stderr,none"])
    assert len({round(row["sts_icl,none"], 6) for row in rows}) == CATEGORIES


def test_all_categories_on_the_lab_model(real):
    # Its byte-pairs are of another world, so real questions are longer than the context it was given.
    metadata = {**real, "sae_path": str(lab.sae_path()), "shift_tokens": 2000, "context": 4096}
    check(evaluate(["sts_mmlupro"], metadata, limit=4))


@pytest.mark.parametrize(
    ("kind", "sae"), [("llama", "standard"), ("qwen2", "topk"), ("qwen3", "jumprelu"), ("gemma2", "gated")]
)
def test_all_categories_on_random_models(real, kind, sae, tmp_path):
    tiny.write_model(tmp_path / "model", kind)
    tiny.sae(sae).save_model(tmp_path / "sae")
    metadata = {
        **real,
        "sae_path": str(tmp_path / "sae"),
        "top_n": 10,
        "allow_mismatch": True,  # the SAE's weights are random
        "shift_tokens": 500,
        "domain_shots": 1,
    }
    arguments = {"pretrained": str(tmp_path / "model"), "dtype": "float32", "max_length": 4096}
    check(evaluate(["sts_mmlupro"], metadata, model_args=arguments, limit=2))
