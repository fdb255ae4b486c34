"""Changing the vectors that pass at a hook while the model runs: the intervention behind ablation and selective tuning.

    ablation    r' = r − Σ_{j∈Z} h_j(r)·d_j        at every position; what the SAE does not reconstruct stays as it is

h are the SAE's features and d its decoder's rows, both in the units of the hidden states r.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from sts_eval.errors import UserError
from sts_eval.model.hook import Hook
from sts_eval.model.sae import SparseAutoencoder

Edit = Callable[[Tensor], Tensor]
"""From hidden states of shape (n_tokens, d) to what takes their place, of the same shape and type."""


def add_edit(hook: Hook, edit: Edit) -> RemovableHandle:
    """Replace what passes at a hook in every forward pass, until the handle is removed.

    What reads at the same hook reads the replaced vectors if it is registered later.

    Raises:
        UserError: The hook is inside a norm, where nothing can be replaced.
    """
    if hook.normalised:
        raise UserError(
            f"{hook.name} is inside a norm, where the model's vectors cannot be replaced",
            "Take an SAE of the residual stream, of attention's output or of an MLP's",
        )

    def of(hidden: Tensor) -> Tensor:
        return edit(hidden.reshape(-1, hidden.shape[-1])).view_as(hidden)

    def entering(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if args:
            return (of(args[0]), *args[1:]), kwargs
        return args, kwargs | {"hidden_states": of(kwargs["hidden_states"])}

    def leaving(_module: nn.Module, _args: tuple[Any, ...], output: Any) -> Any:
        return (of(output[0]), *output[1:]) if isinstance(output, tuple) else of(output)

    if hook.side == "input":
        return hook.module.register_forward_pre_hook(entering, with_kwargs=True)
    return hook.module.register_forward_hook(leaving)


@contextmanager
def edited(hook: Hook, edit: Edit) -> Iterator[None]:
    """Replace what passes at a hook inside the block.

    Raises:
        UserError: The hook is inside a norm.
    """
    handle = add_edit(hook, edit)
    try:
        yield
    finally:
        handle.remove()


def zeroing(autoencoder: SparseAutoencoder, features: Sequence[int]) -> Edit:
    """Take chosen features out. With none the vectors stay the same, bit by bit."""
    contribution = autoencoder.contribution(features)

    def edit(hidden: Tensor) -> Tensor:
        return (hidden - contribution(hidden).to(hidden.device)).to(hidden.dtype)  # subtracted in the wider type

    return edit
