"""A prediction over three domains, its data on disk, and a pool with rows of each of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from helpers import records, tiny

from sts_eval.data.benchmark import Domain, Question, load_benchmark
from sts_eval.data.training_set import Example, load_training_set
from sts_eval.experiment import BenchmarkSpec, Experiment, ModelSpec, TrainingSetSpec
from sts_eval.mixture.choose import Sources, read_sources
from sts_eval.mixture.weights import Evidence
from sts_eval.records.prediction import Prediction

WORDS = {
    "math": ("sum", "triangle", "fraction", "integer"),
    "law": ("contract", "court", "statute", "verdict"),
    "health": ("fever", "vaccine", "symptom", "nurse"),
}
"""Words of a domain that no other has."""

SCORES = {"math": 5.0, "law": 3.0, "health": 2.0}


def question(domain: str, number: int) -> str:
    """A question of a domain; another number is another question."""
    own = WORDS[domain]
    return f"What does the {own[number % 4]} say of the {own[(number + 1) % 4]} in entry {domain[0]}{number}?"


def benchmark() -> tuple[Domain, ...]:
    """Six questions a domain."""
    return tuple(
        Domain(
            name,
            tuple(Question(str(number), name, question(name, number)) for number in range(6)),
            (Example(f"What is a {WORDS[name][0]}?", "This."), Example(f"What is a {WORDS[name][1]}?", "That.")),
        )
        for name in WORDS
    )


def pool_row(domain: str, number: int, **more: Any) -> dict[str, Any]:
    """A row of a pool that is no question of the benchmark."""
    return {"question": question(domain, 100 + number), "solution": f"It says {number}.", **more}


def pool_rows(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """So many rows of each domain, with their domain."""
    return [pool_row(name, number, category=name) for name, count in counts.items() for number in range(count)]


def predicted(folder: Path, scores: Mapping[str, float] = SCORES, *, suffix: str | None = None) -> Prediction:
    """A prediction whose STS_ICL is as given, with its training set and benchmark on disk."""
    experiment = Experiment(
        model=ModelSpec(id=str(folder / "model"), dtype="float32", device="cpu"),
        training_set=TrainingSetSpec(
            source=str(tiny.write_training_set(folder / "sft.jsonl")), suffix=suffix, home=("math",)
        ),
        benchmark=BenchmarkSpec(source=str(tiny.write_benchmark(folder / "benchmark", benchmark()))),
    )
    return records.prediction(scores).model_copy(
        update={
            "experiment": experiment,
            "training_set": load_training_set(experiment.training_set).identity(),
            "benchmark": load_benchmark(experiment.benchmark).identity(),
        }
    )


def sources(folder: Path, rows: list[dict[str, Any]], evidence: Evidence | None = None, **more: Any) -> Sources:
    """What mixtures are made from, with a pool of these rows."""
    pool = tiny.write_jsonl(folder / "pool.jsonl", rows)
    return read_sources(evidence or Evidence(predicted(folder)), TrainingSetSpec(source=str(pool), suffix=""), **more)
