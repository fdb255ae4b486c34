"""Places beside the residual stream, held against what TransformerLens' names mean on every architecture.

The definitions are those of its `TransformerBlock`: resid_mid = resid_pre + attn_out, resid_post = resid_mid + mlp_out
(with parallel branches resid_post = resid_pre + attn_out + mlp_out), and a norm's hook_normalized is its input divided
by the scale, before weight and bias.
"""

import pytest
import torch
from helpers import tiny
from torch import nn

from sts_eval.data.prompt import Turn
from sts_eval.errors import UserError
from sts_eval.model.hook import BLOCKS, find_hook
from sts_eval.model.reader import Prefix, Reader

L = 1
TURN = Turn(tuple(range(20, 44)), tuple(range(24)))
PARALLEL = ("gpt_neox", "phi")


def read(model, site):
    name = site if "." in site and not site.startswith(("ln", "attn.", "mlp.")) else f"blocks.{L}.{site}"
    return Reader(model, find_hook(model, name)).read(Prefix(()), [TURN]).float().clone()


@pytest.mark.parametrize("kind", tiny.CONFIGS)
def test_the_branches_add_up_to_the_residual_stream(kind):
    model = tiny.model(kind)
    before, after = read(model, "hook_resid_pre"), read(model, "hook_resid_post")
    attention, mlp = read(model, "hook_attn_out"), read(model, "hook_mlp_out")
    torch.testing.assert_close(before + attention + mlp, after, rtol=1e-4, atol=1e-4)
    assert attention.norm() > 0.1 * before.norm() or mlp.norm() > 0.1 * before.norm()
    if kind not in PARALLEL:
        torch.testing.assert_close(before + attention, read(model, "hook_resid_mid"), rtol=1e-4, atol=1e-4)


def test_sequential_neox_has_a_middle():
    model = tiny.model("gpt_neox", use_parallel_residual=False)
    middle = read(model, "hook_resid_mid")
    torch.testing.assert_close(middle, read(model, "hook_resid_pre") + read(model, "hook_attn_out"))
    torch.testing.assert_close(middle + read(model, "hook_mlp_out"), read(model, "hook_resid_post"))


@pytest.mark.parametrize("kind", tiny.CONFIGS)
def test_a_norm_is_read_before_its_weight_and_bias(kind):
    model = tiny.model(kind)
    with torch.no_grad():  # weights as they are after training: not one
        for name, weight in model.named_parameters():
            if weight.ndim == 1 and ("norm" in name or "ln_" in name):
                weight.add_(torch.linspace(-0.5, 0.5, len(weight)))
    enters = {"ln1": "hook_resid_pre", "ln2": "hook_resid_pre" if kind in PARALLEL else "hook_resid_mid"}
    for norm, place in enters.items():
        if (kind, norm) == ("phi", "ln2"):
            continue
        x, found = read(model, place).double(), read(model, f"{norm}.hook_normalized").double()
        centred = x - x.mean(-1, keepdim=True) if kind in ("gpt2", *PARALLEL) else x
        torch.testing.assert_close(
            found, centred / centred.square().mean(-1, keepdim=True).sqrt(), rtol=1e-3, atol=1e-3
        )


@pytest.mark.parametrize("kind", [kind for kind in tiny.CONFIGS if not kind.startswith("gemma")])
def test_what_enters_the_projections_gives_what_the_branches_add(kind):
    model = tiny.model(kind)
    block = model.get_submodule(BLOCKS[kind])[L]
    for site, branch in (("attn.hook_z", "hook_attn_out"), ("mlp.hook_post", "hook_mlp_out")):
        hook = find_hook(model, f"blocks.{L}.{site}")
        inner = read(model, site)
        assert hook.width == inner.shape[-1]
        assert hook.module in set(block.modules())
        torch.testing.assert_close(hook.module(inner), read(model, branch), rtol=1e-4, atol=1e-4)


def test_gemmas_branches_are_read_behind_their_norms_and_its_modules_before():
    """TransformerLens' hook_mlp_out is what is added; sparsify's `layers.1.mlp` is what the module gives."""
    model = tiny.model("gemma2")
    with torch.no_grad():
        model.model.layers[L].post_feedforward_layernorm.weight.fill_(0.5)
    module = read(model, f"layers.{L}.mlp")
    added = read(model, "hook_mlp_out")
    torch.testing.assert_close(model.model.layers[L].post_feedforward_layernorm(module), added, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(module, added)


@pytest.mark.parametrize("kind", ["llama", "gemma3", "gpt2", "gpt_neox"])
@pytest.mark.parametrize("name", [f"layers.{L}", f"model.layers.{L}.output", f"h.{L}", f"gpt_neox.layers.{L}"])
def test_a_block_by_any_of_its_names_is_the_residual_stream_behind_it(kind, name):
    model = tiny.model(kind)
    found = find_hook(model, name)
    assert found == find_hook(model, f"blocks.{L}.hook_resid_post")
    assert find_hook(model, f"layers.{L}.input") == find_hook(model, f"blocks.{L}.hook_resid_pre")


@pytest.mark.parametrize(
    ("kind", "site"),
    [
        ("gpt_neox", "hook_resid_mid"),
        ("phi", "hook_resid_mid"),
        ("phi", "ln2.hook_normalized"),
        ("llama", "attn.hook_q"),
        ("llama", "hook_mlp_in"),
    ],
)
def test_a_place_that_cannot_be_read_is_refused_by_name(kind, site):
    with pytest.raises(
        UserError, match=rf"blocks\.1\.{site} cannot be read in a '{kind}' model\. Choose an SAE"
    ) as found:
        find_hook(tiny.model(kind), f"blocks.1.{site}")
    assert "--hook" not in str(found.value)


@pytest.mark.parametrize("place", ["hook_mlp_out", "ln2.hook_normalized"])
def test_no_other_place_is_advised_for_an_unknown_architecture(place):
    model = tiny.model("llama")
    model.config.model_type = "xlstm"
    with pytest.raises(UserError, match="Choose an SAE of the residual stream"):
        find_hook(model, f"blocks.1.{place}")
    with pytest.raises(UserError, match=r"--hook model\.layers\.1\.input"):
        find_hook(model, "blocks.1.hook_resid_pre")


@pytest.mark.parametrize(
    ("kind", "site"),
    [
        (kind, site)
        for kind in ("llama", "gemma2", "gpt_neox")
        for site in ("hook_mlp_out", "hook_attn_out", "hook_resid_mid", "ln2.hook_normalized", "attn.hook_z")
        if (kind, site) != ("gpt_neox", "hook_resid_mid")
    ],
)
def test_packed_rows_read_the_same_as_single_questions(kind, site):
    model = tiny.model(kind)
    turns = [Turn((21, 22, 23, 24), (0, 1, 2, 3)), Turn((31, 32, 33), (1, 2))]
    reader = Reader(model, find_hook(model, f"blocks.{L}.{site}"))
    packed = reader.read(Prefix((5, 6, 7, 8)), turns)
    assert reader.packs
    alone = [Reader(model, reader.hook).read(Prefix((5, 6, 7, 8)), [turn]) for turn in turns]
    torch.testing.assert_close(packed, torch.cat(alone), rtol=1e-4, atol=1e-4)


def test_later_blocks_do_not_run():
    model = tiny.model("llama")
    ran: set[nn.Module] = set()
    for block in model.model.layers:
        block.mlp.register_forward_hook(lambda module, *_: ran.add(module))
    read(model, "hook_resid_mid")
    assert ran == {model.model.layers[0].mlp}
