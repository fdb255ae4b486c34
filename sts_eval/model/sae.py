"""A sparse autoencoder of sae-lens, encoding all or some of its features."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sts_eval.model.sae_terms import NOT_FOLDED

# Architectures whose features are computed one by one. A top-k needs all to know which survive.
ELEMENTWISE = frozenset({"standard", "jumprelu", "gated"})

# The axis along which each of their weights counts features; other weights are shared by all.
_FEATURE_AXIS = {"W_enc": 1, "W_dec": 0, "b_enc": 0, "threshold": 0, "b_gate": 0, "b_mag": 0, "r_mag": 0}

# Elements of one block of activations, (tokens, d_sae): bounds memory whatever the width.
_BLOCK = 2**25


@dataclass(frozen=True)
class SparseAutoencoder:
    """An SAE that is ready to encode, and what identifies it: a sae-lens release and an id in it, or a folder."""

    sae: Any  # the sae-lens module
    hook_name: str  # where it reads, in TransformerLens' names or as a module path
    release: str | None = None
    id: str | None = None
    path: str | None = None
    neuronpedia_id: str | None = None  # `model/source` on neuronpedia.org, None where there is no page
    warnings: tuple[str, ...] = ()  # what the user should know about it

    @property
    def trained_at(self) -> str | None:
        """Where it was trained, as it says itself."""
        return getattr(self.sae.cfg.metadata, "hook_name", None)

    @property
    def trained_on(self) -> str | None:
        """The model that it was trained on, as it says itself."""
        return getattr(self.sae.cfg.metadata, "model_name", None)

    @property
    def lacks_scale(self) -> bool:
        """Whether it was trained on normalised activations, but nothing normalises what it is given."""
        return self.sae.cfg.normalize_activations in (NOT_FOLDED, "covariance_whitening")

    @property
    def d_in(self) -> int:
        """Length of the vectors that it reads."""
        return int(self.sae.cfg.d_in)

    @property
    def d_sae(self) -> int:
        """Number of features."""
        return int(self.sae.cfg.d_sae)

    @property
    def architecture(self) -> str:
        """sae-lens's name of the architecture."""
        return str(self.sae.cfg.architecture())

    def weights_sha256(self) -> str:
        """Fingerprint of the weights as loaded, whatever file they came from."""
        digest = hashlib.sha256()
        for name, weight in sorted(self.sae.state_dict().items()):
            digest.update(name.encode())
            digest.update(weight.detach().float().cpu().numpy().tobytes())
        return digest.hexdigest()

    @torch.inference_mode()
    def reconstruct(self, hidden: Tensor) -> Tensor:
        """What the SAE makes of hidden states, float32, of their shape (n_tokens, d_in)."""
        blocks = torch.split(hidden.to(self.sae.W_enc.device), self._block)
        return torch.cat([self.sae.decode(self.sae.encode(block)).float() for block in blocks])

    @property
    def _block(self) -> int:
        """Tokens that are encoded at once."""
        return max(1, _BLOCK // self.d_sae)

    @torch.inference_mode()
    def encode(self, hidden: Tensor) -> Iterator[tuple[slice, Tensor]]:
        """Encode hidden states of shape (n_tokens, d_in): blocks of tokens, and their float32 (block, d_sae)."""
        for start in range(0, len(hidden), self._block):
            block = slice(start, min(start + self._block, len(hidden)))
            yield block, self.sae.encode(hidden[block].to(self.sae.W_enc.device)).float()

    def encoder(self, features: Sequence[int]) -> Callable[[Tensor], Tensor]:
        """From hidden states to activations of chosen features, float32, shape (n_tokens, len(features))."""
        index = torch.tensor(list(features), device=self.sae.W_enc.device)
        if self.architecture not in ELEMENTWISE:  # the features are then chosen out of all of them
            return lambda hidden: torch.cat([block[:, index] for _, block in self.encode(hidden)])
        narrow = self._narrowed(index)
        return lambda hidden: torch.cat([block for _, block in narrow.encode(hidden)])

    def contribution(self, features: Sequence[int]) -> Callable[[Tensor], Tensor]:
        """From hidden states of shape (n_tokens, d_in) to what chosen features add to them, Σ_j h_j·d_j, float32.

        It is in the hidden states' own units, whatever the SAE does to what it is given: the reconstruction by these
        features alone, less the one by none. Gradients flow through it, to the hidden states only.
        """
        index = torch.tensor(list(features), dtype=torch.long, device=self.sae.W_enc.device)
        sae, kept = self._computing(index)
        at_once = max(1, _BLOCK // max(1, sae.cfg.d_sae))

        def of(block: Tensor) -> Tensor:
            active = sae.encode(block.to(index.device)) * kept
            by_these, by_none = sae.decode(torch.stack([active, torch.zeros_like(active)]))  # one scale for both
            difference: Tensor = by_these - by_none
            return difference.float()

        return lambda hidden: torch.cat([of(block) for block in torch.split(hidden, at_once)])

    def activations(self, features: Sequence[int]) -> Callable[[Tensor], Tensor]:
        """As `encoder`, for a batch that is encoded at once. Gradients flow through it, to the hidden states only."""
        index = torch.tensor(list(features), dtype=torch.long, device=self.sae.W_enc.device)
        sae, _ = self._computing(index)
        places = slice(None) if sae is not self.sae else index

        def of(hidden: Tensor) -> Tensor:
            active: Tensor = sae.encode(hidden.to(index.device))[:, places]
            return active.float()

        return of

    def _computing(self, index: Tensor) -> tuple[Any, Tensor]:
        """A frozen SAE that computes chosen features, and a mask of them among those that it computes."""
        if self.architecture in ELEMENTWISE and len(index):
            narrow = self._narrowed(index).sae.requires_grad_(False)
            return narrow, torch.ones(len(index), device=index.device)
        self.sae.requires_grad_(False)
        return self.sae, torch.zeros(self.d_sae, device=index.device).index_fill(0, index, 1)

    def directions(self, features: Sequence[int]) -> NDArray[np.float64]:
        """Decoder rows of chosen features, each at length one (zero where the row is). Shape (n_features, d_in)."""
        rows = self.sae.W_dec.detach()[torch.tensor(features, device=self.sae.W_dec.device)].double()
        return np.asarray(torch.nn.functional.normalize(rows, dim=1).cpu().numpy(), dtype=np.float64)

    def _narrowed(self, index: Tensor) -> SparseAutoencoder:
        config = copy.copy(self.sae.cfg)
        config.d_sae, config.device = len(index), "meta"
        narrow = type(self.sae)(config)
        weights = {
            name: weight.detach().index_select(_FEATURE_AXIS[name], index) if name in _FEATURE_AXIS else weight
            for name, weight in self.sae.state_dict().items()
        }
        narrow.load_state_dict(weights, assign=True)
        narrow.cfg.device = self.sae.cfg.device
        return SparseAutoencoder(narrow, self.hook_name)


def fraction_unexplained(activations: Tensor, reconstructed: Tensor) -> float | None:
    """Σ‖a − â‖² / Σ‖a − mean(a)‖² of tensors of shape (n_tokens, d); None if all a are equal."""
    spread = float((activations - activations.mean(0)).double().square().sum())
    left = float((activations - reconstructed.to(activations.device)).double().square().sum())
    return left / spread if spread > 0 else None
