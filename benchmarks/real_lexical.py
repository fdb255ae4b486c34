"""Lexical predictors on real data: does likeness of wording foretell what Mathstral's training changed?

    python benchmarks/real_lexical.py SHARED

Writes benchmarks/results/real_lexical.md, which lab_evidence.py puts into docs/evidence-lab.md.

SHARED holds `sft/`, `mmlu_pro/` and `transfer/` (see tests/conftest.py). Mathstral's training data are not
public: GSM8K stands in for its mathematics, and two sets that it surely was not made of (HumanEval, PubMedQA)
show what any set would give. The change is Mistral-7B-v0.1 to Mathstral-7B on all of MMLU-Pro, real and imported.
Part of it is form: a quarter of the answers could not be read before, none after.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from sts_eval.analysis.wording import interval, p_value
from sts_eval.analysis.wording import signed as with_sign
from sts_eval.data.benchmark import load_benchmark
from sts_eval.data.training_set import load_training_set
from sts_eval.experiment import BenchmarkSpec, TrainingSetSpec
from sts_eval.predictors.registry import select
from sts_eval.records.record import write_atomically
from sts_eval.statistics import Correlation, correlate
from sts_eval.statistics.ceiling import ceiling_within_runs
from sts_eval.study.study import Study, Texts
from sts_eval.transfer.import_results import import_transfer

SETS = {
    "GSM8K (stand-in)": "gsm8k_817.jsonl",
    "HumanEval (placebo)": "humaneval_164.jsonl",
    "PubMedQA (placebo)": "pubmedqa_800.jsonl",
}

RESULT = Path(__file__).resolve().parent / "results" / "real_lexical.md"

CHANGE = "mistral-7b-v0.1__mathstral-7b.parquet"


def main() -> None:
    """Print the table, and write it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shared", type=Path)
    arguments = parser.parse_args()
    table, ceilings = measure(arguments.shared)
    signed, size = ("–" if found is None else f"{found:.2f}" for found in ceilings)
    text = (
        f"14 categories; noise ceilings: signed change {signed}, its size {size}.\n\n{table.to_markdown(index=False)}\n"
    )
    print(text)
    write_atomically(RESULT, text)


def measure(shared: Path) -> tuple[pd.DataFrame, tuple[float | None, float | None]]:
    """Correlate every lexical predictor of every set with the change, and give the noise ceilings."""
    transfer = import_transfer("table", [shared / "transfer" / CHANGE])
    domains = load_benchmark(BenchmarkSpec(source=str(shared / "mmlu_pro"))).domains
    names = [change.domain for change in transfer.domains]
    delta = np.array([change.delta for change in transfer.domains])
    se = np.array([change.se for change in transfer.domains])
    rows = []
    for label, file in SETS.items():
        data = load_training_set(TrainingSetSpec(source=str(shared / "sft" / file)))
        texts = Texts(
            data.examples,
            {name: [q.text for q in domains[name].questions] for name in names},
            {name: [one.solution for one in domains[name].demonstrations] for name in names},
        )
        for predictor in select(["lexical"]):
            scores = predictor(Study(texts))
            values = [scores[name] for name in names]
            signed, size = correlate(values, delta), correlate(values, np.abs(delta))
            rows.append(
                {
                    "training set": label,
                    "predictor": f"`{predictor.name}`",
                    "r with signed Δ": f"{with_sign(signed.pearson)} {_ends(signed)}",
                    "p (permutation)": p_value(signed.p_permutation),
                    "r with \\|Δ\\|": f"{with_sign(size.pearson)} {_ends(size)}",
                }
            )
    ceilings = ceiling_within_runs(delta[None], se[None]), ceiling_within_runs(delta[None], se[None], np.abs)
    return pd.DataFrame(rows), (ceilings[0].r, ceilings[1].r)


def _ends(correlation: Correlation) -> str:
    found = correlation.bootstrap
    return interval((found.low, found.high)) if found else "–"


if __name__ == "__main__":
    main()
