"""One reader for each format of SAEs: sae-lens's config and state dict from a config file and the weights.

What a reader states about a format is what that project's own code computes; the file is named beside it.
"""

import json
import math
import re
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor

from sts_eval.errors import UserError

Values = dict[str, Any]
Weights = dict[str, Tensor]

NOT_FOLDED = "expected_average_only_in"  # sae-lens: inputs are to be scaled to a mean norm of √d_in

# What scales the inputs of lm-saes (norm_activation in lm_saes/sae.py), in sae-lens's terms.
_LLAMA_SCALINGS = {"dataset-wise": NOT_FOLDED, "token-wise": "constant_norm_rescale", "inference": "none"}

# What dictionary_learning calls the places of a block.
_SUBMODULES = {
    "resid_pre": "blocks.{}.hook_resid_pre",
    "resid_post": "blocks.{}.hook_resid_post",
    "mlp_out": "layers.{}.mlp",
    "attn_out": "blocks.{}.hook_attn_out",
}


class Converted(NamedTuple):
    """An SAE in sae-lens's terms."""

    config: Values
    weights: Weights
    scale: float | None = None  # by which inputs are to be multiplied, which is to be folded into the weights
    warnings: tuple[str, ...] = ()


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
    return Converted(config, _arrays(file, device), _stored_scale(file.parent) if _is_scaled(config) else None)


def _with_activation(config: Values, file: Path) -> Values:
    """A config of sae-lens before 6.0 whose top-k is an architecture, as sae-lens reads it from 3.0 on.

    Raises:
        UserError: Its activation is neither ReLU nor top-k. sae-lens 6 would read it as ReLU.
    """
    activation = config.get("activation_fn_str", config.get("activation_fn"))
    if activation in (None, "relu"):
        return config
    if activation != "topk":
        raise _unknown(file, "activation", activation)
    kwargs = config.get("activation_fn_kwargs") or {}
    k = next((told for told in (kwargs.get("k"), config.get("activation_fn_k"), config.get("k")) if told), None)
    if k is None:
        raise UserError(
            f"the top-k SAE {file} does not say how many features fire on a token",
            'Add "activation_fn_kwargs": {"k": K} to its cfg.json',
        )
    kwargs = {"k": int(k)}
    return config | {"activation_fn_str": "topk", "activation_fn_kwargs": kwargs, "architecture": "topk"} | kwargs


def sparsify(config: Values, file: Path, device: str) -> Converted:
    """EleutherAI's sparsify (sparsify/sparse_coder.py).

    The folder is named after the module whose output was read. The bias of the decoder is subtracted before encoding,
    and W_dec has shape (d_sae, d_in). sae-lens 6.54 transposes W_dec, calls every module of a block its residual
    stream, and does not subtract the bias where the decoder is normalised.
    """
    if config.get("transcode") or config.get("skip_connection"):
        refuse_transcoder(file)
    activation = config.get("activation", "topk")
    if activation != "topk" or config.get("signed"):
        raise _unknown(file, "activation", "signed top-k" if config.get("signed") else activation)
    raw = _arrays(file, device)
    hook = file.parent.name
    parent = file.parent.parent / "config.json"
    trained = json.loads(parent.read_text(encoding="utf-8")) if parent.is_file() else {}
    weights = {
        "W_enc": raw["encoder.weight"].T.contiguous(),
        "W_dec": raw["W_dec"],
        "b_enc": raw["encoder.bias"],
        "b_dec": raw["b_dec"],
    }
    place = hook if re.fullmatch(r"(.+\.)?(layers|h)\.\d+(\..+)?", hook) else None
    return Converted(_config("topk", weights, place, trained.get("model"), centred=True, k=int(config["k"])), weights)


def gemma_scope(_config_file: Values, file: Path, device: str) -> Converted:
    """Gemma Scope's params.npz, in capitals or not. Only the path says where it reads, as its repository names it."""
    if "transcoder" in str(file):
        refuse_transcoder(file)
    raw = {name.lower(): array for name, array in _arrays(file, device).items()}
    sites = {"res": "hook_resid_post", "mlp": "hook_mlp_out", "att": "attn.hook_z"}
    named = re.search(r"gemma-scope-(\w+)-(?:pt|it)-(res|mlp|att)\b.*\blayer_(\d+)", str(file))
    hook = f"blocks.{named[3]}.{sites[named[2]]}" if named else None
    return Converted(*_jump_relu(raw, hook, None))


def gemma_scope_2(config: Values, file: Path, device: str) -> Converted:
    """Gemma Scope 2: modules by their Hugging Face names."""
    place = config.get("hf_hook_point_in")
    target = config.get("hf_hook_point_out") or place
    if config.get("type", "sae") != "sae" or target != place or config.get("affine_connection"):
        refuse_transcoder(file)
    if config.get("architecture", "jump_relu") != "jump_relu":
        raise _unknown(file, "architecture", config["architecture"])
    return Converted(*_jump_relu(_arrays(file, device), place, config.get("model_name")))


def llama_scope(config: Values, file: Path, device: str) -> Converted:
    """OpenMOSS's Llama Scope and later SAEs of lm-saes.

    Inputs are scaled by √d_in over their mean norm in the training data, which the config or the weights hold. The
    stored threshold is for inputs that are not scaled; as in sae-lens, it is scaled with them. Where `norm_activation`
    is "token-wise", each input is scaled to a norm of √d_in; where it is "inference", the weights hold the scale.
    """
    raw = _arrays(file, device)
    place = config["hook_point_in"]
    if config.get("hook_point_out", place) != place:
        refuse_transcoder(file)
    linear = "encoder.weight" in raw  # as torch.nn.Linear holds them, else as plain matrices
    weights = {
        "W_enc": raw["encoder.weight"].T.contiguous() if linear else raw["W_E"],
        "W_dec": raw["decoder.weight"].T.contiguous() if linear else raw["W_D"],
        "b_enc": _first(raw, "encoder.bias", "b_E"),
        "b_dec": _first(raw, "decoder.bias", "b_D"),
    }
    norm = (config.get("dataset_average_activation_norm") or {}).get("in")
    norm = norm or raw.get(f"dataset_average_activation_norm.{place}")
    scaling = config.get("norm_activation", "dataset-wise")
    if scaling not in _LLAMA_SCALINGS:
        raise _unknown(file, "norm_activation", scaling)
    scaled = scaling == "dataset-wise"
    scale = math.sqrt(weights["W_enc"].shape[0]) / float(norm) if norm and scaled else None
    activation, k = config.get("act_fn", "jumprelu"), None
    if activation == "jumprelu":
        if not scaled and "log_jumprelu_threshold" not in raw:
            raise _unknown(file, "norm_activation", f"{scaling} with one threshold for all features")
        weights["threshold"] = (
            raw["log_jumprelu_threshold"].exp()
            if "log_jumprelu_threshold" in raw
            else torch.full_like(weights["b_enc"], config["jump_relu_threshold"] * (scale or 1.0))
        )
    elif activation == "topk":
        k = int(config["top_k"])
    elif activation != "relu":
        raise _unknown(file, "activation", activation)
    kind = {"relu": "standard"}.get(activation, activation)
    found = _config(str(kind), weights, place, config.get("model_name"), k=k)
    return Converted(found | {"normalize_activations": _LLAMA_SCALINGS[scaling]}, weights, scale)


def dictionary_learning(config: Values, file: Path, device: str) -> Converted:
    """dictionary_learning's ae.pt (dictionary_learning/dictionary.py). Features are on sae-lens's scale.

    Gated and JumpReLU dictionaries there multiply a feature by the norm of its decoder row, sae-lens does not; in
    both cases the same features fire and reconstruct the same vector.
    """
    raw, trainer = _arrays(file, device), config["trainer"]
    kind = str(trainer.get("dict_class", "AutoEncoder"))
    weights = {
        "W_enc": raw["W_enc"] if "W_enc" in raw else raw["encoder.weight"].T.contiguous(),
        "W_dec": raw["W_dec"] if "W_dec" in raw else raw["decoder.weight"].T.contiguous(),
        "b_dec": _first(raw, "b_dec", "bias", "decoder_bias", "decoder.bias"),
    }
    # Which of them subtract the decoder's bias before encoding.
    centred = kind not in ("JumpReluAutoEncoder", "AutoEncoderNew") and "decoder.bias" not in raw
    if kind == "GatedAutoEncoder":
        weights |= {"b_mag": raw["mag_bias"], "b_gate": raw["gate_bias"], "r_mag": raw["r_mag"]}
    else:
        weights["b_enc"] = _first(raw, "b_enc", "encoder.bias")
    found = _config(
        {"GatedAutoEncoder": "gated", "AutoEncoderTopK": "topk"}.get(kind, "standard"),
        weights,
        _dictionary_hook(trainer),
        trainer.get("lm_name"),
        centred=centred,
        k=int(trainer.get("k") or raw["k"]) if kind == "AutoEncoderTopK" else None,
    )
    if kind == "JumpReluAutoEncoder":
        found["architecture"], weights["threshold"] = "jumprelu", raw["threshold"]
    elif "BatchTopK" in kind:
        return _batch_top_k(found, weights, raw.get("threshold"), int(trainer.get("k") or raw["k"]))
    elif kind not in ("AutoEncoder", "AutoEncoderNew", "AutoEncoderTopK", "GatedAutoEncoder"):
        raise _unknown(file, "class of dictionary", kind)
    return Converted(found, weights)


def batch_top_k(config: Values, file: Path, device: str) -> Converted:
    """SAEs of bartbussmann's BatchTopK repository (sae.py): vanilla, topk, batchtopk and jumprelu."""
    raw, kind = _arrays(file, device), str(config["sae_type"])
    if config.get("activation", "relu") != "relu":
        raise _unknown(file, "activation", config["activation"])
    weights = {
        "W_enc": raw["W_enc"],
        "W_dec": raw["W_enc"].T.contiguous() if config.get("tied_weights") else raw["W_dec"],
        "b_enc": raw["b_enc"],
        "b_dec": raw["b_dec"],
    }
    if kind in ("topk", "batchtopk") and not config.get("use_encoder_bias"):
        weights["b_enc"] = torch.zeros_like(raw["b_enc"])  # which these two do not add
    found = _config(
        {"vanilla": "standard"}.get(kind, kind),
        weights,
        config.get("hook_point"),
        config.get("model_name"),
        centred=True,
        k=int(config["top_k"]) if kind == "topk" else None,
    )
    # Each input is centred and divided by its own standard deviation, which sae-lens calls layer_norm.
    found["normalize_activations"] = "layer_norm" if config.get("input_unit_norm") else "none"
    if kind == "batchtopk":
        return _batch_top_k(found, weights, raw.get("threshold"), int(config["top_k"]))
    if kind == "jumprelu":
        weights["threshold"] = raw["jumprelu.log_threshold"].exp()
    elif kind not in ("vanilla", "topk"):
        raise _unknown(file, "sae_type", kind)
    return Converted(found, weights)


def qwen_scope(config: Values, file: Path, device: str) -> Converted:
    """Qwen Scope's layerN.sae.pt: matrices the other way round; k stands in the repository's name only."""
    raw = _arrays(file, device)
    named = re.findall(r"L0_(\d+)", str(file.parent))
    k = config.get("k") or config.get("top_k") or (int(named[-1]) if named else None)
    if k is None:
        raise UserError(
            f"{file} does not say how many features fire on a token",
            "Keep it in a folder that is named as its repository is, such as SAE-Res-Qwen3-8B-Base-W64K-L0_50",
        )
    weights = {
        "W_enc": raw["W_enc"].T.contiguous(),
        "W_dec": raw["W_dec"].T.contiguous(),
        "b_enc": raw["b_enc"],
        "b_dec": raw["b_dec"],
    }
    layer = re.search(r"layer[._]?(\d+)", file.name)
    model = re.search(r"SAE-Res-(.+?)-W\d+K", str(file.parent))
    hook = f"blocks.{layer[1]}.hook_resid_post" if layer else None
    return Converted(_config("topk", weights, hook, model[1] if model else None, k=int(k)), weights)


def refuse_transcoder(file: Path | str) -> NoReturn:
    """Say that it maps one place of the model to another.

    Raises:
        UserError: Always.
    """
    raise UserError(
        f"{file} is a transcoder: it reads one place of the model and writes another",
        "Choose an autoencoder, which reconstructs what it reads",
    )


def _batch_top_k(config: Values, weights: Weights, threshold: Tensor | None, k: int) -> Converted:
    """BatchTopK keeps the k largest activations a token on average; which ones depends on the batch.

    A learned threshold replaces the batch (arXiv 2412.06410, section 3). Without one, each token keeps its own k.
    """
    if threshold is not None and float(threshold.min()) >= 0:
        weights = weights | {"threshold": threshold.to(weights["b_enc"]).expand_as(weights["b_enc"]).clone()}
        return Converted(config | {"architecture": "jumprelu"}, weights)
    warning = (
        f"the BatchTopK SAE has no threshold, so each token keeps its {k} largest activations, and not {k} on average "
        "over a batch as in training"
    )
    return Converted(config | {"architecture": "topk", "k": k}, weights, warnings=(warning,))


def _jump_relu(raw: Weights, hook: str | None, model: str | None) -> tuple[Values, Weights]:
    names = {"W_enc": "w_enc", "W_dec": "w_dec", "b_enc": "b_enc", "b_dec": "b_dec", "threshold": "threshold"}
    weights = {ours: raw[theirs] for ours, theirs in names.items()}
    return _config("jumprelu", weights, hook, model), weights


def _config(
    architecture: str,
    weights: Weights,
    hook: str | None,
    model: str | None,
    *,
    centred: bool = False,
    k: int | None = None,
) -> Values:
    """sae-lens's config. `centred`: the decoder's bias is subtracted before encoding."""
    from sae_lens import __version__

    d_in, d_sae = weights["W_enc"].shape
    return {
        "architecture": architecture,
        "d_in": d_in,
        "d_sae": d_sae,
        "apply_b_dec_to_input": centred,
        "normalize_activations": "none",
        **({"k": k, "rescale_acts_by_decoder_norm": False} if k is not None else {}),
        "metadata": {"hook_name": hook, "model_name": model, "sae_lens_version": __version__},
    }


def _dictionary_hook(trainer: Values) -> str | None:
    """Where a dictionary was trained; without a name of the module, after the block, as sae-lens takes it.

    A place that is not known is kept as the config words it, so that a refusal can name it.
    """
    module = str(trainer.get("submodule_name") or "resid_post")
    named = re.fullmatch(rf"({'|'.join(_SUBMODULES)})(?:_(?:layer_?)?(\d+))?", module)
    if named is None:
        return module
    layer = trainer.get("layer") if named[2] is None else named[2]
    if layer is None:
        return None
    if named[1] == "attn_out" and re.search(r"gemma-[23]", str(trainer.get("lm_name"))):  # norms what attention gives
        return f"layers.{layer}.self_attn"
    return _SUBMODULES[named[1]].format(layer)


def _arrays(file: Path, device: str) -> Weights:
    """All tensors of a file, as float32 where they are floats. A pickle is read as data; nothing in it is run."""
    if file.suffix == ".npz":
        with np.load(file, allow_pickle=False) as arrays:
            raw = {name: torch.tensor(arrays[name], device=device) for name in arrays.files}
    elif file.suffix == ".safetensors":
        raw = load_file(file, device=device)
    else:
        raw = torch.load(file, map_location=device, weights_only=True)
    return {
        name: value.float() if isinstance(value, Tensor) and value.is_floating_point() else value
        for name, value in raw.items()
    }


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


def _first(raw: Weights, *names: str) -> Tensor:
    return raw[next((name for name in names if name in raw), names[0])]


def _unknown(file: Path, what: str, value: object) -> UserError:
    return UserError(
        f"the SAE {file} has the {what} {value!r}, which is not supported",
        "Choose another SAE, or convert it to sae-lens's format",
    )
