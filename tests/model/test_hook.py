"""A hook name leads to the module on which the residual stream passes, or to an error that helps."""

import pytest
from helpers import tiny
from peft import LoraConfig, get_peft_model
from torch import nn

from sts_eval.errors import UserError
from sts_eval.model.hook import BLOCKS, find_hook


@pytest.mark.parametrize("kind", tiny.CONFIGS)
def test_every_tiny_architecture_is_known(kind):
    model = tiny.model(kind)
    blocks = model.get_submodule(BLOCKS[kind])
    post, pre = find_hook(model, "blocks.2.hook_resid_post"), find_hook(model, "blocks.0.hook_resid_pre")
    assert (post.module, post.side, post.layer) == (blocks[2], "output", 2)
    assert (pre.module, pre.side, pre.layer) == (blocks[0], "input", 0)
    between = find_hook(model, "blocks.2.hook_resid_pre")  # what leaves the block before
    assert (between.module, between.side, between.layer) == (blocks[1], "output", 2)
    assert between.same_place(find_hook(model, "blocks.1.hook_resid_post"))


def test_an_adapter_is_looked_through():
    model = tiny.model("llama")
    wrapped = get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"]))
    assert find_hook(wrapped, "blocks.1.hook_resid_post").module is model.model.layers[1]


def test_a_module_path():
    model = tiny.model("llama")
    hook = find_hook(model, "model.layers.1.mlp")
    assert (hook.module, hook.side, hook.layer) == (model.model.layers[1].mlp, "output", 1)


def test_a_block_that_does_not_exist():
    with pytest.raises(
        UserError, match=r"hook blocks\.3\.hook_resid_post does not exist: the model's 3 blocks are 0 to 2"
    ):
        find_hook(tiny.model("llama"), "blocks.3.hook_resid_post")


@pytest.mark.parametrize("name", ["model.layer.1", "blocks.-1.hook_resid_post", ""])
def test_a_hook_that_does_not_exist_names_near_ones(name):
    with pytest.raises(UserError, match=r"hook .* does not exist in LlamaForCausalLM.*such as .*model"):
        find_hook(tiny.model("llama"), name)


def test_the_nearest_module_is_named():
    with pytest.raises(UserError, match=r"such as model\.layers\.1\b"):
        find_hook(tiny.model("llama"), "model.layer.1")


def test_an_unknown_architecture_needs_a_module_path():
    model = tiny.model("llama")
    model.config.model_type = "xlstm"
    with pytest.raises(
        UserError, match=r"where a 'xlstm' model keeps its blocks is not known.*--hook model\.layers\.1\."
    ):
        find_hook(model, "blocks.1.hook_resid_post")
    assert find_hook(model, "model.layers.1").module is model.model.layers[1]


def test_blocks_that_are_not_a_list():
    model = tiny.model("llama")
    model.model.layers = nn.Sequential(*model.model.layers)
    with pytest.raises(UserError, match="is not a list of blocks"):
        find_hook(model, "blocks.1.hook_resid_post")
