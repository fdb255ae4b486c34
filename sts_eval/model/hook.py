"""Where in a model to read: a residual-stream hook name, resolved to a module.

sae-lens names hooks as TransformerLens does (`blocks.25.hook_resid_post` is the residual stream
after block 25). The Hugging Face model has no such names, so they are mapped to the block's module
and to the side of it on which the residual stream passes. Anything else is a module's own path.
"""

import difflib
import re
from typing import Any, Literal, NamedTuple

from torch import nn

from sts_eval.errors import UserError

# Where each architecture keeps its list of blocks, from the base model that carries `config`.
BLOCKS = dict.fromkeys(
    ("gemma", "gemma2", "gemma3_text", "llama", "mistral", "phi3", "qwen2", "qwen3"), "model.layers"
) | {"gemma3": "model.language_model.layers", "gpt2": "transformer.h", "gpt_neox": "gpt_neox.layers"}

_RESIDUAL = re.compile(r"blocks\.(\d+)\.hook_resid_(pre|post)")


class Hook(NamedTuple):
    """A place to read: what enters or what leaves a module."""

    name: str  # as the user or the SAE named it
    module: nn.Module
    side: Literal["input", "output"]
    layer: int | None  # index of the block, None for a module path


def unwrapped(model: Any) -> Any:
    """The transformers model inside a peft wrapper, adapters still in place."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def find_hook(model: Any, name: str) -> Hook:
    """Resolve a hook name or module path on a Hugging Face model.

    Raises:
        UserError: The architecture is unknown, the block does not exist, or no module has that path.
    """
    model = unwrapped(model)
    if match := _RESIDUAL.fullmatch(name):
        layer = int(match[1])
        kind = model.config.model_type
        if kind not in BLOCKS:
            raise UserError(
                f"where a {kind!r} model keeps its blocks is not known, so {name} cannot be found",
                "Name the block's module with --hook, such as --hook model.layers.25",
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
        return Hook(name, blocks[layer], "input" if match[2] == "pre" else "output", layer)
    modules = {path: module for path, module in model.named_modules() if path}
    if name in modules:
        return Hook(name, modules[name], "output", None)
    near = difflib.get_close_matches(name, modules, n=3) or list(modules)[:3]
    raise UserError(
        f"hook {name!r} does not exist in {type(model).__name__}",
        "Give blocks.L.hook_resid_post, blocks.L.hook_resid_pre or a module path such as "
        f"{', '.join(near)} with --hook",
    )
