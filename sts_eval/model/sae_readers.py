"""One reader for each other project's format of SAEs: config and state dict in sae-lens's terms.

What a reader states about a format is what that project's own code computes; the file is named beside it.
"""

import json
import math
import re
from pathlib import Path

import torch
from torch import Tensor

from sts_eval.errors import UserError
from sts_eval.model.sae_terms import (
    NOT_FOLDED,
    Converted,
    Values,
    Weights,
    not_supported,
    read_arrays,
    refuse_transcoder,
    sae_config,
)

# What scales the inputs of lm-saes (norm_activation in lm_saes/sae.py), in sae-lens's terms.
_LLAMA_SCALINGS = {"dataset-wise": NOT_FOLDED, "token-wise": "constant_norm_rescale", "inference": "none"}

# What dictionary_learning calls the places of a block.
_SUBMODULES = {
    "resid_pre": "blocks.{}.hook_resid_pre",
    "resid_post": "blocks.{}.hook_resid_post",
    "mlp_out": "layers.{}.mlp",
    "attn_out": "blocks.{}.hook_attn_out",
}


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
        raise not_supported(file, "activation", "signed top-k" if config.get("signed") else activation)
    raw = read_arrays(file, device)
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
    return Converted(
        sae_config("topk", weights, place, trained.get("model"), centred=True, k=int(config["k"])), weights
    )


def gemma_scope(_config_file: Values, file: Path, device: str) -> Converted:
    """Gemma Scope's params.npz, in capitals or not. Only the path says where it reads, as its repository names it."""
    if "transcoder" in str(file):
        refuse_transcoder(file)
    raw = {name.lower(): array for name, array in read_arrays(file, device).items()}
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
        raise not_supported(file, "architecture", config["architecture"])
    return Converted(*_jump_relu(read_arrays(file, device), place, config.get("model_name")))


def llama_scope(config: Values, file: Path, device: str) -> Converted:
    """OpenMOSS's Llama Scope and later SAEs of lm-saes.

    Inputs are scaled by √d_in over their mean norm in the training data, which the config or the weights hold. The
    stored threshold is for inputs that are not scaled; as in sae-lens, it is scaled with them. Where `norm_activation`
    is "token-wise", each input is scaled to a norm of √d_in; where it is "inference", the weights hold the scale.
    """
    raw = read_arrays(file, device)
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
        raise not_supported(file, "norm_activation", scaling)
    scaled = scaling == "dataset-wise"
    scale = math.sqrt(weights["W_enc"].shape[0]) / float(norm) if norm and scaled else None
    activation, k = config.get("act_fn", "jumprelu"), None
    if activation == "jumprelu":
        if not scaled and "log_jumprelu_threshold" not in raw:
            raise not_supported(file, "norm_activation", f"{scaling} with one threshold for all features")
        weights["threshold"] = (
            raw["log_jumprelu_threshold"].exp()
            if "log_jumprelu_threshold" in raw
            else torch.full_like(weights["b_enc"], config["jump_relu_threshold"] * (scale or 1.0))
        )
    elif activation == "topk":
        k = int(config["top_k"])
    elif activation != "relu":
        raise not_supported(file, "activation", activation)
    kind = {"relu": "standard"}.get(activation, activation)
    found = sae_config(str(kind), weights, place, config.get("model_name"), k=k)
    return Converted(found | {"normalize_activations": _LLAMA_SCALINGS[scaling]}, weights, scale)


def dictionary_learning(config: Values, file: Path, device: str) -> Converted:
    """dictionary_learning's ae.pt (dictionary_learning/dictionary.py). Features are on sae-lens's scale.

    Gated and JumpReLU dictionaries there multiply a feature by the norm of its decoder row, sae-lens does not; in
    both cases the same features fire and reconstruct the same vector.
    """
    raw, trainer = read_arrays(file, device), config["trainer"]
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
    found = sae_config(
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
        raise not_supported(file, "class of dictionary", kind)
    return Converted(found, weights)


def batch_top_k(config: Values, file: Path, device: str) -> Converted:
    """SAEs of bartbussmann's BatchTopK repository (sae.py): vanilla, topk, batchtopk and jumprelu."""
    raw, kind = read_arrays(file, device), str(config["sae_type"])
    if config.get("activation", "relu") != "relu":
        raise not_supported(file, "activation", config["activation"])
    weights = {
        "W_enc": raw["W_enc"],
        "W_dec": raw["W_enc"].T.contiguous() if config.get("tied_weights") else raw["W_dec"],
        "b_enc": raw["b_enc"],
        "b_dec": raw["b_dec"],
    }
    if kind in ("topk", "batchtopk") and not config.get("use_encoder_bias"):
        weights["b_enc"] = torch.zeros_like(raw["b_enc"])  # which these two do not add
    found = sae_config(
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
        raise not_supported(file, "sae_type", kind)
    return Converted(found, weights)


def qwen_scope(config: Values, file: Path, device: str) -> Converted:
    """Qwen Scope's layerN.sae.pt: matrices the other way round; k stands in the repository's name only."""
    raw = read_arrays(file, device)
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
    return Converted(sae_config("topk", weights, hook, model[1] if model else None, k=int(k)), weights)


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
    return sae_config("jumprelu", weights, hook, model), weights


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


def _first(raw: Weights, *names: str) -> Tensor:
    return raw[next((name for name in names if name in raw), names[0])]
