"""What must not change a score, and what must."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import tiny

from sts_eval.model import sae
from sts_eval.study.question_scores import read_domain
from sts_eval.study.shifted_features import measure_shift


def run(kind="llama", architecture="standard", seed=0, domains=tiny.DOMAINS, **settings):
    """Step 1's scores, and step 2's by domain and question."""
    extractor = tiny.extractor(kind, architecture, **settings)
    shift = measure_shift(extractor, tiny.training_set(), seed, tiny.silent)
    scores = {}
    for domain in domains:
        chosen = {seed: tiny.draw(extractor, domain, seed)}
        scores[domain.name] = read_domain(extractor, domain, {shift.seed: shift.features}, chosen).questions[seed]
    return shift, scores


def flat(scores):
    return np.array([list(scores[d][p]) for d in sorted(scores) for p in sorted(scores[d])])


@pytest.mark.parametrize(("kind", "architecture"), [("llama", "topk"), ("gemma2", "jumprelu"), ("mistral", "gated")])
@pytest.mark.parametrize("batch", [{"batch_questions": 1}, {"batch_tokens": 1}, {"batch_tokens": 40}])
def test_batches(kind, architecture, batch):
    one, one_scores = run(kind, architecture)
    other, other_scores = run(kind, architecture, **batch)
    np.testing.assert_allclose(other.score, one.score, rtol=1e-4, atol=1e-6 * one.score.max())
    assert other.features == one.features
    np.testing.assert_allclose(flat(other_scores), flat(one_scores), rtol=1e-4)


def test_blocks_of_activations(monkeypatch):
    """Step 1 holds a few tokens' activations at a time, whatever the length of a row."""
    whole, _ = run("llama", "topk")
    monkeypatch.setattr(sae, "_BLOCK", 3 * tiny.D_SAE)
    blocks, _ = run("llama", "topk")
    np.testing.assert_allclose(blocks.score, whole.score, rtol=1e-5, atol=1e-6 * whole.score.max())


def test_same_seed_gives_the_same_bits():
    one, one_scores = run(seed=5)
    again, again_scores = run(seed=5)
    assert one.score.tobytes() == again.score.tobytes()
    assert one.features == again.features
    assert one.demonstrations == again.demonstrations
    assert flat(one_scores).tobytes() == flat(again_scores).tobytes()


def test_another_seed_draws_others():
    one, _ = run(seed=0)
    other, _ = run(seed=1)
    assert one.demonstrations != other.demonstrations
    assert not np.allclose(one.score, other.score, rtol=1e-2)


def test_order_and_choice_of_domains():
    _, both = run()
    _, reversed_ = run(domains=tiny.DOMAINS[::-1])
    _, alone = run(domains=tiny.DOMAINS[1:])
    assert flat(both).tobytes() == flat(reversed_).tobytes()
    assert both["law"] == alone["law"]


def test_demonstrations_are_not_among_the_questions():
    shift, _ = run()
    assert len(set(shift.demonstrations)) == 2
    assert shift.n_questions == len(tiny.TRAINING) - 2


def test_token_budget_is_reached_and_not_passed_by_more_than_a_question():
    extractor = tiny.extractor(shift_tokens=20)
    shift = measure_shift(extractor, tiny.training_set(), 0, tiny.silent)
    lengths = [extractor.prompter.length(question) for question, _ in tiny.TRAINING]
    assert 20 <= shift.n_tokens < 20 + max(lengths)
    assert shift.n_questions < len(tiny.TRAINING) - 2


@pytest.mark.parametrize("kind", ["llama", "gemma2"])
def test_notebook_estimator_is_the_mean_over_all_pairings(kind):
    paired, _ = run(kind)
    unaligned, _ = run(kind, estimator="notebook")
    extractor = tiny.extractor(kind)
    prompter, encode = extractor.prompter, extractor.autoencoder.sae.encode
    shots = [tiny.TRAINING[row] for row in paired.demonstrations]
    rest = [row for row in range(len(tiny.TRAINING)) if row not in paired.demonstrations]
    samples = []
    for examples in ([], shots):
        prefix = prompter.demonstrations(examples).prefixes[-1]
        rows = []
        for row in rest:
            turn = prompter.turn(tiny.TRAINING[row].question)
            hidden = extractor.reader._one_by_one(type("P", (), {"ids": prefix})(), [turn])
            rows.append((1 / len(turn.span), encode(hidden).detach().double().numpy()))
        samples.append([(weight, activation) for weight, block in rows for activation in block])
    total = np.zeros(tiny.D_SAE)
    for weight, before in samples[0]:
        for other_weight, after in samples[1]:
            total += weight * other_weight * (before - after) ** 2
    np.testing.assert_allclose(unaligned.score, total / len(rest) ** 2, rtol=1e-4)
    assert not np.allclose(unaligned.score, paired.score, rtol=0.1)


def test_short_context_drops_demonstrations_from_the_left_and_counts():
    full = tiny.extractor(seeds=(0,), shots=2)
    shift = measure_shift(full, tiny.training_set(), 0, tiny.silent)
    assert shift.fewer_shots == 0
    shots = [tiny.TRAINING[row] for row in shift.demonstrations]
    prefixes = full.prompter.demonstrations(shots).prefixes
    assert prefixes == (*full.prompter.demonstrations(shots[-1:]).prefixes, prefixes[2])
    turns = [full.prompter.turn(q) for i, (q, _) in enumerate(tiny.TRAINING) if i not in shift.demonstrations]
    context = len(prefixes[1]) + max(len(turn.ids) for turn in turns)
    short = tiny.extractor(context=context)
    found = measure_shift(short, tiny.training_set(), 0, tiny.silent)
    cut = sum(len(prefixes[2]) + len(turn.ids) > context for turn in turns)
    assert found.fewer_shots == cut > 0
    domain = replace(tiny.DOMAINS[0], questions=tiny.DOMAINS[0].questions[:1])
    room = tiny.extractor(context=len(full.prompter.turn(domain.questions[0].text).ids) + 1)
    reading = read_domain(room, domain, {shift.seed: shift.features}, {0: [0]})
    assert reading.fewer_shots == 1
    assert reading.icl_by_feature.sum() < 1e-6  # without demonstrations there is nothing to compare
