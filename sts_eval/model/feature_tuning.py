"""Selective tuning: a linear map from chosen features to the residual stream, in place of changed weights.

    r ← r + h_S(r)·W        at every position; h_S are the activations of the SAE's features S, W has shape (K, d)

W starts at zero, which leaves the model as it is, and is all that is trained (arXiv 2603.02908, table 11). It is saved
as `feature_tuning.safetensors`, with the features and their SAEs in `feature_tuning.json`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from sts_eval.errors import UserError
from sts_eval.experiment import SAESpec
from sts_eval.model.feature_edit import Edit, add_edit
from sts_eval.model.hook import find_hook, unwrapped
from sts_eval.model.sae import SparseAutoencoder
from sts_eval.model.sae_loading import load_sae
from sts_eval.records.feature_tuning import FACTS, FeatureTuning, TunedLayer

WEIGHTS = "feature_tuning.safetensors"
NAME = "feature_tuning"  # of the module in the model


class FeatureMaps(nn.Module):
    """W of every layer, at work in a model: a submodule of it, whose parameters are W alone."""

    def __init__(self, facts: FeatureTuning, autoencoders: Sequence[SparseAutoencoder]) -> None:
        super().__init__()
        self.facts = facts
        self.maps = nn.ParameterList(
            torch.zeros(len(layer.features), autoencoder.d_in)
            for layer, autoencoder in zip(facts.layers, autoencoders, strict=True)
        )
        self._encoders = [
            autoencoder.activations(layer.features)
            for layer, autoencoder in zip(facts.layers, autoencoders, strict=True)
        ]

    def attach(self, model: Any) -> None:
        """Become a part of a model.

        Raises:
            UserError: The model has no such place, or nothing can be added there.
        """
        for number, layer in enumerate(self.facts.layers):
            add_edit(find_hook(model, layer.hook_name), self._edit(number))
        unwrapped(model).add_module(NAME, self)
        self.to(unwrapped(model).get_input_embeddings().weight.device)

    def _edit(self, number: int) -> Edit:
        def edit(hidden: Tensor) -> Tensor:
            map_ = self.maps[number]
            added = self._encoders[number](hidden).to(map_.device) @ map_
            changed: Tensor = hidden + added.to(hidden)
            return changed

        return edit

    def save(self, folder: Path) -> None:
        """Save W and what it belongs to."""
        folder.mkdir(parents=True, exist_ok=True)
        tensors = {}
        for number, (layer, map_) in enumerate(zip(self.facts.layers, self.maps, strict=True)):
            tensors[f"{number}.features"] = torch.tensor(layer.features)
            tensors[f"{number}.map"] = map_.detach().float().cpu().contiguous()
        saes = " ".join(layer.sae_sha256 for layer in self.facts.layers)
        save_file(tensors, folder / WEIGHTS, metadata={"saes": saes})  # one entry: several come in any order
        self.facts.write(folder / FACTS)

    def load(self, folder: Path) -> None:
        """Take over a saved W.

        Raises:
            UserError: It is damaged, or of other features.
        """
        try:
            saved = load_file(folder / WEIGHTS)
            with torch.no_grad():
                for number, (layer, map_) in enumerate(zip(self.facts.layers, self.maps, strict=True)):
                    if saved[f"{number}.features"].tolist() != list(layer.features):
                        raise ValueError("it is of other features than its description")
                    map_.copy_(saved[f"{number}.map"])
        except (OSError, KeyError, ValueError, RuntimeError, SafetensorError) as error:
            raise UserError(f"{folder / WEIGHTS} cannot be loaded ({error})", "Tune again, or copy it again") from error


def attach_saved(model: Any, weights: Path) -> FeatureMaps:
    """Attach a selective tuning to its untuned model.

    Raises:
        UserError: It is damaged, or an SAE is missing or has other weights than at the tuning.
    """
    facts = FeatureTuning.read(weights / FACTS)
    device = str(unwrapped(model).get_input_embeddings().weight.device)
    autoencoders = []
    for layer in facts.layers:
        autoencoder = load_sae(layer.sae, model_id=facts.base_model_name_or_path, device=device)
        if autoencoder.weights_sha256() != layer.sae_sha256:
            raise UserError(
                f"the SAE at {layer.hook_name} is not the one with which {weights} was tuned", "Put its files back"
            )
        autoencoders.append(autoencoder)
    maps = FeatureMaps(facts, autoencoders)
    maps.load(weights)
    maps.requires_grad_(False)
    maps.attach(model)
    return maps


def tuned_layer(sae: SAESpec, autoencoder: SparseAutoencoder, features: Sequence[int]) -> TunedLayer:
    """The description of one layer's features."""
    return TunedLayer(
        hook_name=autoencoder.hook_name,
        sae=sae,
        sae_sha256=autoencoder.weights_sha256(),
        features=tuple(features),
    )
