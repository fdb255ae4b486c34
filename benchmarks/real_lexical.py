"""Lexical predictors on real data: does likeness of wording foretell what Mathstral's training changed?

    python benchmarks/real_lexical.py SHARED [--json]

SHARED holds `sft/`, `mmlu_pro/` and `transfer/` (see tests/conftest.py). Mathstral's training data are not
public: GSM8K stands in for its mathematics, and two sets that it surely was not made of (HumanEval, PubMedQA)
show what any set would give. The change is Mistral-7B-v0.1 to Mathstral-7B on all of MMLU-Pro, real and imported.
Part of it is form: a quarter of the answers could not be read before, none after.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

from sts_eval.data.benchmark import load_benchmark
from sts_eval.data.training_set import load_training_set
from sts_eval.experiment import BenchmarkSpec, TrainingSetSpec
from sts_eval.predictors.registry import select
from sts_eval.report.comparison_tables import figure, interval, p_value
from sts_eval.statistics import Correlation, correlate, debiased_magnitude, noise_ceiling
from sts_eval.study.study import Study, Texts
from sts_eval.transfer.import_results import import_transfer

SETS = {
    "GSM8K (stand-in)": "gsm8k_817.jsonl",
    "HumanEval (placebo)": "humaneval_164.jsonl",
    "PubMedQA (placebo)": "pubmedqa_800.jsonl",
}

CHANGE = "mistral-7b-v0.1__mathstral-7b.parquet"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shared", type=Path)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    arguments = parser.parse_args()
    table, ceilings = measure(arguments.shared)
    print(f"14 categories; noise ceilings: signed change {ceilings[0]:.2f}, its size {ceilings[1]:.2f}.\n")
    print(table.to_markdown(index=False))
    if arguments.json:
        print(json.dumps(table.to_dict("records")))


def measure(shared: Path) -> tuple[pd.DataFrame, tuple[float, float]]:
    """Correlate every lexical predictor of every set with the change, and give the noise ceilings."""
    transfer = import_transfer("table", [shared / "transfer" / CHANGE])
    domains = load_benchmark(BenchmarkSpec(source=str(shared / "mmlu_pro"))).domains
    names = [change.domain for change in transfer.domains]
    delta = np.array([change.delta for change in transfer.domains])
    se = np.array([change.se for change in transfer.domains])
    rows = []
    for label, file in SETS.items():
        data = load_training_set(TrainingSetSpec(source=str(shared / "sft" / file)))
        texts = Texts(data.examples, {name: [q.text for q in domains[name].questions] for name in names})
        for predictor in select(["lexical"]):
            scores = predictor(Study(texts))
            values = [scores[name] for name in names]
            signed, size = correlate(values, delta), correlate(values, debiased_magnitude(delta, se))
            rows.append(
                {
                    "training set": label,
                    "predictor": f"`{predictor.name}`",
                    "r with signed Δ": f"{figure(signed.pearson)} {_ends(signed)}",
                    "p (permutation)": p_value(signed.p_permutation),
                    "r with size of Δ": f"{figure(size.pearson)} {_ends(size)}",
                }
            )
    ceiling = noise_ceiling(delta, se)
    return pd.DataFrame(rows), (ceiling.signed or float("nan"), ceiling.magnitude or float("nan"))


def _ends(correlation: Correlation) -> str:
    found = correlation.bootstrap
    return interval((found.low, found.high)) if found else "–"


if __name__ == "__main__":
    main()
