"""The lexical predictors on questions and training sets that nobody here made up."""

import pytest

from sts_eval.data.benchmark import load_benchmark
from sts_eval.data.training_set import load_training_set
from sts_eval.experiment import BenchmarkSpec, TrainingSetSpec
from sts_eval.predictors.lexical import tfidf_cosine, unigram_divergence
from sts_eval.study.study import Study, Texts


@pytest.mark.parametrize(
    ("file", "likest"),
    [
        ("gsm8k_817.jsonl", {"math"}),
        ("humaneval_164.jsonl", {"computer science"}),
        ("pubmedqa_800.jsonl", {"health", "biology"}),
    ],
)
def test_a_set_is_likest_its_own_subject(shared_data, file, likest):
    data = load_training_set(TrainingSetSpec(source=str(shared_data / "sft" / file)))
    domains = load_benchmark(BenchmarkSpec(source=str(shared_data / "mmlu_pro"))).domains
    study = Study(Texts(data.examples, {name: [q.text for q in one.questions] for name, one in domains.items()}))
    scores = tfidf_cosine(study)
    assert set(scores) == set(domains)
    leading = sorted(scores, key=scores.get)[-3:]
    assert likest & set(leading), (leading, scores)
    assert all(-1 <= value <= 0 for value in unigram_divergence(study).values())
