"""The language-model head: where hidden states enter it, and what it makes of them."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sts_eval.model.hook import BLOCKS, Hook, unwrapped

# What architectures call the norm behind the last block. It stands beside the list of blocks.
_FINAL_NORMS = ("norm", "ln_f", "final_layer_norm", "final_layernorm")

# Most logits that exist at once: 128 MiB of float32.
_LOGITS = 2**25


class Head:
    """Applied to chosen hidden states, since the whole vocabulary at every position would fill the memory.

    Attributes:
        norm: The norm behind the last block; None where it is not known which module that is.
        hook: Where hidden states enter the head.
    """

    def __init__(self, model: Any) -> None:
        base = unwrapped(model)
        self._module = base.get_output_embeddings()
        self._cap: float | None = getattr(base.config.get_text_config(), "final_logit_softcapping", None)
        self.norm = _final_norm(base)
        # Hidden states enter it behind the final norm.
        self.hook = Hook("the input of the language-model head", self._module, "input", None)

    @torch.inference_mode()
    def distributions(self, hidden: Tensor) -> Iterator[Tensor]:
        """Log-probabilities (nats) of hidden states of shape (n, d_model), in blocks (block, vocabulary) of float32.

        The blocks of two heads over one vocabulary are alike.
        """
        at_once = max(1, _LOGITS // self._module.weight.shape[0])
        for start in range(0, len(hidden), at_once):
            yield self.logits(hidden[start : start + at_once]).log_softmax(dim=1)

    @torch.inference_mode()
    def logits(self, hidden: Tensor) -> Tensor:
        """Logits of few hidden states, shape (n, d_model): shape (n, vocabulary), float32, capped as the model does."""
        logits: Tensor = self._module(hidden).float()
        return torch.tanh(logits / self._cap) * self._cap if self._cap else logits

    @torch.inference_mode()
    def logprobs(self, hidden: Tensor, wanted: Sequence[tuple[int, int]]) -> NDArray[np.float64]:
        """Log-probabilities of tokens, in nats, each a (row of `hidden`, token id). Shape (len(wanted),)."""
        rows, tokens = torch.tensor(wanted, device=hidden.device).unbind(1)
        found = []
        start = 0
        for block in self.distributions(hidden[rows]):
            own = tokens[start : start + len(block), None].to(block.device)
            found.append(block.gather(1, own)[:, 0].double().cpu())
            start += len(block)
        return np.asarray(torch.cat(found).numpy(), dtype=np.float64)


def _final_norm(base: Any) -> nn.Module | None:
    path = BLOCKS.get(base.config.model_type, "").rpartition(".")[0]
    body = base.get_submodule(path) if path else None
    return next((getattr(body, name) for name in _FINAL_NORMS if hasattr(body, name)), None)
