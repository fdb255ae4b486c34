"""Streaming, caching and packing give what the definitions give, written down literally."""

import numpy as np
import pytest
from helpers import tiny
from helpers.literal import Literal, top
from sae_lens import SAE
from transformers import AutoModelForCausalLM, AutoTokenizer

from sts_eval import lab
from sts_eval.data.benchmark import load_benchmark
from sts_eval.data.training_set import load_training_set
from sts_eval.experiment import BenchmarkSpec, PredictSettings, SAESpec, TrainingSetSpec
from sts_eval.model.sae_loading import load_sae
from sts_eval.study.extractor import assemble
from sts_eval.study.question_scores import read_domain
from sts_eval.study.shifted_features import measure_shift

CASES = [
    ("llama", "standard", "blocks.1.hook_resid_post", "sdpa", True),
    ("llama", "gated", "blocks.1.hook_resid_pre", "eager", False),
    ("llama", "topk", "blocks.0.hook_resid_pre", "sdpa", True),
    ("qwen2", "jumprelu", "blocks.1.hook_resid_post", "sdpa", False),
    ("qwen3", "topk", "blocks.1.hook_resid_post", "eager", False),
    ("mistral", "standard", "blocks.1.hook_resid_post", "sdpa", True),
    ("mistral", "jumprelu", "blocks.2.hook_resid_pre", "eager", True),
    ("gemma2", "jumprelu", "blocks.1.hook_resid_post", "eager", True),
    ("gemma2", "topk", "blocks.2.hook_resid_pre", "eager", True),
    ("gemma3_text", "jumprelu", "blocks.1.hook_resid_post", "sdpa", True),
    ("phi3", "gated", "blocks.1.hook_resid_post", "sdpa", True),
    ("gemma3", "jumprelu", "blocks.1.hook_resid_post", "sdpa", True),
    ("gpt_neox", "topk", "blocks.1.hook_resid_pre", "eager", False),
    ("gpt2", "standard", "blocks.1.hook_resid_post", "sdpa", False),
]


def close(found, wanted):
    """Equal to one part in ten thousand of the largest number."""
    found, wanted = np.asarray(found, dtype=float), np.asarray(wanted, dtype=float)
    assert found.shape == wanted.shape
    assert np.abs(wanted).max() > 0, "nothing to compare"
    assert np.abs(found - wanted).max() <= 1e-4 * np.abs(wanted).max()


def compare(extractor, literal, training_set, domains):
    settings, seed = extractor.settings, extractor.settings.seeds[0]
    score, _ = literal.shift(training_set.examples, shots=settings.shots, budget=settings.shift_tokens, seed=seed)
    shift = measure_shift(extractor, training_set, seed, tiny.silent)
    close(shift.score, score)
    assert list(shift.features) == top(score, settings.top_n)
    for domain in domains:
        chosen = tiny.draw(extractor, domain, seed)
        reading = read_domain(extractor, domain, {shift.seed: shift.features}, {seed: chosen})
        wanted = literal.domain(
            domain.name,
            [question.text for question in domain.questions],
            domain.demonstrations,
            dims=shift.features,
            shots=settings.domain_shots,
            budget=settings.domain_tokens,
            seed=seed,
        )
        assert set(reading.questions[seed]) == set(wanted)
        positions = sorted(wanted)
        for column in range(3):
            close([reading.questions[seed][p][column] for p in positions], [wanted[p][column] for p in positions])
        assert reading.act_by_feature.sum() == pytest.approx(np.mean([wanted[p].act for p in positions]), rel=1e-4)
        assert reading.icl_by_feature.sum() == pytest.approx(np.mean([wanted[p].icl for p in positions]), rel=1e-4)


@pytest.mark.parametrize(("kind", "architecture", "hook_name", "attention", "bos"), CASES)
def test_every_architecture(kind, architecture, hook_name, attention, bos):
    extractor = tiny.extractor(kind, architecture, hook_name=hook_name, attention=attention, bos=bos)
    literal = Literal(
        extractor.reader.model,
        extractor.prompter.tokenizer,
        extractor.autoencoder.sae,
        hook_name,
        bos=bos,
        suffix=" Think.",
    )
    if hook_name == "blocks.0.hook_resid_pre":  # the embedding, which no demonstration moves
        shift = measure_shift(extractor, tiny.training_set(), 0, tiny.silent)
        assert not shift.score.any()
    else:
        compare(extractor, literal, tiny.training_set(suffix=" Think."), tiny.DOMAINS)
    assert extractor.reader.packs
    assert not extractor.reader.warnings


def test_two_seeds_in_one_pass_are_two_runs():
    extractor = tiny.extractor(seeds=(3, 4), domain_tokens=12)
    shifts = [measure_shift(extractor, tiny.training_set(), seed, tiny.silent) for seed in (3, 4)]
    for domain in tiny.DOMAINS:
        chosen = {seed: tiny.draw(extractor, domain, seed) for seed in (3, 4)}
        both = read_domain(extractor, domain, {shift.seed: shift.features for shift in shifts}, chosen)
        for shift in shifts:
            own = {shift.seed: chosen[shift.seed]}
            alone = read_domain(extractor, domain, {shift.seed: shift.features}, own)
            assert set(both.questions[shift.seed]) == set(alone.questions[shift.seed])
            for position, scores in alone.questions[shift.seed].items():
                close(both.questions[shift.seed][position], scores)
            if shift is shifts[0]:  # the parts by feature are the first seed's
                close(both.act_by_feature, alone.act_by_feature)
                close(both.icl_by_feature, alone.icl_by_feature)


def test_lab():
    settings = PredictSettings(shift_tokens=150, domain_tokens=80, domain_shots=2, seeds=(1,))
    training_set = load_training_set(TrainingSetSpec(source=str(lab.sft_path("math"))))
    benchmark = load_benchmark(BenchmarkSpec(source=str(lab.benchmark_path()), domains=("math", "law")))
    model = AutoModelForCausalLM.from_pretrained(lab.model_path())
    tokenizer = AutoTokenizer.from_pretrained(lab.model_path())
    autoencoder = load_sae(SAESpec(path=str(lab.sae_path())), model_id="lab", device="cpu")
    extractor = assemble(model, tokenizer, autoencoder, settings)
    sae = SAE.load_from_disk(str(lab.sae_path()))
    adds_bos = tokenizer("a").input_ids[0] == tokenizer.bos_token_id
    literal = Literal(model, tokenizer, sae, autoencoder.hook_name, bos=adds_bos)
    compare(extractor, literal, training_set, benchmark.domains.values())
