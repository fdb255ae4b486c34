"""One prefix, many questions, no further than the hook: what runs, how often, and whether it is right."""

import pytest
import torch
from helpers import tiny
from torch import nn

from sts_eval.data.prompt import Turn
from sts_eval.errors import UserError
from sts_eval.model.hook import find_hook
from sts_eval.model.reader import Prefix, Reader
from sts_eval.study.cost import counting
from sts_eval.study.question_scores import read_domain
from sts_eval.study.shifted_features import measure_shift

PREFIX = tuple(range(20, 20 + 3 * tiny.WINDOW))
TURNS = (
    Turn((101, 102, 103, 104, 105), (1, 2, 3)),
    Turn((111, 112, 113), (0, 2)),
    Turn(tuple(range(120, 120 + 2 * tiny.WINDOW)), (5, 30)),
)


def reader_of(model, hook_name="blocks.1.hook_resid_post"):
    return Reader(model, find_hook(model, hook_name))


def separately(model, prefix=PREFIX, turns=TURNS, index=2):
    """The same by full forward passes."""
    found = []
    for turn in turns:
        with torch.no_grad():
            states = model(torch.tensor([[*prefix, *turn.ids]]), output_hidden_states=True).hidden_states
        found.append(states[index][0, [len(prefix) + position for position in turn.span]])
    return torch.cat(found)


def close(found, wanted):
    assert found.shape == wanted.shape
    assert float((found - wanted).abs().max() / wanted.abs().max()) < 1e-5


@pytest.mark.parametrize("kind", tiny.CONFIGS)
@pytest.mark.parametrize("prefix", [(), (0,), PREFIX], ids=["no prefix", "bos", "long prefix"])
def test_packed_equals_separate(kind, prefix):
    model = tiny.model(kind)
    reader = reader_of(model)
    close(reader.read(Prefix(prefix), TURNS), separately(model, prefix))
    assert reader.packs


@pytest.mark.parametrize("kind", ["llama", "gemma3_text"])
def test_rounding_is_not_taken_for_a_leak(kind):
    model = tiny.model(kind).bfloat16()
    reader = reader_of(model)
    found, wanted = reader.read(Prefix(PREFIX), TURNS), separately(model)
    assert reader.packs
    assert found.dtype == torch.bfloat16
    assert float((found - wanted).float().norm() / wanted.float().norm()) < 0.05


@pytest.mark.parametrize("kind", ["mistral", "phi3", "gemma2", "gemma3_text"])
def test_the_window_of_the_tiny_models_matters(kind):
    wide = tiny.model(kind, sliding_window=500)
    difference = separately(wide) - separately(tiny.model(kind))
    assert float(difference.abs().max()) > 0.1


def test_a_prefix_serves_any_number_of_reads():
    model = tiny.model("gemma2")
    reader = reader_of(model)
    prefix = Prefix(PREFIX)
    for turns in (TURNS[:2], TURNS, TURNS[2:]):
        close(reader.read(prefix, turns), separately(model, turns=turns))


def test_nothing_behind_the_hook_runs():
    model = tiny.model("llama")
    ran = []
    for index, block in enumerate(model.model.layers):
        block.register_forward_pre_hook(lambda *_args, index=index: ran.append(index))
    model.lm_head.register_forward_pre_hook(lambda *_args: ran.append("head"))
    model.model.norm.register_forward_pre_hook(lambda *_args: ran.append("norm"))
    reader_of(model, "blocks.1.hook_resid_post").read(Prefix(PREFIX), TURNS)
    assert set(ran) == {0, 1}
    ran.clear()
    reader_of(model, "blocks.1.hook_resid_pre").read(Prefix(PREFIX), TURNS)
    assert "head" not in ran
    assert 2 not in ran
    ran.clear()
    model(torch.tensor([[1, 2, 3]]))  # afterwards the model is whole again
    assert ran == [0, 1, 2, "norm", "head"]


def test_module_paths():
    model = tiny.model("llama")
    close(reader_of(model, "model.layers.1").read(Prefix(PREFIX), TURNS), separately(model))
    outputs = []
    handle = model.model.layers[1].mlp.register_forward_hook(lambda _m, _a, output: outputs.append(output[0].detach()))
    model(torch.tensor([[*PREFIX, *TURNS[0].ids]]))
    handle.remove()
    found = reader_of(model, "model.layers.1.mlp").read(Prefix(PREFIX), TURNS[:1])
    close(found, outputs[0][[len(PREFIX) + position for position in TURNS[0].span]])


def test_tokens_and_passes():
    """A prefix goes through the model once, whatever is read behind it. (The first two reads are also checked.)"""
    reader = reader_of(tiny.model("llama"))
    prefix = Prefix(PREFIX)
    reader.read(prefix, TURNS)
    reader.read(prefix, TURNS[:1])
    turns = sum(len(turn.ids) for turn in TURNS)
    with counting(reader.model) as cost:
        reader.read(prefix, TURNS)
    assert (cost.tokens, cost.passes) == (turns, 1)
    other = Prefix(PREFIX[::-1])
    with counting(reader.model) as cost:
        reader.read(other, TURNS)
        reader.read(other, TURNS[:1])
    assert (cost.tokens, cost.passes) == (len(PREFIX) + turns + len(TURNS[0].ids), 3)


def test_a_prefix_goes_through_the_model_once_per_seed_and_domain():
    extractor = tiny.extractor(seeds=(0, 1), batch_questions=1)
    seen = []
    embedding = extractor.reader.model.get_input_embeddings()
    embedding.register_forward_pre_hook(lambda _module, args: seen.append(tuple(args[0][0].tolist())))
    shifts = [measure_shift(extractor, tiny.training_set(), seed, tiny.silent) for seed in (0, 1)]
    for domain in tiny.DOMAINS:
        chosen = {seed: tiny.draw(extractor, domain, seed) for seed in (0, 1)}
        read_domain(extractor, domain, {shift.seed: shift.features for shift in shifts}, chosen)
    shots = [[tiny.TRAINING[row] for row in shift.demonstrations] for shift in shifts]
    for examples in shots:
        assert seen.count(extractor.prompter.demonstrations(examples).prefixes[-1]) == 1
    # With rows of one question, every other pass is a question's turn on its own, or the check at the start.
    turns = [extractor.prompter.turn(q.text).ids for domain in tiny.DOMAINS for q in domain.questions]
    for turn in turns:
        assert seen.count(turn) == 3  # alone once for both seeds, and behind each seed's demonstrations


class IgnoresMasks(nn.Module):
    """Lets a model run without the mask that it is given."""

    def __init__(self, model):
        super().__init__()
        inner = model.model.forward
        model.model.forward = lambda *args, **inputs: inner(*args, **{**inputs, "attention_mask": None})


def test_a_model_that_ignores_masks_is_read_one_by_one():
    model = tiny.model("llama")
    wanted = separately(model)
    IgnoresMasks(model)
    reader = reader_of(model)
    close(reader.read(Prefix(PREFIX), TURNS), wanted)
    assert not reader.packs
    assert [line for line in reader.warnings if "each is read on its own" in line]


def test_a_model_that_ignores_masks_is_found_out_though_it_starts_with_one_question():
    model = tiny.model("llama")
    wanted = separately(model)
    IgnoresMasks(model)
    reader = reader_of(model)
    reader.read(Prefix((0,)), TURNS[:1])  # nothing to confuse yet
    close(reader.read(Prefix(PREFIX), TURNS), wanted)
    assert not reader.packs


def test_a_model_that_ignores_windows_in_packed_rows_is_found_out_behind_a_short_prefix():
    """The first prefix is a BOS, behind which a window is not felt."""
    model = tiny.model("gemma2")
    wanted = separately(model)
    inner = model.model.forward

    def forward(*args, **inputs):
        mask = inputs.get("attention_mask")
        if isinstance(mask, dict):
            inputs["attention_mask"] = dict.fromkeys(mask, mask["full_attention"])
        return inner(*args, **inputs)

    model.model.forward = forward
    reader = reader_of(model)
    reader.read(Prefix((0,)), TURNS[:2])
    close(reader.read(Prefix(PREFIX), TURNS), wanted)
    assert not reader.packs


def test_scores_are_right_though_a_model_ignores_masks():
    right = measure_shift(tiny.extractor(), tiny.training_set(), 0, tiny.silent)
    extractor = tiny.extractor()
    IgnoresMasks(extractor.reader.model)
    found = measure_shift(extractor, tiny.training_set(), 0, tiny.silent)
    assert not extractor.reader.packs
    assert found.features == right.features
    close(torch.tensor(found.score), torch.tensor(right.score))


@pytest.mark.parametrize("attention", ["flash_attention_2", "flex_attention"])
def test_attention_without_masks_is_read_one_by_one(attention):
    model = tiny.model("llama")
    model.config._attn_implementation_internal = attention
    reader = reader_of(model)
    assert not reader.packs
    model.config._attn_implementation_internal = "eager"
    close(reader.read(Prefix(PREFIX), TURNS), separately(model))


def test_memory_that_runs_out_halves_the_row(monkeypatch):
    model = tiny.model("llama")
    reader = reader_of(model)
    reader.read(Prefix((0,)), TURNS[:2])
    packed, sizes = reader._packed, []

    def small(prefix, turns):
        sizes.append(len(turns))
        if len(turns) > 1:
            raise torch.OutOfMemoryError
        return packed(prefix, turns)

    monkeypatch.setattr(reader, "_check_packing", lambda *_args: None)
    monkeypatch.setattr(reader, "_packed", small)
    close(reader.read(Prefix(PREFIX), TURNS), separately(model))
    assert sizes == [3, 1, 2, 1, 1]
    close(reader.read(Prefix(PREFIX), TURNS), separately(model))
    assert sizes[5:] == [1, 1, 1], "a row as large as one that did not fit is not tried again"


def test_a_pass_that_fails_leaves_the_prefix_as_it_was(monkeypatch):
    model = tiny.model("llama")
    reader = reader_of(model)
    prefix = Prefix(PREFIX)
    reader.read(prefix, TURNS)
    last = model.model.layers[1].mlp
    with monkeypatch.context() as patch:
        patch.setattr(last, "forward", lambda _hidden: (_ for _ in ()).throw(torch.OutOfMemoryError()))
        with pytest.raises(torch.OutOfMemoryError):
            reader.read(prefix, TURNS[:1])
    close(reader.read(prefix, TURNS), separately(model))


def test_activations_that_are_not_finite_name_the_hook():
    model = tiny.model("llama")
    with torch.no_grad():
        model.model.layers[1].mlp.down_proj.weight[0, 0] = torch.nan
    with pytest.raises(UserError, match=r"blocks\.1\.hook_resid_post are not finite"):
        reader_of(model).read(Prefix(PREFIX), TURNS)


def test_a_hook_that_is_never_reached():
    model = tiny.model("llama")
    with pytest.raises(UserError, match="never reached lm_head"):
        Reader(model.model, find_hook(model, "lm_head")).read(Prefix(PREFIX), TURNS)
