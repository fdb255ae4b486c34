"""Readers of sae-lens's own folders, of version 3 or later, and of state dicts in its names from before."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from sts_eval.errors import UserError
from sts_eval.model.sae_terms import NOT_FOLDED, Converted, Values, not_supported, read_arrays


def sae_lens(config: Values, file: Path, device: str) -> Converted:
    """sae-lens's own, of version 3 or later."""
    from sae_lens.loading.pretrained_sae_loaders import read_sae_components_from_disk
    from sae_lens.registry import SAE_CLASS_REGISTRY, SAE_TRAINING_CLASS_REGISTRY

    config = _with_activation(config, file)
    architecture = config.get("architecture", "standard")
    if architecture in SAE_TRAINING_CLASS_REGISTRY and architecture not in SAE_CLASS_REGISTRY:
        raise UserError(
            f"{file.parent} is a training checkpoint of sae-lens ({architecture}), which does not encode single tokens",
            "Write its inference form in Python and give that folder: "
            f"sae_lens.TrainingSAE.load_from_disk({str(file.parent)!r}).save_inference_model(FOLDER)",
        )
    config, weights = read_sae_components_from_disk(config, file, device, torch.float32)
    factor = weights.pop("finetuning_scaling_factor", None)
    if factor is not None:  # on what the decoder is given, so the features are the same without it
        weights["W_dec"] = weights["W_dec"] * factor[:, None]
    return Converted(config, weights, _stored_scale(file.parent) if _is_scaled(config) else None)


def sae_lens_pickle(config: Values, file: Path, device: str) -> Converted:
    """A state dict in sae-lens's names that was saved with torch.save."""
    config = _with_activation(config, file)
    return Converted(config, read_arrays(file, device), _stored_scale(file.parent) if _is_scaled(config) else None)


def _with_activation(config: Values, file: Path) -> Values:
    """A config of sae-lens before 6.0 whose top-k is an architecture, as sae-lens reads it from 3.0 on.

    Raises:
        UserError: Its activation is neither ReLU nor top-k. sae-lens 6 would read it as ReLU.
    """
    activation = config.get("activation_fn_str", config.get("activation_fn"))
    if activation in (None, "relu"):
        return config
    if activation != "topk":
        raise not_supported(file, "activation", activation)
    kwargs = config.get("activation_fn_kwargs") or {}
    k = next((told for told in (kwargs.get("k"), config.get("activation_fn_k"), config.get("k")) if told), None)
    if k is None:
        raise UserError(
            f"the top-k SAE {file} does not say how many features fire on a token",
            'Add "activation_fn_kwargs": {"k": K} to its cfg.json',
        )
    kwargs = {"k": int(k)}
    return config | {"activation_fn_str": "topk", "activation_fn_kwargs": kwargs, "architecture": "topk"} | kwargs


def _is_scaled(config: Values) -> bool:
    return config.get("normalize_activations") in (NOT_FOLDED, True)  # a bool before version 3


def _stored_scale(folder: Path) -> float | None:
    """The scale of the inputs that sae-lens's training left beside a checkpoint; None where it left none."""
    scaler, store = folder / "activation_scaler.json", folder / "activations_store_state.safetensors"
    if scaler.is_file():
        found = json.loads(scaler.read_text(encoding="utf-8")).get("scaling_factor")
        return float(found) if found else None
    if store.is_file():
        state = load_file(store)
        return float(state["estimated_norm_scaling_factor"]) if "estimated_norm_scaling_factor" in state else None
    return None
