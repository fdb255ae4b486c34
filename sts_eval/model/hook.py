"""Where in a model to read: a hook name, resolved to a module and a side of it.

sae-lens names hooks as TransformerLens does (`blocks.25.hook_resid_post` is the residual stream after block 25). The
Hugging Face model has no such names, so they are mapped to the module that takes in or gives out the same vector.
`layers.25` and `layers.25.mlp` (sparsify) and `model.layers.25.output` (Gemma Scope 2) are paths of modules.
"""

import difflib
import re
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from sts_eval.errors import UserError

# Where each architecture keeps its list of blocks, from the base model that carries `config`.
BLOCKS = dict.fromkeys(
    ("gemma", "gemma2", "gemma3_text", "llama", "mistral", "phi", "phi3", "qwen2", "qwen3"), "model.layers"
) | {"gemma3": "model.language_model.layers", "gpt2": "transformer.h", "gpt_neox": "gpt_neox.layers"}

RESIDUAL = ("hook_resid_pre", "hook_resid_post")

_Side = Literal["input", "output"]


class _Site(NamedTuple):
    """A place in a block: what enters or leaves one of its modules."""

    path: str  # of the module within the block; the block itself if empty
    side: _Side
    normalised: bool = False


def _sites(norm1: str, attention: str, project: str, norm2: str, down: str) -> dict[str, _Site]:
    """The sites of a block that adds attention and then an MLP to the residual stream, each behind a norm."""
    return {
        "hook_resid_pre": _Site("", "input"),
        "ln1.hook_normalized": _Site(norm1, "input", normalised=True),
        "attn.hook_z": _Site(f"{attention}.{project}", "input"),
        "hook_attn_out": _Site(attention, "output"),
        "hook_resid_mid": _Site(norm2, "input"),
        "ln2.hook_normalized": _Site(norm2, "input", normalised=True),
        "mlp.hook_post": _Site(f"mlp.{down}", "input"),
        "hook_mlp_out": _Site("mlp", "output"),
        "hook_resid_post": _Site("", "output"),
    }


_LLAMA = _sites("input_layernorm", "self_attn", "o_proj", "post_attention_layernorm", "down_proj")
# Gemma 2 and 3 norm what attention and MLP give before they add it; the hooks are on what is added.
_GEMMA_2 = _sites("input_layernorm", "self_attn", "o_proj", "pre_feedforward_layernorm", "down_proj") | {
    "hook_attn_out": _Site("post_attention_layernorm", "output"),
    "hook_mlp_out": _Site("post_feedforward_layernorm", "output"),
}
_SITES = (
    dict.fromkeys(("gemma", "llama", "mistral", "phi3", "qwen2", "qwen3"), _LLAMA)
    | dict.fromkeys(("gemma2", "gemma3_text", "gemma3"), _GEMMA_2)
    | {
        "gpt2": _sites("ln_1", "attn", "c_proj", "ln_2", "c_proj"),
        "gpt_neox": _sites("input_layernorm", "attention", "dense", "post_attention_layernorm", "dense_4h_to_h"),
        # One norm for both branches, which run side by side.
        "phi": {
            name: site
            for name, site in _sites("input_layernorm", "self_attn", "dense", "", "fc2").items()
            if name not in ("hook_resid_mid", "ln2.hook_normalized")
        },
    }
)

_IN_BLOCK = re.compile(r"blocks\.(\d+)\.(.+)")
_MODULE_OF_BLOCK = re.compile(r"(?:.+\.)?(?:layers|h)\.(\d+)(\..+)?")


class Hook(NamedTuple):
    """A place to read: what enters or what leaves a module."""

    name: str  # TransformerLens' one where it has one, else as the user or the SAE named it
    module: nn.Module
    side: _Side
    layer: int | None  # index of the block, None for a module outside of the blocks
    normalised: bool = False  # what the module, a norm, makes of it before its weight and bias
    width: int | None = None  # length of a vector there; None where only reading tells

    def same_place(self, other: "Hook") -> bool:
        """Whether both read the same vector."""
        return (self.module, self.side, self.normalised) == (other.module, other.side, other.normalised)

    def taken(self, hidden: Tensor) -> Tensor:
        """The vector at the hook, from what passes at the module."""
        if not self.normalised:
            return hidden
        # TransformerLens' hook_normalized: divided by the scale, before weight and bias.
        wide = hidden.float()
        if isinstance(self.module, nn.LayerNorm):
            wide = wide - wide.mean(-1, keepdim=True)
        epsilon = next(getattr(self.module, name) for name in ("variance_epsilon", "eps") if hasattr(self.module, name))
        return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + epsilon)).to(hidden.dtype)


def unwrapped(model: Any) -> Any:
    """The transformers model inside a peft wrapper, adapters still in place."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def find_hook(model: Any, name: str) -> Hook:
    """Resolve a hook name or module path on a Hugging Face model.

    Raises:
        UserError: The architecture is unknown, the block does not exist, the place cannot be read in this architecture,
            or no module has that path.
    """
    model = unwrapped(model)
    if match := _IN_BLOCK.fullmatch(name):
        return _in_block(model, name, int(match[1]))
    modules = {path: module for path, module in model.named_modules() if path}
    path, side = name, "output"
    if name not in modules and name.endswith((".input", ".output")):
        path, side = name.rsplit(".", 1)
    inside = _MODULE_OF_BLOCK.fullmatch(path)
    if path not in modules and inside and model.config.model_type in BLOCKS:
        path = f"{BLOCKS[model.config.model_type]}.{inside[1]}{inside[2] or ''}"
    if path in modules:
        layer, whole = _block_of(model, modules[path])
        if layer is not None and whole:
            return _in_block(model, f"blocks.{layer}.hook_resid_{'pre' if side == 'input' else 'post'}", layer)
        return Hook(name, modules[path], "input" if side == "input" else "output", layer)
    near = difflib.get_close_matches(path, modules, n=3) or list(modules)[:3]
    raise UserError(
        f"hook {name!r} does not exist in {type(model).__name__}",
        "Give the place where the SAE was trained with --hook: blocks.L.hook_resid_post (after block L), another hook "
        f"of TransformerLens, or a module path such as {', '.join(near)}",
    )


def _in_block(model: Any, name: str, layer: int) -> Hook:
    kind, place = model.config.model_type, name.split(".", 2)[2]
    if kind not in BLOCKS:
        path = f"model.layers.{layer}" + (".input" if place == "hook_resid_pre" else "")
        raise UserError(
            f"where a {kind!r} model keeps its blocks is not known, so {name} cannot be found",
            f"Name the block's module with --hook, such as --hook {path}"
            if place in RESIDUAL
            else "Choose an SAE of the residual stream, and name the block's module with --hook",
        )
    blocks = model.get_submodule(BLOCKS[kind])
    if not isinstance(blocks, nn.ModuleList):
        raise UserError(
            f"{BLOCKS[kind]} is not a list of blocks in this {kind!r} model", "Name the block's module with --hook"
        )
    if layer >= len(blocks):
        raise UserError(
            f"hook {name} does not exist: the model's {len(blocks)} blocks are 0 to {len(blocks) - 1}",
            "Choose a layer of this model, or an SAE that was trained on it",
        )
    hidden_size = model.config.get_text_config().hidden_size
    sites = dict(_SITES[kind])
    if getattr(model.config, "use_parallel_residual", False):  # then no residual stream stands between the branches
        del sites["hook_resid_mid"]
    if place not in sites:
        raise UserError(
            f"{name} cannot be read in a {kind!r} model",
            f"Choose an SAE that was trained on one of {', '.join(sites)}",
        )
    if place == "hook_resid_pre" and layer > 0:  # what leaves the block before
        return Hook(name, blocks[layer - 1], "output", layer, width=hidden_size)
    site = sites[place]
    module = blocks[layer].get_submodule(site.path)
    inner = place in ("attn.hook_z", "mlp.hook_post")  # heads side by side, or the MLP's own dimensions
    return Hook(name, module, site.side, layer, site.normalised, _width_of_input(module) if inner else hidden_size)


def _width_of_input(projection: Any) -> int:
    return int(projection.in_features if hasattr(projection, "in_features") else projection.nx)  # nx: GPT-2's


def _block_of(model: Any, module: nn.Module) -> tuple[int | None, bool]:
    """Index of the block that a module is, or is part of, and whether it is the whole block."""
    kind = model.config.model_type
    for index, block in enumerate(model.get_submodule(BLOCKS[kind])) if kind in BLOCKS else ():
        if any(part is module for part in block.modules()):
            return index, module is block
    return None, False
