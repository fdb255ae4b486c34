"""The oracles against their definitions, written down literally, and their way into an outcome."""

import math

import numpy as np
import pytest
import torch
from helpers import records as made_records
from helpers import tiny
from helpers.literal import Literal, top
from peft import LoraConfig, get_peft_model
from scipy import stats

from sts_eval.data.benchmark import Benchmark
from sts_eval.data.sampling import shuffled
from sts_eval.errors import UserError
from sts_eval.experiment import Experiment, ModelSpec, PredictSettings, TrainingSetSpec
from sts_eval.hindsight.actual_shift import NothingMovedError, read_shifts
from sts_eval.hindsight.oracles import cka_distance, divergence, measure_oracle, truncation_scores
from sts_eval.records.oracle import Oracle
from sts_eval.records.prediction import DataIdentity, Prediction
from sts_eval.transfer.assemble import assemble
from sts_eval.transfer.pairing import Answer, pair

SEED = 1
SUFFIX = " Think."
HOOK = "blocks.1.hook_resid_post"
BENCHMARK = Benchmark("made", None, {domain.name: domain for domain in tiny.DOMAINS}, "1" * 64)

RNG = np.random.default_rng(0)


def test_cka_is_the_alignment_of_centred_gram_matrices():
    before, after = RNG.normal(2, 1, (9, 4)), RNG.normal(-1, 3, (9, 6))
    centre = np.eye(9) - 1 / 9
    k, m = (centre @ values @ values.T @ centre for values in (before, after))
    cka = np.trace(k @ m) / math.sqrt(np.trace(k @ k) * np.trace(m @ m))
    assert cka_distance(torch.tensor(before), torch.tensor(after)) == pytest.approx(1 - cka, rel=1e-12)


def test_cka_does_not_see_a_turn_a_scale_or_an_offset():
    before = RNG.normal(size=(20, 5))
    turn, _ = np.linalg.qr(RNG.normal(size=(5, 5)))
    for after in (before, before @ turn, 3 * before @ turn + RNG.normal(size=5)):
        assert cka_distance(torch.tensor(before), torch.tensor(after)) == pytest.approx(0, abs=1e-12)


def test_cka_of_tokens_that_vary_in_nothing_together():
    across, along = torch.tensor([[1.0], [1], [-1], [-1]]), torch.tensor([[1.0], [-1], [1], [-1]])
    assert cka_distance(across, along) == 1
    assert math.isnan(cka_distance(across, torch.ones(4, 3)))


def test_the_divergence_is_the_relative_entropy():
    before, after = (RNG.dirichlet(np.ones(7), 5) for _ in range(2))
    found = divergence(torch.tensor(before).log(), torch.tensor(after).log())
    np.testing.assert_allclose(found, stats.entropy(before, after, axis=1))


def prediction(settings: PredictSettings) -> Prediction:
    """What an oracle reads of a prediction, and nothing else."""
    described = Experiment(model=ModelSpec(id="made"), training_set=TrainingSetSpec(source="made"), settings=settings)
    data = DataIdentity(source="made", revision=None, rows=5, sha256=BENCHMARK.sha256)
    return Prediction.model_construct(experiment=described, benchmark=data)


def extractor(kind="llama", architecture="standard"):
    # Some of the questions only, several in a row.
    return tiny.extractor(
        kind, architecture, hook_name=HOOK, seeds=(SEED, 0), domain_tokens=20, shift_tokens=60, batch_questions=2
    )


def changed(kind):
    """The same model with other weights throughout."""
    model, noise = tiny.model(kind), torch.Generator().manual_seed(2)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape, generator=noise), alpha=0.05)
    return model


def measured(own, tuned, shifts=None):
    shifts = shifts or read_shifts(own, tuned, tiny.training_set(suffix=SUFFIX), seed=SEED)
    return measure_oracle(own, tuned, BENCHMARK, prediction(own.settings), shifts, tuning_seed=3)


def scores(oracle):
    return {one.name: one.values for one in oracle.predictors}


def literal_shift(before, after, settings):
    """E_x (h_j(x; tuned) − h_j(x))² over the questions that step 1 compares."""
    moved, used = [], 0
    for index in shuffled(len(tiny.TRAINING), SEED, "training set")[settings.shots :]:
        asked = tiny.TRAINING[index].question
        if used < settings.shift_tokens:
            used += before.n_tokens(asked)
            change = after.features([], asked, SUFFIX) - before.features([], asked, SUFFIX)
            moved.append(np.square(change).mean(axis=0))
    return np.mean(moved, axis=0)


def whole(model, tokenizer, question):
    """Residuals at the hook and log-probabilities of the next token, at each token of the question."""
    ids = [tokenizer.bos_token_id]
    turn = tokenizer(f"Question: {question}\nAnswer:", add_special_tokens=False, return_offsets_mapping=True)
    first, last = len("Question: "), len("Question: ") + len(question)
    span = [1 + at for at, (left, right) in enumerate(turn.offset_mapping) if right > first and left < last]
    with torch.no_grad():
        out = model(torch.tensor([ids + turn.input_ids]), output_hidden_states=True)
    return out.hidden_states[2][0, span].double().numpy(), out.logits[0, span].double().log_softmax(dim=1).numpy()


@pytest.mark.parametrize(("kind", "architecture"), [("llama", "topk"), ("gemma2", "jumprelu"), ("gpt2", "standard")])
def test_every_column_against_its_definition(kind, architecture):
    own, tuned = extractor(kind, architecture), changed(kind)
    found = scores(measured(own, tuned))
    settings, tokenizer, sae = own.settings, own.prompter.tokenizer, own.autoencoder.sae
    before, after = (Literal(model, tokenizer, sae, HOOK, suffix=SUFFIX) for model in (own.reader.model, tuned))
    dims = top(literal_shift(before, after, settings), settings.top_n)
    foretold, _ = before.shift(tiny.TRAINING, shots=settings.shots, budget=settings.shift_tokens, seed=SEED)
    assert set(dims) != set(top(foretold, settings.top_n)), "the two shifts cannot be told apart"
    for domain in tiny.DOMAINS:
        numbers = before.domain(
            domain.name,
            [question.text for question in domain.questions],
            domain.demonstrations,
            dims=dims,
            shots=settings.domain_shots,
            budget=settings.domain_tokens,
            seed=SEED,
        )
        shift, rows, kl = np.zeros(tiny.HIDDEN), [], 0.0
        for position in numbers:
            text = domain.questions[position].text
            (a, p), (b, q) = (whole(model, tokenizer, text) for model in (own.reader.model, tuned))
            shift += (b.mean(axis=0) - a.mean(axis=0)) / len(numbers)
            rows.append((a, b))
            for one, other in zip(p, q, strict=True):
                own_kl = sum(math.exp(x) * (x - y) for x, y in zip(one, other, strict=True))
                kl += own_kl / len(p) / len(numbers)
        x, y = (np.concatenate(side) for side in zip(*rows, strict=True))
        wanted = {
            "oracle_act": np.mean([one.act for one in numbers.values()]),
            "oracle_icl": np.mean([one.icl for one in numbers.values()]),
            "oracle_mean_shift": np.linalg.norm(shift),
            "oracle_cka": cka_distance(torch.tensor(x), torch.tensor(y)),
            "oracle_kl": kl,
        }
        assert min(wanted.values()) > 0, "nothing to compare"
        assert {name: column[domain.name] for name, column in found.items()} == pytest.approx(wanted, rel=2e-4)


def test_an_adapter_reads_like_the_model_it_makes():
    def adapted():
        torch.manual_seed(4)
        config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
        return get_peft_model(tiny.model("llama"), config)

    with torch.random.fork_rng():
        attached, merged = scores(measured(extractor(), adapted())), adapted().merge_and_unload()
    for name, column in scores(measured(extractor(), merged)).items():
        assert attached[name] == pytest.approx(column, rel=1e-3)


def test_an_adapter_that_is_not_attached():
    with pytest.raises(NothingMovedError, match="activations are those of the untuned one"):
        measured(extractor(), tiny.model("llama"))


def test_a_tuning_above_the_hook():
    tuned = tiny.model("llama")
    with torch.no_grad():
        tuned.model.layers[2].mlp.down_proj.weight.mul_(2)
    with pytest.raises(NothingMovedError):
        measured(extractor(), tuned)


def test_another_benchmark():
    own, tuned = extractor(), changed("llama")
    shifts = read_shifts(own, tuned, tiny.training_set(), seed=SEED)
    other = Benchmark("other", None, BENCHMARK.domains, "2" * 64)
    with pytest.raises(UserError, match="other is not the benchmark of the prediction"):
        measure_oracle(own, tuned, other, prediction(own.settings), shifts, tuning_seed=0)


def test_the_record_says_whose_it_is(tmp_path):
    oracle = measured(extractor(), changed("llama"))
    assert (oracle.tuning_seed, oracle.n_questions) == (3, 4)
    assert {(column.group, column.flags) for column in oracle.predictors} == {("oracle", ("O",))}
    oracle.write(tmp_path / "oracle.json")
    assert Oracle.read(tmp_path / "oracle.json") == oracle


def test_what_goes_through_the_models_is_booked():
    own, tuned, data = extractor(), changed("llama"), tiny.training_set(suffix=SUFFIX)
    shifts = read_shifts(own, tuned, data, seed=SEED)
    seen = []
    for model in (own.reader.model, tuned):
        model.get_input_embeddings().register_forward_pre_hook(lambda _module, args: seen.append(args[0].numel()))
    oracle = measured(own, tuned, shifts=shifts)
    costs = {column.name: column.cost for column in oracle.predictors}
    assert costs["oracle_act"] == costs["oracle_icl"]
    assert costs["oracle_mean_shift"] == costs["oracle_cka"]
    apart = [costs[name] for name in ("oracle_act", "oracle_mean_shift", "oracle_kl")]
    assert sum(cost.tokens for cost in apart) == sum(seen) + shifts.cost.tokens
    assert sum(cost.passes for cost in apart) == len(seen) + shifts.cost.passes
    assert all(cost.tokens > 0 and cost.backward_passes == 0 for cost in apart)


def test_the_actual_shift_is_booked_without_the_demonstrations():
    own, tuned, data = extractor(), changed("llama"), tiny.training_set(suffix=SUFFIX)
    read_shifts(own, tuned, data, seed=SEED)  # a reader's first rows are read twice, to see that they may be packed
    seen = []
    tuned.get_input_embeddings().register_forward_pre_hook(lambda _module, args: seen.append(args[0].numel()))
    found = read_shifts(own, tuned, data, seed=SEED)
    bos = 1
    assert found.cost.tokens == sum(seen) + bos + sum(len(turn.ids) for turn in found.turns)


def test_few_logits_at_once_are_the_same(monkeypatch):
    own, tuned = extractor(), changed("llama")
    wanted = scores(measured(own, tuned))["oracle_kl"]
    monkeypatch.setattr("sts_eval.model.head._LOGITS", 3 * tiny.VOCABULARY)
    assert scores(measured(own, tuned))["oracle_kl"] == pytest.approx(wanted, rel=1e-6)


def transfer(cut):
    """Ten answers per domain, of which (before, after) are truncated; None where that is unknown."""
    sides = [
        [
            Answer(domain, str(number), "A", "r", length=5, truncated=None if counts is None else number < counts[side])
            for domain, counts in cut.items()
            for number in range(10)
        ]
        for side in (0, 1)
    ]
    like = made_records.transfer({"math": (1, 0)})
    return assemble(
        pair(sides[0], [sides[1]]),
        origin=like.origin,
        model_before="before",
        model_after="after",
        seeds=(0,),
        length_unit="characters",
    )


def test_the_change_of_truncated_answers_is_in_points():
    column = truncation_scores(transfer({"math": (1, 4), "law": (2, 0), "health": None}))
    assert column.name == "oracle_truncation"
    assert column.flags == ("O",)
    assert column.values == pytest.approx({"math": 30, "law": -20})
    assert column.cost.tokens == column.cost.passes == 0


def test_there_is_no_truncation_where_nobody_looked():
    assert truncation_scores(transfer({"math": None})) is None
